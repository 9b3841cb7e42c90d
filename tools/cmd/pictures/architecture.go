package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"gatehouse.example/tools/stacks"
)

const (
	lane     = 16.0  // between the vertical lines of two writers
	boxWidth = 840.0 // of a stack
	line     = 22.0
)

// kinds are the resource types in the picture, in order, with the property that names them.
var kinds = []struct{ label, typ, name string }{
	{"functions", "AWS::Serverless::Function", "FunctionName"},
	{"topics", "AWS::SNS::Topic", "TopicName"},
	{"queues", "AWS::SQS::Queue", "QueueName"},
	{"tables", "AWS::DynamoDB::Table", "TableName"},
	{"event buses", "AWS::Events::EventBus", "Name"},
	{"user pool", "AWS::Cognito::UserPool", "UserPoolName"},
	{"app clients", "AWS::Cognito::UserPoolClient", "ClientName"},
	{"groups", "AWS::Cognito::UserPoolGroup", "GroupName"},
	{"identity pool", "AWS::Cognito::IdentityPool", "IdentityPoolName"},
	{"REST API", "AWS::ApiGateway::RestApi", "Name"},
	{"keys", "AWS::KMS::Key", ""},
}

// architecture draws the stacks in deploy order. An arrow leads from the stack
// that writes SSM names to the line of a stack that reads them.
func architecture(all []stacks.Stack) ([]byte, error) {
	graph, err := stacks.NewGraph(all)
	if err != nil {
		return nil, fmt.Errorf("stacks.NewGraph: %w", err)
	}
	levels, err := graph.Levels()
	if err != nil {
		return nil, fmt.Errorf("stacks.Graph.Levels: %w", err)
	}
	order := slices.Concat(levels...)
	var p picture
	left := lane * float64(len(order)+1)
	y, from := 8.0, map[string]float64{}
	for _, name := range order {
		s := all[slices.IndexFunc(all, func(s stacks.Stack) bool { return s.Name == name })]
		inputs, owned := reads(s), owns(s)
		height := 34 + line*float64(len(inputs)+len(owned))
		p.box(left, y, boxWidth, height)
		p.text(left+14, y+23, "t", name)
		row := y + 34
		for _, input := range inputs {
			i := slices.Index(order, input.writer)
			x := lane * float64(len(order)-i)
			p.add(`<path d="M%g %gH%gV%gH%g" fill="none" stroke="%s" stroke-width="1.5"/>`, left, from[input.writer], x, row+7, left-1, colour(i))
			p.add(`<path d="M%g %gl-7 -4v8z" fill="%s"/>`, left, row+7, colour(i))
			p.text(left+14, row+11, "m", "reads from "+input.writer+": "+strings.Join(input.names, ", "))
			row += line
		}
		for _, o := range owned {
			p.text(left+14, row+11, "m", o.label)
			p.chips(left+104, row, o.names, colour(o.colour))
			row += line
		}
		from[name] = y + 18
		y += height + 14
	}
	return p.done(left+boxWidth+8, y, "The stacks of Gatehouse in deploy order, what they own, and which SSM names they read"), nil
}

// chips draws names next to each other.
func (p *picture) chips(x, y float64, names []string, colour string) {
	for _, name := range names {
		width := wide(name) + 14
		p.add(`<rect x="%g" y="%g" width="%g" height="17" rx="8" fill="none" stroke="%s"/>`, x, y-1.5, width, colour)
		p.text(x+7, y+11, "n", name)
		x += width + 6
	}
}

type input struct {
	writer string
	names  []string
}

// reads groups the SSM names that a stack reads by their writer.
func reads(s stacks.Stack) []input {
	var out []input
	for _, name := range s.Reads {
		writer := path.Base(path.Dir(name))
		if len(out) == 0 || out[len(out)-1].writer != writer {
			out = append(out, input{writer: writer})
		}
		out[len(out)-1].names = append(out[len(out)-1].names, path.Base(name))
	}
	return out
}

type owned struct {
	label  string
	names  []string
	colour int
}

// owns lists a stack's resources by kind. Dead-letter queues are counted.
func owns(s stacks.Stack) []owned {
	var out []owned
	for i, kind := range kinds {
		o, dead := owned{label: kind.label, colour: i}, 0
		for _, r := range s.Resources {
			name := r.Text(kind.name)
			switch {
			case r.Type != kind.typ:
			case strings.HasSuffix(name, "-dlq"):
				dead++
			default:
				o.names = append(o.names, short(name, r.LogicalID, s.Name))
			}
		}
		if dead > 0 {
			o.names = append(o.names, fmt.Sprintf("and %d for dead letters", dead))
		}
		if len(o.names) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// short is a name without what all names of the stack begin with, or else the logical id.
func short(name, logicalID, stack string) string {
	if name == "" {
		return logicalID
	}
	name = strings.Trim(strings.TrimPrefix(strings.ReplaceAll(name, "_", "-"), "gatehouse-${Environment}"), "-")
	if name = strings.Trim(strings.TrimPrefix(name, stack), "-"); name == "" {
		return stack
	}
	return name
}
