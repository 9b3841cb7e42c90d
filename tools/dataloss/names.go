package dataloss

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
)

// name judges a change of an SSM parameter: either the name or the resource that it
// names is removed.
func (f Finder) name(ctx context.Context, l comparison, c types.ResourceChange) (Report, error) {
	name, path := aws.ToString(c.PhysicalResourceId), l.path+aws.ToString(c.LogicalResourceId)
	switch {
	case c.Action == types.ChangeActionRemove:
		return f.nameGone(ctx, l.stack, path, name, "removed")
	case c.Replacement == types.ReplacementTrue:
		return f.nameGone(ctx, l.stack, path, name, because(c))
	}
	for _, d := range c.Details {
		id, _, _ := strings.Cut(aws.ToString(d.CausingEntity), ".")
		if slices.ContainsFunc(l.changes, func(o types.ResourceChange) bool {
			return aws.ToString(o.LogicalResourceId) == id && o.Replacement == types.ReplacementTrue
		}) {
			return f.nameGone(ctx, l.stack, path, name, id+", whose name it holds, would be replaced")
		}
	}
	return Report{}, nil
}

func (f Finder) nameGone(ctx context.Context, stack, path, name, why string) (Report, error) {
	readers, err := f.readers(ctx, stack, name)
	if err != nil || len(readers) == 0 {
		return Report{}, err
	}
	return Report{Findings: []Finding{{
		Path: path, Type: parameterType, What: NameGone, Because: why,
		Instead: "add the new name or resource first, deploy " + strings.Join(readers, ", ") + " to read it, and then remove " + name,
	}}}, nil
}

// readers are the stacks of the account whose deployed template contains the name.
// Stacks of the same family change together and do not count.
func (f Finder) readers(ctx context.Context, stack, name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	var all []types.Stack
	for pages := cloudformation.NewDescribeStacksPaginator(f.API, &cloudformation.DescribeStacksInput{}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("cloudformation.DescribeStacks: %w", err)
		}
		all = append(all, out.Stacks...)
	}
	own := ""
	for _, s := range all {
		if stack == aws.ToString(s.StackName) || stack == aws.ToString(s.StackId) {
			own = family(s)
		}
	}
	var found []string
	for _, s := range all {
		if family(s) == own || s.StackStatus == types.StackStatusReviewInProgress {
			continue
		}
		out, err := f.API.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: s.StackId, TemplateStage: types.TemplateStageOriginal})
		if cfn.Missing(err) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("cloudformation.GetTemplate: %w", err)
		}
		if mentions(aws.ToString(out.TemplateBody), name, s.Parameters) {
			found = append(found, aws.ToString(s.StackName))
		}
	}
	slices.Sort(found)
	return found, nil
}

// family is the root of a stack, or the stack itself.
func family(s types.Stack) string {
	if root := aws.ToString(s.RootId); root != "" {
		return root
	}
	return aws.ToString(s.StackId)
}

// mentions reports whether a template has an SSM name in it, whole, once its
// parameters are put in.
func mentions(template, name string, parameters []types.Parameter) bool {
	for _, p := range parameters {
		template = strings.ReplaceAll(template, "${"+aws.ToString(p.ParameterKey)+"}", aws.ToString(p.ParameterValue))
	}
	// A longer name is another one.
	return regexp.MustCompile(regexp.QuoteMeta(name) + `([^A-Za-z0-9_./-]|$)`).MatchString(template)
}
