package templates

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// values finds what can change the values in a template while its text stays the same.
type values struct {
	*template.Template
	all []*template.Template
	// given are the parameters of a nested template, and parent is the template that sets them.
	given  *yaml.Node
	parent *values
}

var (
	placeholders = regexp.MustCompile(`\$\{([^!}]+)\}`)
	// identifying are the properties that are a resource's physical name.
	identifying = map[string]string{
		"AWS::DynamoDB::Table": "TableName", "AWS::Events::EventBus": "Name", "AWS::Logs::LogGroup": "LogGroupName",
		"AWS::SNS::Topic": "TopicName", "AWS::SQS::Queue": "QueueName", "AWS::SSM::Parameter": "Name",
	}
)

// of returns the parameters, resources and SSM names that the values below a node depend
// on. It omits those with one possible value: pseudo parameters, Environment, which is
// part of the function's name, and what has a fixed name in the environment. A resource
// without a fixed name has another id when it is replaced.
func (v *values) of(n *yaml.Node) []string {
	found := map[string]bool{}
	add := func(names ...string) {
		for _, name := range names {
			found[name] = true
		}
	}
	local := map[string]bool{} // the variables of a !Sub
	template.Walk(n, func(n *yaml.Node) {
		text := template.Text(n)
		switch n.Tag {
		case "!Ref":
			add(v.named(n.Value)...)
		case "!GetAtt":
			add(v.named(strings.TrimPrefix(text, "att:"))...)
		case "!If":
			add(v.of(template.Get(v.Root, "Conditions", n.Content[0].Value))...)
		case "!Condition":
			add(v.of(template.Get(v.Root, "Conditions", n.Value))...)
		case "!Sub":
			if n.Kind == yaml.SequenceNode {
				for key := range template.Pairs(n.Content[1]) {
					local[key.Value] = true
				}
			}
			for _, m := range placeholders.FindAllStringSubmatch(text, -1) {
				if !local[m[1]] {
					add(v.named(m[1])...)
				}
			}
		}
	})
	for _, name := range (&template.Template{Root: n}).SSMNames() {
		if v.ssm(name) {
			add(name)
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// named is of a !Ref to a name, or of a !GetAtt in the form Resource.Attribute.
func (v *values) named(name string) []string {
	id, attribute, _ := strings.Cut(name, ".")
	if strings.HasPrefix(id, "AWS::") || id == "Environment" {
		return nil
	}
	if given := template.Get(v.given, id); given != nil {
		return v.parent.of(given)
	}
	for _, r := range v.Resources("") {
		if r.ID != id {
			continue
		}
		if output, ok := strings.CutPrefix(attribute, "Outputs."); ok && r.Type == template.StackType {
			if len(v.output(r, output)) == 0 {
				return nil
			}
			return []string{name}
		}
		if fixed := r.Prop(identifying[r.Type]); fixed != nil {
			return v.of(fixed)
		}
	}
	return []string{id}
}

// output is of an output of a nested template.
func (v *values) output(stack template.Resource, name string) []string {
	for _, t := range v.all {
		if t.Path == repository.Dir(stack.Template)+"/"+template.Text(stack.Prop("TemplateURL")) {
			nested := &values{Template: t, all: v.all, given: stack.Prop("Parameters"), parent: v}
			return nested.of(template.Get(t.Root, "Outputs", name, "Value"))
		}
	}
	return []string{name}
}

// ssm reports whether an SSM parameter's value can change. It asks the template that
// writes it.
func (v *values) ssm(name string) bool {
	for _, t := range v.all {
		for _, p := range t.Resources("AWS::SSM::Parameter") {
			if template.Text(p.Prop("Name")) == name {
				return len((&values{Template: t, all: v.all}).of(p.Prop("Value"))) > 0
			}
		}
	}
	return true
}
