package integration

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// TestLogEncryptor: every log group of the environment is encrypted with its log
// key and forgets.
func TestLogEncryptor(t *testing.T) {
	t.Parallel()
	e := here(t)
	client, key, prefix := cloudwatchlogs.NewFromConfig(e.cfg), e.of(t, "log-encryptor/key-arn"), "/gatehouse/"+e.name+"/"
	groups := 0
	// A group that was made a moment ago is found by the rule, or by the next sweep.
	eventually(t, "every log group has the key and a retention", func() bool {
		groups = 0
		pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(client, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix})
		for pages.HasMorePages() {
			for _, g := range must(pages.NextPage(t.Context()))(t).LogGroups {
				groups++
				if aws.ToString(g.KmsKeyId) != key || aws.ToInt32(g.RetentionInDays) == 0 {
					t.Logf("%s has the key %q and is kept for %d days", aws.ToString(g.LogGroupName), aws.ToString(g.KmsKeyId), aws.ToInt32(g.RetentionInDays))
					return false
				}
			}
		}
		return true
	})
	if groups == 0 {
		t.Errorf("no log group below %s", prefix)
	}
}
