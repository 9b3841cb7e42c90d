package drift

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// screen is what `gatehouse status` prints of the fake services.
func screen(t *testing.T, c *cloud, alarms alarmAPI) (string, error) {
	t.Helper()
	s := environmentOf()
	for i, r := range s.resources {
		if r.Type == queueType {
			s.resources[i].Physical = "https://sqs/1/gatehouse-test-recorder-dlq"
			outbox := r
			outbox.stack, outbox.Physical = s, "https://sqs/1/gatehouse-test-outbox"
			s.resources = append(s.resources, outbox)
		}
	}
	var out strings.Builder
	e := &environment{
		name: "test", region: "eu-central-1", out: &out, kinds: func([]*stack) map[string]kind { return kindsOf(c, s) },
		aliases: c, mappings: c, queues: c, pool: c, keys: c, alarms: alarms,
	}
	e.loaded = func(context.Context) ([]*stack, error) { return []*stack{s}, nil }
	err := e.status(t.Context(), time.Date(2026, 11, 29, 20, 0, 0, 0, time.UTC))
	lines := strings.Split(out.String(), "\n")
	for i, line := range lines { // the widths of columns differ
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return strings.Join(lines, "\n"), err
}

func calm() *cloud {
	c := asDeployed()
	c.alarm.AlarmName, c.alarm.StateValue = aws.String("gatehouse-test-a"), cwtypes.StateValueOk
	return c
}

func TestStatusOfACalmEnvironment(t *testing.T) {
	t.Parallel()
	c := calm()
	text, err := screen(t, c, c)
	for _, want := range []string{
		"test in eu-central-1 at 2026-11-29 20:00 UTC", "alarms ok none of 1 is in ALARM", "triggers ok Cognito may call all 1",
		"mappings ok all 1 read their queues", "keys ok all 1 are enabled", "dead letters ok empty", "outbox ok empty",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	// The name of the alarm differs from the template's here, and nothing else.
	if err == nil || err.Error() != "test needs somebody: drift" {
		t.Errorf("error %v\n%s", err, text)
	}
}

func TestStatusNamesWhatNeedsSomebody(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		plant   func(*cloud)
		line    string
		section string
	}{
		"alarm": {func(c *cloud) {
			c.alarm.StateValue, c.alarm.AlarmDescription = cwtypes.StateValueAlarm, aws.String("Late. Playbook docs/playbooks/consumer-late.md")
			c.alarm.StateUpdatedTimestamp = aws.Time(time.Date(2026, 11, 29, 19, 0, 0, 0, time.UTC))
		}, "gatehouse-test-a since 2026-11-29 19:00; docs/playbooks/consumer-late.md", "alarms"},
		"permission_gone": {func(c *cloud) { c.policy = nil }, "PreSignUp: Cognito may not call f:live; docs/playbooks/triggers-not-called.md", "triggers"},
		"permission_of_another_pool": {func(c *cloud) {
			object(c.policy[0]["Condition"])["ArnLike"] = map[string]any{"AWS:SourceArn": "arn:aws:cognito-idp" + inAccount + "userpool/other"}
		}, "PreSignUp: Cognito may not call f:live", "triggers"},
		"trigger_gone":     {func(c *cloud) { c.pool.LambdaConfig = nil }, "PreSignUp: it is not in the pool; docs/playbooks/triggers-not-called.md", "triggers"},
		"mapping_disabled": {func(c *cloud) { c.mapping.State = aws.String("Disabled") }, "Disabled; docs/playbooks/consumer-late.md", "mappings"},
		"mapping_gone":     {func(c *cloud) { c.mapping = nil }, "it does not exist; docs/playbooks/consumer-late.md", "mappings"},
		"mapping_denied":   {func(c *cloud) { c.mapping.LastProcessingResult = aws.String("PROBLEM: AccessDenied") }, "PROBLEM: AccessDenied", "mappings"},
		"key_disabled":     {func(c *cloud) { c.key = kmstypes.KeyStateDisabled }, "Disabled; gatehouse drift --environment test --repair", "keys"},
		"dead_letters":     {func(c *cloud) { c.queue["ApproximateNumberOfMessages"] = "3" }, "gatehouse-test-recorder-dlq: 3 messages; docs/playbooks/dead-letters.md", "dead letters"},
		"outbox":           {func(c *cloud) { c.queue["ApproximateNumberOfMessagesNotVisible"] = "2" }, "gatehouse-test-outbox: 2 events wait; docs/playbooks/outbox-old.md", "outbox"},
		"drift":            {func(c *cloud) { c.function.Timeout = aws.Int32(1) }, "Timeout: expected 4, is 1", "drift"},
	} {
		c := calm()
		tc.plant(c)
		text, err := screen(t, c, c)
		if err == nil || !strings.Contains(err.Error(), tc.section) || !strings.Contains(text, tc.line) {
			t.Errorf("%s: error %v, no %q in\n%s", name, err, tc.line, text)
		}
	}
}

// broken refuses to describe alarms.
type broken struct{ *cloud }

func (broken) DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	return nil, errors.New("AccessDenied")
}

// TestStatusShowsTheRest: what cannot be read hides nothing else.
func TestStatusShowsTheRest(t *testing.T) {
	t.Parallel()
	c := calm()
	c.key = kmstypes.KeyStateDisabled
	text, err := screen(t, c, broken{c})
	if err == nil || !strings.Contains(err.Error(), "alarms, keys") || !strings.Contains(text, "alarms unknown cloudwatch.DescribeAlarms: AccessDenied") || !strings.Contains(text, "Disabled;") {
		t.Errorf("error %v\n%s", err, text)
	}
}
