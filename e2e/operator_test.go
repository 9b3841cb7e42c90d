package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cognitotypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
)

// events runs `gatehouse events`.
func (s *system) events(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return s.gatehouse(t, append([]string{"events"}, args...)...)
}

// says runs `gatehouse events` until its output has a text.
func (s *system) says(t *testing.T, want string, args ...string) string {
	t.Helper()
	out := ""
	progress(t, func() (string, bool) {
		out, _ = s.events(t, args...)
		return out, strings.Contains(out, want)
	})
	return out
}

func (s *system) poolARN() string {
	return "arn:aws:cognito-idp:" + s.env["AWS_REGION"] + ":000000000000:userpool/" + s.env["USER_POOL_ID"]
}

// alarm is the state of an alarm of user-events.
func (s *system) alarm(t *testing.T, name string) cwtypes.StateValue {
	t.Helper()
	out := must(s.clients(t).cloudwatch.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"gatehouse-local-user-events-" + name}}))(t)
	if len(out.MetricAlarms) != 1 {
		t.Fatalf("%d alarms %s", len(out.MetricAlarms), name)
	}
	return out.MetricAlarms[0].StateValue
}

// logs writes a line into a log group.
func (s *system) logs(t *testing.T, group, line string, at time.Time) {
	t.Helper()
	logs, stream := s.clients(t).logs, "test-"+uuid.NewString()
	must(logs.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream}))(t)
	must(logs.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: []logtypes.InputLogEvent{
		{Message: &line, Timestamp: aws.Int64(at.UnixMilli())},
	}}))(t)
}

// counts adds one to a metric of the environment.
func (s *system) counts(t *testing.T, metric string) {
	t.Helper()
	must(s.clients(t).cloudwatch.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("Gatehouse"), MetricData: []cwtypes.MetricDatum{{
		MetricName: &metric, Value: aws.Float64(1), Dimensions: []cwtypes.Dimension{{Name: aws.String("Environment"), Value: aws.String("local")}},
	}}}))(t)
}

// TestUndeliveredEventsAreOpenUntilRecovered writes a line as a trigger does, and its metric.
func TestUndeliveredEventsAreOpenUntilRecovered(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox, sub := s.subscribe(t), uuid.NewString()
	ev := must(contracts.NewPasswordReset(contracts.Act{PoolARN: s.poolARN(), Subject: sub, Time: time.Now()}))(t)
	line := must(json.Marshal(map[string]any{
		"level": "ERROR", "gatehouseUndelivered": json.RawMessage(must(contracts.Encode(ev))(t)), "topicError": "SNS.Publish KMSDisabled HTTP 400", "outboxError": "SQS.SendMessage timeout",
	}))(t)
	group := "/gatehouse/local/user-events/postconfirmation"
	s.logs(t, group, string(line), time.Now().Add(-48*time.Hour))
	s.counts(t, "EventsUndelivered")
	if state := s.alarm(t, "events-undelivered"); state != cwtypes.StateValueAlarm {
		t.Errorf("the alarm is %s", state)
	}
	s.says(t, "now:  only in the log", "find", ev.ID())
	for _, want := range []string{ev.ID(), group, "SNS.Publish KMSDisabled HTTP 400", "SQS.SendMessage timeout"} {
		if out := must(s.events(t, "recover", "--dry-run"))(t); !strings.Contains(out, want) {
			t.Errorf("the dry run does not show %q:\n%s", want, out)
		}
	}
	if state := s.alarm(t, "events-undelivered"); state != cwtypes.StateValueAlarm {
		t.Errorf("after a look the alarm is %s", state)
	}
	out := must(s.events(t, "recover"))(t)
	if !strings.Contains(out, `sent: "`+contracts.TypePasswordReset+`" "`+ev.ID()) {
		t.Errorf("recover:\n%s", out)
	}
	inbox.wait(t, 1, of(contracts.TypePasswordReset, sub))
	if out := must(s.events(t, "recover", "--dry-run"))(t); !strings.Contains(out, "would send 0 events") || !strings.Contains(out, `was sent: "`+contracts.TypePasswordReset+`" "`+ev.ID()) {
		t.Errorf("the ledger has forgotten what was sent:\n%s", out)
	}
	s.says(t, "now:  it has arrived, is counted and recorded", "find", ev.ID())
	// Another test may have left a line a moment ago, and the alarm looks at a minute.
	progress(t, func() (string, bool) {
		out := must(s.events(t, "recover"))(t)
		state := s.alarm(t, "events-undelivered")
		return out + string(state) + time.Now().Truncate(30*time.Second).String(), state == cwtypes.StateValueOk
	})
}

// TestOperatorAnnouncesAMissedUser: nobody was told of a user that an administrator made.
func TestOperatorAnnouncesAMissedUser(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, inbox, address := s.clients(t), s.subscribe(t), "announce-"+uuid.NewString()+"@example.net"
	made := must(c.cognito.AdminCreateUser(t.Context(), &cognito.AdminCreateUserInput{
		UserPoolId: s.pool(), Username: &address, MessageAction: cognitotypes.MessageActionTypeSuppress,
		UserAttributes: []cognitotypes.AttributeType{{Name: aws.String("email"), Value: &address}, {Name: aws.String("email_verified"), Value: aws.String("true")}},
	}))(t).User
	at := slices.IndexFunc(made.Attributes, func(a cognitotypes.AttributeType) bool { return *a.Name == "sub" })
	sub := aws.ToString(made.Attributes[at].Value)
	out := must(s.events(t, "announce", sub))(t)
	arrived := inbox.wait(t, 1, of(contracts.TypeUserCreated, sub))
	id := contracts.CreatedID(s.poolARN(), sub)
	if arrived[0].Event.ID() != id || !strings.Contains(out, id) {
		t.Errorf("announced as %s, want %s:\n%s", arrived[0].Event.ID(), id, out)
	}
	s.says(t, "now:  it has arrived, is counted and recorded", "find", id)
	if out, err := s.events(t, "announce", sub); err == nil || !strings.Contains(out, "was announced") {
		t.Errorf("a second time: %v\n%s", err, out)
	}
	p := s.newPerson(t)
	p.signUp(t)
	if out, err := s.events(t, "announce", p.Sub); err == nil || !strings.Contains(out, "UNCONFIRMED") {
		t.Errorf("an unconfirmed user: %v\n%s", err, out)
	}
	if strings.Contains(out, address) {
		t.Errorf("the address is shown:\n%s", out)
	}
}

// TestNotificationsThatCannotBeDelivered takes the policy of a consumer's queue away, and
// then that of its dead-letter queue.
func TestNotificationsThatCannotBeDelivered(t *testing.T) {
	t.Parallel()
	s := alone(t)
	queue := s.queue(t, "user-events-metrics")
	give := s.takePolicy(t, queue)
	p := s.member(t)
	p.signIn(t)
	name := nameOf(queue) + "-dlq"
	s.says(t, contracts.TypeSigninSucceeded, "dead", "list", "--peek")
	if out, err := s.events(t, "undead", name); err == nil || !strings.Contains(out, "unknown command") {
		t.Errorf("a command that does not exist: %v\n%s", err, out)
	}
	if state := s.alarm(t, "notifications-failed"); state != cwtypes.StateValueAlarm {
		t.Errorf("the alarm on failed notifications is %s", state)
	}
	id := ""
	for _, found := range regexp.MustCompile(`"`+regexp.QuoteMeta(contracts.TypeSigninSucceeded)+`" "([^"]+)"`).FindAllStringSubmatch(must(s.events(t, "dead", "list", "--peek"))(t), -1) {
		id = found[1]
	}
	if out := must(s.events(t, "find", id))(t); !strings.Contains(out, "now:  in the dead-letter queue "+name) || !strings.Contains(out, "gatehouse events dead replay "+name) {
		t.Errorf("find %s:\n%s", id, out)
	}
	if out := must(s.events(t, "dead", "show", name, id))(t); !strings.Contains(out, `"id": "`+id+`"`) || !strings.Contains(out, "SNS, which could not deliver it") {
		t.Errorf("show %s:\n%s", id, out)
	}
	give()
	s.says(t, "moved", "dead", "replay", name)
	s.says(t, "now:  it has arrived", "find", id)

	giveBoth := []func(){s.takePolicy(t, queue), s.takePolicy(t, queue+"-dlq")}
	before := s.depth(t, queue+"-dlq")
	p.signIn(t)
	eventually(t, "the alarm on lost notifications", func() bool { return s.alarm(t, "notifications-lost") == cwtypes.StateValueAlarm })
	if now := s.depth(t, queue+"-dlq"); now != before {
		t.Errorf("%d messages came to the dead-letter queue", now-before)
	}
	for _, give := range giveBoth {
		give()
	}
}

// takePolicy removes a queue's policy and returns what restores it, which also happens at
// the end.
func (s *system) takePolicy(t *testing.T, queue string) (give func()) {
	t.Helper()
	c := s.clients(t)
	was := must(c.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{"Policy"}}))(t).Attributes["Policy"]
	set := func(policy string) {
		// It may be called after the test, whose context is over then.
		if _, err := c.sqs.SetQueueAttributes(context.WithoutCancel(t.Context()), &sqs.SetQueueAttributesInput{QueueUrl: &queue, Attributes: map[string]string{"Policy": policy}}); err != nil {
			t.Error(fmt.Errorf("sqs.SetQueueAttributes: %w", err))
		}
	}
	set("")
	given := false
	give = func() {
		if !given {
			given = true
			set(was)
		}
	}
	t.Cleanup(give)
	return give
}
