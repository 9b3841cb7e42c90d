// Package plan works out what a deployment would do before it does it: it builds
// every stack and lets CloudFormation itself say, by a change set that is never
// executed, what would change.
package plan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/cli/internal/awsdeploy/protect"
	"gatehouse.example/platform/local/sam"
	"gatehouse.example/platform/local/stacks"
)

const nestedType = "AWS::CloudFormation::Stack"

// Kind is what a deployment is to a stack.
type Kind string

// The kinds, as they are printed.
const (
	New       Kind = "new"
	Changed   Kind = "changed"
	Unchanged Kind = "unchanged"
)

// Stack is one stack of the plan.
type Stack struct {
	stacks.Stack
	// FullName is CloudFormation's.
	FullName string
	Config   sam.Config
	Kind     Kind
	Changes  []Change
}

// Change is what would happen to one resource.
type Change struct {
	Action, ID, Type string
	// Replaced means that it gets a new id, and that the old one is removed; Perhaps
	// that CloudFormation cannot tell before.
	Replaced, Perhaps bool
}

// lost reports whether something goes that cannot be made again.
func (c Change) lost() bool {
	return protect.Stateful(c.Type) && (c.Replaced || c.Action == string(types.ChangeActionRemove))
}

// Print shows the stacks in the order in which they would be deployed.
func Print(w io.Writer, all []Stack) {
	fmt.Fprintln(w, "\nPlan, in this order")
	for i, s := range all {
		fmt.Fprintf(w, "  %d  %-14s  %-9s  %s\n", i+1, s.Name, s.Kind, s.summary())
		for _, c := range s.Changes {
			note := ""
			if c.lost() {
				note = "   <- cannot be made again"
			}
			switch {
			case c.Replaced:
				fmt.Fprintf(w, "       replaces  %s (%s)%s\n", c.ID, c.Type, note)
			case c.Perhaps && protect.Stateful(c.Type):
				fmt.Fprintf(w, "       perhaps replaces  %s (%s); if so, the stack policy stops it\n", c.ID, c.Type)
			case c.Type == nestedType:
				fmt.Fprintf(w, "       looks into        %s; what a nested stack changes shows only then\n", c.ID)
			case c.Action == string(types.ChangeActionRemove):
				fmt.Fprintf(w, "       removes   %s (%s)%s\n", c.ID, c.Type, note)
			}
		}
	}
}

func (s Stack) summary() string {
	switch s.Kind {
	case New:
		switch len(s.Functions) {
		case 0:
			return ""
		case 1:
			return "1 function"
		}
		return fmt.Sprintf("%d functions", len(s.Functions))
	case Unchanged:
		return ""
	}
	count := map[string]int{}
	for _, c := range s.Changes {
		count[c.Action]++
	}
	return fmt.Sprintf("%d to add, %d to change, %d to remove", count["Add"], count["Modify"]+count["Dynamic"], count["Remove"])
}

// Losses returns an error if anything that cannot be made again would go.
func Losses(all []Stack) error {
	var lost []string
	for _, s := range all {
		for _, c := range s.Changes {
			if c.lost() {
				lost = append(lost, s.Name+": "+c.ID)
			}
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return fmt.Errorf("stopped, for this would be lost: %s. The stack policy forbids it, too; docs/deploy-aws.md says how to go on if you mean it",
		strings.Join(lost, ", "))
}

// ToDeploy are the stacks that are not as they should be.
func ToDeploy(all []Stack) []Stack {
	return slices.DeleteFunc(slices.Clone(all), func(s Stack) bool { return s.Kind == Unchanged })
}

// ChangeSets is what is asked of CloudFormation.
type ChangeSets interface {
	cloudformation.DescribeStacksAPIClient
	ListChangeSets(context.Context, *cloudformation.ListChangeSetsInput, ...func(*cloudformation.Options)) (*cloudformation.ListChangeSetsOutput, error)
	DescribeChangeSet(context.Context, *cloudformation.DescribeChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error)
	DeleteChangeSet(context.Context, *cloudformation.DeleteChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error)
}

// changes calls make, which makes a change set of the stack, and returns what
// that holds. The change set is deleted again, and so is an empty one, which
// CloudFormation keeps as a failed one.
func changes(ctx context.Context, api ChangeSets, stack string, make func() error) (found []Change, err error) {
	before, err := list(ctx, api, stack)
	if err != nil {
		return nil, err
	}
	if err := make(); err != nil {
		return nil, err
	}
	after, err := list(ctx, api, stack)
	if err != nil {
		return nil, err
	}
	for id, status := range after {
		if _, old := before[id]; old {
			continue
		}
		defer func() {
			_, deleteErr := api.DeleteChangeSet(context.WithoutCancel(ctx), &cloudformation.DeleteChangeSetInput{ChangeSetName: &id, StackName: &stack})
			if deleteErr != nil {
				err = errors.Join(err, fmt.Errorf("cloudformation.DeleteChangeSet: %w", deleteErr))
			}
		}()
		if status != types.ChangeSetStatusCreateComplete {
			continue
		}
		more, err := describe(ctx, api, stack, id)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

func list(ctx context.Context, api ChangeSets, stack string) (map[string]types.ChangeSetStatus, error) {
	all := map[string]types.ChangeSetStatus{}
	for pages := cloudformation.NewListChangeSetsPaginator(api, &cloudformation.ListChangeSetsInput{StackName: &stack}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("cloudformation.ListChangeSets: %w", err)
		}
		for _, s := range out.Summaries {
			all[aws.ToString(s.ChangeSetId)] = s.Status
		}
	}
	return all, nil
}

func describe(ctx context.Context, api ChangeSets, stack, id string) ([]Change, error) {
	var found []Change
	in := &cloudformation.DescribeChangeSetInput{ChangeSetName: &id, StackName: &stack}
	for pages := cloudformation.NewDescribeChangeSetPaginator(api, in); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("cloudformation.DescribeChangeSet: %w", err)
		}
		for _, c := range out.Changes {
			if r := c.ResourceChange; r != nil {
				found = append(found, Change{
					Action: string(r.Action), ID: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType),
					Replaced: r.Replacement == types.ReplacementTrue, Perhaps: r.Replacement == types.ReplacementConditional,
				})
			}
		}
	}
	return found, nil
}
