package awsdeploy

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

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/dataloss"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

type kind string

// The kinds, as they are printed.
const (
	added     kind = "new"
	changed   kind = "changed"
	unchanged kind = "unchanged"
	later     kind = "later"
)

type plannedStack struct {
	stacks.Stack
	// FullName is CloudFormation's.
	FullName string
	Config   sam.Config
	Kind     kind
	// Waits are the stacks that must be deployed before this one can be planned.
	Waits []string
	// Certificate is one that is made before the stack, or nil.
	Certificate *certificate
	Changes     []change
	// Report lists the data that the changes would delete.
	dataloss.Report
}

type change struct {
	Action, ID, Type string
	// Replaced means that a new resource is created and the old one is removed.
	Replaced bool
}

func printPlan(w io.Writer, all []plannedStack) {
	fmt.Fprintln(w, "\nPlan, in this order")
	for i, s := range all {
		fmt.Fprintf(w, "  %d  ", i+1)
		printStack(w, s)
	}
}

// printStack writes a line about a stack, and one for each change to notice.
func printStack(w io.Writer, s plannedStack) {
	fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-14s  %-9s  %s", s.Name, s.Kind, s.summary()), " "))
	if c := s.Certificate; c != nil {
		fmt.Fprintf(w, "       %s\n", c.plan())
	}
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

func (s plannedStack) summary() string {
	switch s.Kind {
	case added:
		switch len(s.Functions) {
		case 0:
			return ""
		case 1:
			return "1 function"
		}
		return fmt.Sprintf("%d functions", len(s.Functions))
	case unchanged:
		return ""
	case later:
		return "planned when " + strings.Join(s.Waits, " and ") + " is deployed, because it reads names that do not exist yet"
	}
	if len(s.Changes) == 0 {
		return "only its outputs"
	}
	count := map[string]int{}
	for _, c := range s.Changes {
		count[c.Action]++
	}
	return fmt.Sprintf("%d to add, %d to change, %d to remove", count["Add"], count["Modify"]+count["Dynamic"], count["Remove"])
}

func checkDataLoss(all []plannedStack) error {
	var errs []error
	for _, s := range all {
		errs = append(errs, s.Err(s.Name))
	}
	return errors.Join(errs...)
}

func toDeploy(all []plannedStack) []plannedStack {
	return slices.DeleteFunc(slices.Clone(all), func(s plannedStack) bool { return s.Kind == unchanged })
}

type changeSetAPI interface {
	cloudformation.DescribeStacksAPIClient
	ListChangeSets(context.Context, *cloudformation.ListChangeSetsInput, ...func(*cloudformation.Options)) (*cloudformation.ListChangeSetsOutput, error)
	DescribeChangeSet(context.Context, *cloudformation.DescribeChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error)
	DeleteChangeSet(context.Context, *cloudformation.DeleteChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error)
}

type finder func(ctx context.Context, stack, changeSet string) (dataloss.Report, error)

// planned is what a change set would do.
type planned struct {
	// changes are those that the change set lists, without resources of which nothing
	// changes.
	changes []change
	report  dataloss.Report
	// empty is set if CloudFormation found nothing to change.
	empty bool
}

// changes calls make, which makes a change set of the stack, and reads it. It deletes
// the change set, even an empty one, which CloudFormation would keep as failed. If make
// was repeated there are several change sets with the same changes; only one is read.
func changes(ctx context.Context, api changeSetAPI, look finder, stack string, make func() error) (found planned, err error) {
	found.empty = true
	before, err := changeSets(ctx, api, stack)
	if err != nil {
		return found, err
	}
	if err := make(); err != nil {
		return found, err
	}
	after, err := changeSets(ctx, api, stack)
	if err != nil {
		return found, err
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
		if status != types.ChangeSetStatusCreateComplete || !found.empty {
			continue
		}
		found.empty = false
		if found.report, err = look(ctx, stack, id); err != nil {
			return found, fmt.Errorf("dataloss.Finder.Find: %w", err)
		}
		if found.changes, err = describeChanges(ctx, api, stack, id, found.report.Same); err != nil {
			return found, err
		}
	}
	return found, nil
}

func changeSets(ctx context.Context, api changeSetAPI, stack string) (map[string]types.ChangeSetStatus, error) {
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

func describeChanges(ctx context.Context, api changeSetAPI, stack, id string, same []string) ([]change, error) {
	set, err := cfn.DescribeChangeSet(ctx, api, stack, id)
	if err != nil {
		return nil, err
	}
	var found []change
	for _, c := range set.Changes {
		if r := c.ResourceChange; r != nil && !slices.Contains(same, aws.ToString(r.LogicalResourceId)) {
			found = append(found, change{
				Action: string(r.Action), ID: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType),
				Replaced: r.Replacement == types.ReplacementTrue,
			})
		}
	}
	return found, nil
}
