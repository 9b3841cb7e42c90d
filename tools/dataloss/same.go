package dataloss

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"go.yaml.in/yaml/v3"
)

// spread adds the resources that are only listed because of a resource of which
// nothing changes. CloudFormation lists each nested stack as modified, "because the
// nested stack's template might have changed", and therefore also each resource that
// depends on one of its outputs:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html
func (l comparison) spread() {
	for again := true; again; {
		again = false
		for _, c := range l.changes {
			id := aws.ToString(c.LogicalResourceId)
			if !l.same[id] && !l.nests(c) && l.onlyListed(c) {
				l.same[id], again = true, true
			}
		}
	}
}

// onlyListed reports whether every cause of a change is a resource of which nothing
// changes. The template's text decides whether there is another one: CloudFormation
// adds details without a cause for the same properties.
func (l comparison) onlyListed(c types.ResourceChange) bool {
	id := aws.ToString(c.LogicalResourceId)
	old, was := l.old[id]
	now, is := l.new[id]
	if c.Action != types.ChangeActionModify || !was || !is || !equal(old.Node, now.Node) {
		return false
	}
	caused := false
	for _, d := range c.Details {
		entity, _, _ := strings.Cut(aws.ToString(d.CausingEntity), ".")
		switch {
		case d.Target == nil || d.Target.Attribute != types.ResourceAttributeProperties:
			return false
		case d.Evaluation != types.EvaluationTypeDynamic:
			return false
		case entity == "" && d.ChangeSource == types.ChangeSourceDirectModification:
		case l.same[entity] && (d.ChangeSource == types.ChangeSourceResourceAttribute || d.ChangeSource == types.ChangeSourceResourceReference):
			caused = true
		default:
			return false
		}
	}
	return caused
}

// otherwise reports whether a nested stack changes in a way that its own change set
// does not show, such as another DeletionPolicy.
func otherwise(c types.ResourceChange) bool {
	return slices.ContainsFunc(c.Details, func(d types.ResourceChangeDetail) bool {
		return d.Target != nil && d.Target.Attribute != types.ResourceAttributeProperties && d.Target.Attribute != types.ResourceAttributeTags
	})
}

// equal compares what two parts of templates say.
func equal(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind && a.ShortTag() == b.ShortTag() && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, equal)
}
