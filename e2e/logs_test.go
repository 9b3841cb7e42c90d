package e2e

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// logsOf returns every line of the log groups with a prefix.
func (s *system) logsOf(t *testing.T, prefix string) string {
	t.Helper()
	c := s.clients(t)
	var all strings.Builder
	groups := must(c.logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix}))(t)
	for _, group := range groups.LogGroups {
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(c.logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group.LogGroupName})
		for pages.HasMorePages() {
			for _, line := range must(pages.NextPage(t.Context()))(t).Events {
				all.WriteString(aws.ToString(line.Message) + "\n")
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
