package dataloss

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/template"
)

// template gets the stack's template, or that of its change set, and returns its
// resources by logical id.
func (f Finder) template(ctx context.Context, stack string, changeSet *string) (*template.Template, map[string]template.Resource, error) {
	in := &cloudformation.GetTemplateInput{StackName: &stack, ChangeSetName: changeSet, TemplateStage: types.TemplateStageProcessed}
	out, err := f.API.GetTemplate(ctx, in)
	if err != nil {
		return nil, nil, fmt.Errorf("cloudformation.GetTemplate: %w", err)
	}
	t, err := template.Parse("the template of "+stack, []byte(aws.ToString(out.TemplateBody)))
	if err != nil {
		return nil, nil, err
	}
	resources := map[string]template.Resource{}
	for _, r := range t.Resources("") {
		resources[r.ID] = r
	}
	return t, resources, nil
}

// text evaluates a value of the template to what a parameter would hold.
func text(ctx context.Context, e *template.Evaluator, n *yaml.Node) (value string, known bool) {
	v, err := e.Value(ctx, n)
	if err != nil || v == nil {
		return "", false
	}
	switch v := v.(type) {
	case map[string]any:
		return "", false
	case []any:
		parts := make([]string, 0, len(v))
		for _, member := range v {
			parts = append(parts, fmt.Sprint(member))
		}
		return strings.Join(parts, ","), true
	}
	return fmt.Sprint(v), true
}

// keeps reports whether a policy of the resource keeps what the resource contains.
func keeps(r template.Resource, policy string) bool {
	return r.Retained(policy) || template.Text(template.Get(r.Node, policy)) == "Snapshot"
}

// unprotected returns the resources that remain in the stack with a weaker policy
// against deletion. The templates show it: a change set only says that something
// about the policy changed, and an empty one does not even say that.
func unprotected(l comparison) []Finding {
	var found []Finding
	for id, before := range l.old {
		k, stateful := kinds[before.Type]
		after, remains := l.new[id]
		if !stateful || !remains || after.Type != before.Type {
			continue
		}
		for _, name := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			if !keeps(before, name) || keeps(after, name) {
				continue
			}
			becomes := template.Text(template.Get(after.Node, name))
			if becomes == "" {
				becomes = "nothing"
			}
			found = append(found, Finding{
				Path: l.path + id, Type: before.Type, What: Unprotected, Instead: advice(Unprotected, k, ""),
				Because: fmt.Sprintf("%s from %s to %s", name, template.Text(template.Get(before.Node, name)), becomes),
			})
		}
	}
	return found
}
