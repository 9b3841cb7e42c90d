package teardown

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// LogGroups finds the log groups that begin with one of the prefixes. AWS services
// create some outside the stack, and nothing deletes those.
func LogGroups(ctx context.Context, api cloudwatchlogs.DescribeLogGroupsAPIClient, prefixes []string) ([]string, error) {
	var names []string
	for _, prefix := range prefixes {
		in := &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix}
		for pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(api, in); pages.HasMorePages(); {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("cloudwatchlogs.DescribeLogGroups: %w", err)
			}
			for _, g := range out.LogGroups {
				names = append(names, aws.ToString(g.LogGroupName))
			}
		}
	}
	return names, nil
}
