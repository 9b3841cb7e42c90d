package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/uuid"
)

// keepsUnknown sends account-records the record of an unknown operation. It is
// kept and counted, an operator sees what it is, and can replay it. The emulator admits no
// events from sources of AWS, so that the test asks it whether the rule matches the record,
// and then sends it itself.
func (s *system) keepsUnknown(t *testing.T, queue string) {
	t.Helper()
	c, letters, name, id := s.clients(t), queue+"-dlq", nameOf(queue)+"-dlq", uuid.NewString()
	record := s.unknownRecord(id)
	rule := must(c.events.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: aws.String("gatehouse-local-user-events-unknown-calls")}))(t)
	if match := must(c.events.TestEventPattern(t.Context(), &eventbridge.TestEventPatternInput{EventPattern: rule.EventPattern, Event: &record}))(t); !match.Result {
		t.Errorf("the rule does not match the record: %s", *rule.EventPattern)
	}
	counted := s.unknownRecords(t, nameOf(queue))
	must(s.operator(t).clients(t).sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &record}))(t)
	s.inQueue(t, letters, record)
	eventually(t, "RecordsUnknown", func() bool { return s.unknownRecords(t, nameOf(queue)) > counted })

	file := filepath.Join(t.TempDir(), "record.json")
	check(t, os.WriteFile(file, []byte(record), 0o600))
	for _, tc := range []struct{ want, out string }{
		{"kept in the dead-letter queue, unknown_operation", must(s.gatehouse(t, "records", "replay", file))(t)},
		{`its consumer, for "unknown_operation"`, must(s.events(t, "dead", "show", name, id))(t)},
	} {
		if !strings.Contains(tc.out, tc.want) || !strings.Contains(tc.out, "AdminMergeUsers") || strings.Contains(tc.out, "erika") || strings.Contains(tc.out, "192.0.2.44") {
			t.Errorf("want %q and no personal data:\n%s", tc.want, tc.out)
		}
	}
	// The function does not know the operation yet, so that the record comes back.
	moved := regexp.MustCompile(`moved [1-9][0-9]* from ` + regexp.QuoteMeta(name))
	progress(t, func() (string, bool) {
		out, _ := s.events(t, "dead", "replay", name)
		return out, moved.MatchString(out)
	})
	eventually(t, "RecordsUnknown after the replay", func() bool { return s.unknownRecords(t, nameOf(queue)) > counted+1 })
	s.inQueue(t, letters, record)
	if out, err := s.events(t, "dead", "drop", name, id, "--yes"); err != nil {
		t.Errorf("drop: %v\n%s", err, out)
	}
}

// unknownRecord is CloudTrail's record of an operation that nobody has seen.
func (s *system) unknownRecord(id string) string {
	return fmt.Sprintf(`{"version":"0","id":%[1]q,"detail-type":"AWS API Call via CloudTrail","source":"aws.cognito-idp","account":"000000000000",
		"time":%[2]q,"region":%[3]q,"resources":[],"detail":{"eventVersion":"1.10","userIdentity":{"type":"Root"},"eventTime":%[2]q,
		"eventSource":"cognito-idp.amazonaws.com","eventName":"AdminMergeUsers","awsRegion":%[3]q,"sourceIPAddress":"192.0.2.44","userAgent":"Mozilla/5.0",
		"requestParameters":{"userPoolId":%[4]q,"username":"erika@example.org"},"responseElements":null,"readOnly":false,"eventID":%[1]q,
		"eventType":"AwsApiCall","recipientAccountId":"000000000000"}}`, id, time.Now().UTC().Format(time.RFC3339), s.env["AWS_REGION"], *s.pool())
}

// unknownRecords is how many records a consumer has counted as unknown.
func (s *system) unknownRecords(t *testing.T, consumer string) float64 {
	t.Helper()
	out := must(s.clients(t).cloudwatch.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("Gatehouse"), MetricName: aws.String("RecordsUnknown"),
		Dimensions: []cwtypes.Dimension{
			{Name: aws.String("Environment"), Value: aws.String("local")}, {Name: aws.String("Consumer"), Value: aws.String(strings.TrimPrefix(consumer, "gatehouse-local-"))},
		},
		StartTime: aws.Time(began.Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)), Period: aws.Int32(60),
		Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
	}))(t)
	total := 0.0
	for _, d := range out.Datapoints {
		total += aws.ToFloat64(d.Sum)
	}
	return total
}
