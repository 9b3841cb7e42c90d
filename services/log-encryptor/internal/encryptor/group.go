package encryptor

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// pageSize is the maximum of DescribeLogGroups.
const pageSize = 50

// Group is the state of a log group.
type Group struct {
	Name string
	ARN  string
	// KeyARN is empty for a group that is encrypted with CloudWatch Logs' own key.
	KeyARN string
	// RetentionDays is 0 for a group that keeps its lines forever.
	RetentionDays int32
	// FixedRetention is set for a class whose retention cannot be changed.
	FixedRetention bool
}

// Lister is what Directory needs of CloudWatch Logs.
type Lister interface {
	DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
}

// Directory finds log groups.
type Directory struct{ Logs Lister }

// List calls each for every group with this prefix, page by page, until each returns
// false.
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
			if !each(toGroup(g)) {
				return nil
			}
		}
	}
	return nil
}

// Find reads one group. The only call for it lists all groups whose names begin with
// its name.
func (d *Directory) Find(ctx context.Context, name string) (found Group, ok bool, err error) {
	err = d.List(ctx, name, func(g Group) bool {
		if g.Name == name {
			found, ok = g, true
		}
		return !ok
	})
	return found, ok, err
}

func toGroup(g types.LogGroup) Group {
	arn := aws.ToString(g.LogGroupArn)
	return Group{
		Name: aws.ToString(g.LogGroupName), ARN: arn, KeyARN: aws.ToString(g.KmsKeyId), RetentionDays: aws.ToInt32(g.RetentionInDays),
		FixedRetention: g.LogGroupClass == types.LogGroupClassDelivery,
	}
}
