package dataloss

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/template"
)

const (
	nestedType    = template.StackType
	parameterType = "AWS::SSM::Parameter"
)

// API are the calls of CloudFormation that are needed. None changes a stack.
type API interface {
	cloudformation.DescribeStacksAPIClient
	cloudformation.ListStackResourcesAPIClient
	CreateChangeSet(context.Context, *cloudformation.CreateChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.CreateChangeSetOutput, error)
	DeleteChangeSet(context.Context, *cloudformation.DeleteChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error)
	DescribeChangeSet(context.Context, *cloudformation.DescribeChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error)
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error)
	GetTemplateSummary(context.Context, *cloudformation.GetTemplateSummaryInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateSummaryOutput, error)
}

// Finder finds data loss in change sets.
type Finder struct{ API API }

// comparison is one change set of a stack, with the resources before and after it.
type comparison struct {
	stack, changeSet string
	// path leads to the stack: the logical ids of the nested stacks, each with a slash.
	path    string
	changes []types.ResourceChange
	values  map[string]string
	tags    []types.Tag
	// same are the resources that the change set lists although nothing of them changes.
	same map[string]bool
	// template is that of the change set; old and new are the resources by logical id.
	template *template.Template
	old, new map[string]template.Resource
	// sameOutputs is set if the templates' outputs are equal.
	sameOutputs bool
	// deployed are the types that the stack has now, by logical id.
	deployed map[string]types.StackResourceSummary
}

// Find reads a change set that is complete and not executed.
func (f Finder) Find(ctx context.Context, stack, changeSet string) (Report, error) {
	return f.find(ctx, stack, changeSet, "")
}

func (f Finder) find(ctx context.Context, stack, changeSet, path string) (Report, error) {
	l, err := f.read(ctx, stack, changeSet, path)
	if err != nil {
		return Report{}, err
	}
	var report Report
	// Nested stacks are first: others may depend on their outputs.
	for _, nested := range []bool{true, false} {
		for _, c := range l.changes {
			if l.nests(c) != nested || l.same[aws.ToString(c.LogicalResourceId)] {
				continue
			}
			more, err := f.one(ctx, l, c)
			if err != nil {
				return Report{}, err
			}
			l.same[aws.ToString(c.LogicalResourceId)] = nested && more.Nothing && !otherwise(c)
			report.add(more)
		}
		l.spread()
	}
	report.Findings = append(report.Findings, unprotected(l)...)
	slices.SortStableFunc(report.Findings, func(a, b Finding) int { return strings.Compare(a.Path, b.Path) })
	for id, same := range l.same {
		if same {
			report.Same = append(report.Same, id)
		}
	}
	slices.Sort(report.Same)
	report.Nothing = len(l.changes) > 0 && len(report.Same) == len(l.changes) && len(report.Findings) == 0 && l.sameOutputs
	return report, nil
}

// nests reports whether a change is that of a nested stack which stays.
func (l comparison) nests(c types.ResourceChange) bool {
	return aws.ToString(c.ResourceType) == nestedType && c.Action == types.ChangeActionModify && c.Replacement != types.ReplacementTrue
}

func (f Finder) read(ctx context.Context, stack, changeSet, path string) (comparison, error) {
	l := comparison{
		stack: stack, changeSet: changeSet, path: path, values: map[string]string{}, same: map[string]bool{},
		deployed: map[string]types.StackResourceSummary{},
	}
	set, err := cfn.DescribeChangeSet(ctx, f.API, stack, changeSet)
	if err != nil {
		return comparison{}, err
	}
	for _, c := range set.Changes {
		if c.ResourceChange != nil {
			l.changes = append(l.changes, *c.ResourceChange)
		}
	}
	l.tags = set.Tags
	for _, p := range set.Parameters {
		l.values[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	if l.deployed, err = f.resources(ctx, stack); err != nil {
		return comparison{}, err
	}
	before, old, err := f.template(ctx, stack, nil)
	if err != nil {
		return comparison{}, err
	}
	l.old = old
	if l.template, l.new, err = f.template(ctx, stack, &changeSet); err != nil {
		return comparison{}, err
	}
	l.sameOutputs = equal(template.Get(before.Root, "Outputs"), template.Get(l.template.Root, "Outputs"))
	return l, nil
}

func (f Finder) resources(ctx context.Context, stack string) (map[string]types.StackResourceSummary, error) {
	all, err := cfn.Resources(ctx, f.API, stack)
	found := map[string]types.StackResourceSummary{}
	for _, r := range all {
		found[aws.ToString(r.LogicalResourceId)] = r
	}
	return found, err
}

func (f Finder) one(ctx context.Context, l comparison, c types.ResourceChange) (Report, error) {
	id, typ := aws.ToString(c.LogicalResourceId), aws.ToString(c.ResourceType)
	// A change of the type reports the new type, but the old resource is removed.
	if was := aws.ToString(l.deployed[id].ResourceType); was != "" {
		typ = was
	}
	gone := c.Action == types.ChangeActionRemove
	replaced := c.Replacement == types.ReplacementTrue
	switch {
	case typ == nestedType && (gone || replaced):
		return f.removedStack(ctx, l.path+id, aws.ToString(l.deployed[id].PhysicalResourceId))
	case typ == nestedType && c.Action != types.ChangeActionAdd:
		return f.nested(ctx, l, id, aws.ToString(c.ChangeSetId))
	case typ == parameterType && c.Action != types.ChangeActionAdd:
		return f.name(ctx, l, c)
	}
	k, stateful := kinds[typ]
	if !stateful {
		return Report{}, nil
	}
	finding := Finding{Path: l.path + id, Type: typ}
	more := ""
	switch {
	case gone:
		finding.What, finding.Because = f.removed(l, c)
	case replaced:
		finding.What, finding.Because = Replaced, because(c)
	default:
		finding.What, finding.Because, more = perhaps(k, c)
	}
	if finding.What == "" {
		return Report{}, nil
	}
	finding.Instead = advice(finding.What, k, more)
	return Report{Findings: []Finding{finding}}, nil
}

// removed distinguishes renamed, retained and deleted resources.
func (f Finder) removed(l comparison, c types.ResourceChange) (What, string) {
	for _, other := range l.changes {
		if other.Action == types.ChangeActionAdd && aws.ToString(other.ResourceType) == aws.ToString(c.ResourceType) {
			return Renamed, aws.ToString(other.LogicalResourceId) + " is new and of the same type"
		}
	}
	if keeps(l.old[aws.ToString(c.LogicalResourceId)], "DeletionPolicy") {
		return Orphaned, "by its DeletionPolicy"
	}
	return Removed, ""
}

// perhaps judges a change that CloudFormation does not report as a replacement. If
// it reports a conditional one, as the emulator always does for keys, the
// registry's schema decides.
func perhaps(k kind, c types.ResourceChange) (what What, why, more string) {
	for _, d := range c.Details {
		if d.Target == nil || d.Target.Attribute != types.ResourceAttributeProperties {
			continue
		}
		property := aws.ToString(d.Target.Name)
		switch {
		case slices.Contains(k.Immutable, property):
			return Immutable, property + " changes", ""
		case c.Replacement != types.ReplacementConditional || !k.touches(property):
		case d.Evaluation == types.EvaluationTypeStatic && slices.Contains(k.CreateOnly, property):
			return Replaced, property + " changes", ""
		default:
			cause := aws.ToString(d.CausingEntity)
			if cause == "" && what == PerhapsGone {
				continue // another detail of the same property names the cause
			}
			cause = cmp.Or(cause, property)
			what, why, more = PerhapsGone, property+" depends on "+cause, cause
		}
	}
	if what == "" && c.Replacement == types.ReplacementConditional && len(c.Details) == 0 {
		return PerhapsGone, "CloudFormation gives no reason", "this resource"
	}
	return what, why, more
}

func because(c types.ResourceChange) string {
	var names []string
	for _, d := range c.Details {
		if d.Target == nil || d.Target.RequiresRecreation == types.RequiresRecreationNever {
			continue
		}
		if name := aws.ToString(d.Target.Name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0] + " changes"
	}
	return strings.Join(names, ", ") + " change"
}
