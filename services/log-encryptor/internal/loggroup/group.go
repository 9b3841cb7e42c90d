// Package loggroup reads log groups and brings them to the state that they should
// have: encrypted with the environment's key, and with a retention.
//
// It is the one place that changes a group, so that the rule, the sweep and the
// custom resource cannot disagree about what is left alone.
package loggroup

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// pageSize is the most that DescribeLogGroups gives at once.
const pageSize = 50

// Group is what CloudWatch Logs says of a log group.
type Group struct {
	Name string
	ARN  string
	// KeyARN is empty for a group that only CloudWatch Logs itself encrypts.
	KeyARN string
	// RetentionDays is 0 for a group that keeps its lines for ever.
	RetentionDays int32
	// FixedRetention is set for a class whose retention nobody may change.
	FixedRetention bool
}

// Lister is what Directory needs of CloudWatch Logs.
type Lister interface {
	DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
}

// Directory finds log groups.
type Directory struct{ Logs Lister }

// List gives every group with this prefix to each, page by page, until each
// returns false.
func (d *Directory) List(ctx context.Context, prefix string, each func(Group) bool) error {
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(d.Logs, &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePrefix: &prefix, Limit: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("logs.DescribeLogGroups: %w", err)
		}
		for _, g := range page.LogGroups {
			if !each(read(g)) {
				return nil
			}
		}
	}
	return nil
}

// Find reads one group; there is no call for it but the list of all whose names
// begin with its own.
func (d *Directory) Find(ctx context.Context, name string) (found Group, ok bool, err error) {
	err = d.List(ctx, name, func(g Group) bool {
		if g.Name == name {
			found, ok = g, true
		}
		return !ok
	})
	return found, ok, err
}

func read(g types.LogGroup) Group {
	arn := aws.ToString(g.LogGroupArn)
	return Group{
		Name: aws.ToString(g.LogGroupName), ARN: arn, KeyARN: aws.ToString(g.KmsKeyId), RetentionDays: aws.ToInt32(g.RetentionInDays),
		FixedRetention: g.LogGroupClass == types.LogGroupClassDelivery,
	}
}
