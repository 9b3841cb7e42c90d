package main

import (
	"bytes"
	"fmt"
	"html"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

const (
	lane     = 16.0  // between the vertical lines of two writers
	boxWidth = 840.0 // of a stack
	rowTall  = 22.0
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

// row is a line of a stack's box: names of a kind, or those read from a writer.
type row struct {
	label string
	names []string
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
	left, y, from := lane*float64(len(order)+1), 8.0, map[string]float64{}
	for _, name := range order {
		s := all[slices.IndexFunc(all, func(s stacks.Stack) bool { return s.Name == name })]
		inputs, owned := reads(s), owns(s)
		height := 34 + rowTall*float64(len(inputs)+len(owned))
		p.box(left, y, boxWidth, height)
		p.text(left+14, y+23, "t", name)
		from[name] = y + 18
		at := y + 34
		for _, in := range inputs {
			i := slices.Index(order, in.label)
			p.add(`<path d="M%g %gH%gV%gH%g" fill="none" stroke="%s" stroke-width="1.5"/>`, left, from[in.label], lane*float64(len(order)-i), at+7, left-1, colour(i))
			p.add(`<path d="M%g %gl-7 -4v8z" fill="%s"/>`, left, at+7, colour(i))
			p.text(left+14, at+11, "m", "reads from "+in.label+": "+strings.Join(in.names, ", "))
			at += rowTall
		}
		for i, o := range owned {
			p.text(left+14, at+11, "m", o.label)
			x := left + 104
			for _, n := range o.names {
				width := wide(n) + 14
				p.add(`<rect x="%g" y="%g" width="%g" height="17" rx="8" fill="none" stroke="%s"/>`, x, at-1.5, width, colour(i))
				p.text(x+7, at+11, "n", n)
				x += width + 6
			}
			at += rowTall
		}
		y += height + 14
	}
	return p.done(left+boxWidth+8, y, "The stacks of Gatehouse in deploy order, what they own, and which SSM names they read"), nil
}

// reads groups the SSM names that a stack reads by their writer.
func reads(s stacks.Stack) []row {
	var out []row
	for _, name := range s.Reads {
		if writer := path.Base(path.Dir(name)); len(out) == 0 || out[len(out)-1].label != writer {
			out = append(out, row{label: writer})
		}
		out[len(out)-1].names = append(out[len(out)-1].names, path.Base(name))
	}
	return out
}

// owns lists a stack's resources by kind. Dead-letter queues are counted.
func owns(s stacks.Stack) []row {
	var out []row
	for _, kind := range kinds {
		r, dead := row{label: kind.label}, 0
		for _, owned := range s.Resources {
			if name := template.Text(owned.Prop(kind.name)); owned.Type == kind.typ && strings.HasSuffix(name, "-dlq") {
				dead++
			} else if owned.Type == kind.typ {
				r.names = append(r.names, short(name, owned.ID, s.Name))
			}
		}
		if dead > 0 {
			r.names = append(r.names, fmt.Sprintf("and %d for dead letters", dead))
		}
		if len(r.names) > 0 {
			out = append(out, r)
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

// style works on GitHub's light and dark pages: text stands on filled boxes only.
const style = `<style>text{font:12px ui-sans-serif,system-ui,Helvetica,Arial,sans-serif;fill:#1f2328}.t{font-size:15px;font-weight:600}.m{fill:#59636e}
.b{fill:#f6f8fa;stroke:#8c959f}@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.m{fill:#9198a1}.b{fill:#151b23;stroke:#656c76}}</style>`

// colours are readable on light and on dark boxes.
var colours = []string{"#0969da", "#bf5700", "#1a7f37", "#8250df", "#cf222e", "#9a6700", "#0e7c86", "#bf3989", "#6e7781"}

func colour(i int) string { return colours[i%len(colours)] }

// picture is an SVG under construction.
type picture struct{ bytes.Buffer }

func (p *picture) add(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *picture) text(x, y float64, class, text string) {
	p.add(`<text x="%g" y="%g" class="%s">%s</text>`, x, y, class, html.EscapeString(text))
}

func (p *picture) box(x, y, width, height float64) {
	p.add(`<rect x="%g" y="%g" width="%g" height="%g" rx="6" class="b"/>`, x, y, width, height)
}

// done puts the frame around what was drawn.
func (p *picture) done(width, height float64, title string) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" role="img">`+"\n<title>%s</title>\n%s\n%s</svg>\n",
		width, height, width, height, html.EscapeString(title), style, p.String())
	return out.Bytes()
}

// wide is about the width of a text in the picture's font.
func wide(text string) float64 { return 6.6 * float64(utf8.RuneCountInString(text)) }
