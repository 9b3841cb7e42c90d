package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// Left is a retained resource that belongs to no stack.
type Left struct {
	Type, ID string
	// Delete is the command that deletes it.
	Delete string
}

// Retained lists what a failed creation, a replacement or a teardown left. It prevents
// nothing, because none of it has a fixed name, but keys cost a fee.
type Retained struct {
	// What names the check, and None is its result if nothing was left.
	What, None string
	Find       func(context.Context) ([]Left, error)
}

// Look implements Check.
func (c Retained) Look(ctx context.Context) []Finding {
	all, err := c.Find(ctx)
	if err != nil {
		return unknown(c.What, "retained resources", err)
	}
	if len(all) == 0 {
		return []Finding{{OK, c.What, c.None, ""}}
	}
	var found []Finding
	for _, one := range all {
		found = append(found, Finding{Warning, c.What, one.Type + " " + one.ID + " belongs to no stack", "if you do not need it: " + one.Delete})
	}
	return found
}

// LogGroups checks that the log groups of the stacks do not exist outside them. What a
// function or API logs after its stack was deleted creates its group again, and
// CloudFormation refuses to create a group that exists.
type LogGroups struct {
	API cloudwatchlogs.DescribeLogGroupsAPIClient
	// Names are the log groups in the templates.
	Names []string
	// Owned are the physical ids of the resources in the stacks.
	Owned func(context.Context) ([]string, error)
}

// Look implements Check.
func (c LogGroups) Look(ctx context.Context) []Finding {
	const what = "log groups"
	owned, err := c.Owned(ctx)
	if err != nil {
		return unknown(what, "cloudformation.ListStackResources", err)
	}
	var found []Finding
	for _, name := range c.Names {
		if slices.Contains(owned, name) {
			continue
		}
		out, err := c.API.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
		if err != nil {
			return unknown(what, "cloudwatchlogs.DescribeLogGroups", err)
		}
		for _, g := range out.LogGroups {
			if aws.ToString(g.LogGroupName) == name { // the others have it as a prefix
				found = append(found, Finding{
					Stop, what, name + " exists outside its stack, so CloudFormation would refuse to create it",
					"aws logs delete-log-group --log-group-name " + name + "   (docs/deploy-aws.md says how to keep its lines)",
				})
			}
		}
	}
	if len(found) == 0 {
		return []Finding{{OK, what, fmt.Sprintf("none of the %d exists outside its stack", len(c.Names)), ""}}
	}
	return found
}
