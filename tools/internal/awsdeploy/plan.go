// Package plan shows what a deployment would change. It builds every stack and has
// CloudFormation make a change set, which it reads and deletes again.
package plan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/dataloss"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// Kind is how a deployment affects a stack.
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
	// Report lists the data that the changes would delete.
	dataloss.Report
}

// Change is what would happen to one resource.
type Change struct {
	Action, ID, Type string
	// Replaced means that a new resource is created and the old one is removed.
	Replaced bool
}

// Print shows the stacks in the order in which they would be deployed.
func Print(w io.Writer, all []Stack) {
	fmt.Fprintln(w, "\nPlan, in this order")
	for i, s := range all {
		fmt.Fprintf(w, "  %d  %-14s  %-9s  %s\n", i+1, s.Name, s.Kind, s.summary())
		for _, c := range s.Changes {
			switch {
			case c.Replaced:
				fmt.Fprintf(w, "       replaces  %s (%s)\n", c.ID, c.Type)
			case slices.Contains(s.Unseen, c.ID):
				fmt.Fprintf(w, "       changes   %s, a nested stack; its changes are only known during the deployment, and the stack policy protects its data\n", c.ID)
			case c.Action == string(types.ChangeActionRemove):
				fmt.Fprintf(w, "       removes   %s (%s)\n", c.ID, c.Type)
			}
		}
		for _, l := range s.Findings {
			fmt.Fprintf(w, "       loses     %s (%s): %s\n", l.Path, l.Type, l.What)
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

// CheckDataLoss returns an error if a stack would lose data.
func CheckDataLoss(all []Stack) error {
	var errs []error
	for _, s := range all {
		errs = append(errs, s.Err(s.Name))
	}
	return errors.Join(errs...)
}

// ToDeploy are the stacks that a deployment would change.
func ToDeploy(all []Stack) []Stack {
	return slices.DeleteFunc(slices.Clone(all), func(s Stack) bool { return s.Kind == Unchanged })
}

// ChangeSets are the calls that read and delete change sets.
type ChangeSets interface {
	cloudformation.DescribeStacksAPIClient
	ListChangeSets(context.Context, *cloudformation.ListChangeSetsInput, ...func(*cloudformation.Options)) (*cloudformation.ListChangeSetsOutput, error)
	DescribeChangeSet(context.Context, *cloudformation.DescribeChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error)
	DeleteChangeSet(context.Context, *cloudformation.DeleteChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error)
}

// finder finds the data that a change set would delete.
type finder func(ctx context.Context, stack, changeSet string) (dataloss.Report, error)

// changes calls make, which makes a change set of the stack, and returns its changes
// and the data loss. It deletes the change set, even an empty one, which CloudFormation
// would keep as failed. If make was repeated there are several change sets with the
// same changes; only one is read.
func changes(ctx context.Context, api ChangeSets, look finder, stack string, make func() error) (found []Change, report dataloss.Report, err error) {
	before, err := list(ctx, api, stack)
	if err != nil {
		return nil, report, err
	}
	if err := make(); err != nil {
		return nil, report, err
	}
	after, err := list(ctx, api, stack)
	if err != nil {
		return nil, report, err
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
		if status != types.ChangeSetStatusCreateComplete || found != nil {
			continue
		}
		if found, err = describe(ctx, api, stack, id); err != nil {
			return nil, report, err
		}
		if report, err = look(ctx, stack, id); err != nil {
			return nil, report, fmt.Errorf("dataloss.Finder.Find: %w", err)
		}
	}
	return found, report, nil
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
	set, err := cfn.DescribeChangeSet(ctx, api, stack, id)
	if err != nil {
		return nil, err
	}
	var found []Change
	for _, c := range set.Changes {
		if r := c.ResourceChange; r != nil {
			found = append(found, Change{
				Action: string(r.Action), ID: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType),
				Replaced: r.Replacement == types.ReplacementTrue,
			})
		}
	}
	return found, nil
}
