package e2e

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// logsOf returns every line of the log groups with a prefix.
func (s *system) logsOf(t *testing.T, prefix string) string {
	t.Helper()
	c := s.clients(t)
	var all strings.Builder
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(c.logs, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix})
	for groups.HasMorePages() {
		for _, group := range must(groups.NextPage(t.Context()))(t).LogGroups {
			pages := cloudwatchlogs.NewFilterLogEventsPaginator(c.logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group.LogGroupName})
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if gone := (*types.ResourceNotFoundException)(nil); errors.As(err, &gone) {
					break // another test deleted its stack meanwhile
				}
				check(t, err)
				for _, line := range page.Events {
					all.WriteString(aws.ToString(line.Message) + "\n")
				}
			}
		}
	}
	return all.String()
}

// nothingInLogs looks for secrets in all that any function wrote.
func (s *system) nothingInLogs(t *testing.T, secrets ...string) {
	t.Helper()
	logs := s.logsOf(t, "/gatehouse/")
	if logs == "" {
		t.Error("no function logged anything")
	}
	for _, secret := range secrets {
		if strings.Contains(logs, secret) {
			t.Errorf("a log line holds %q", secret)
		}
	}
}
