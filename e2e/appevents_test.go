package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
)

// send sends a message with the system's credentials and returns its id.
func (s *system) send(t *testing.T, queue, body string) string {
	t.Helper()
	out := must(s.clients(t).sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(s.env[queue]), MessageBody: &body}))(t)
	return aws.ToString(out.MessageId)
}

// id matches one event.
func id(want string) func(event.Event) bool {
	return func(ev event.Event) bool { return ev.ID() == want }
}

const guestQueue, userQueue = "CLIENT_EVENTS_GUEST_QUEUE_URL", "CLIENT_EVENTS_USER_QUEUE_URL"

// TestAppEventsArePublished follows a guest's and a user's message to the topic.
func TestAppEventsArePublished(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	before := s.sums(t)["AppEvents"]
	user, p := s.user(t)
	for who, sent := range map[string]string{
		contracts.WhoGuest: s.guest(t).send(t, guestQueue, `{"name":"cart.opened","data":{"items":3,"express":true,"step":"pay"}}`),
		contracts.WhoUser:  user.send(t, userQueue, `{"name":"cart.opened","data":{"items":3,"express":true,"step":"pay"}}`),
	} {
		got := inbox.wait(t, soon, 1, id(sent))[0]
		if got.event.Type() != contracts.TypeAppEvent || got.event.Subject() != "" || strings.Contains(got.body, p.sub) {
			t.Errorf("%s: event %s", who, got.body)
		}
		if !strings.HasSuffix(got.event.Source(), ":userpool/"+s.env["USER_POOL_ID"]) {
			t.Errorf("%s: source %s", who, got.event.Source())
		}
		var data contracts.AppEvent
		if err := json.Unmarshal(got.event.Data(), &data); err != nil {
			t.Fatal(err)
		}
		want := contracts.AppEvent{Who: who, Name: "cart.opened", Values: map[string]any{"items": 3.0, "express": true, "step": "pay"}}
		if diff := cmp.Diff(want, data); diff != "" {
			t.Errorf("%s: data (-want +got):\n%s", who, diff)
		}
		eventually(t, soon, "an audit row", func() bool {
			out, err := s.run(t, "aws", "dynamodb", "query", "--table-name", s.env["AUDIT_TABLE"], "--key-condition-expression", "pk = :p",
				"--filter-expression", "id = :i", "--expression-attribute-values", `{":p":{"S":"none#`+s.env["USER_POOL_ID"]+"#"+
					got.event.Time().Format(time.DateOnly)+`"},":i":{"S":"`+sent+`"}}`, "--query", "Count")
			return err == nil && strings.TrimSpace(out) == "1"
		})
	}
	eventually(t, soon, "the metric", func() bool { return s.sums(t)["AppEvents"] >= before+2 })
	checkSchemas(t, inbox)
}

// TestOnlyAppsMaySendAppEvents: not even who administers the account.
func TestOnlyAppsMaySendAppEvents(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, queue := range []string{guestQueue, userQueue} {
		_, err := s.clients(t).sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: aws.String(s.env[queue]), MessageBody: aws.String(`{"name":"a"}`),
		})
		if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("%s: got %v, want AccessDenied", queue, err)
		}
	}
}

// TestInvalidAppEventsAreKept sends what is no event of an app. It runs alone,
// for it makes the queue give up sooner.
func TestInvalidAppEventsAreKept(t *testing.T) {
	s := start(t)
	c := s.clients(t)
	inbox := s.subscribe(t)
	guest := s.guest(t)
	queue := s.env[guestQueue]
	before := s.sums(t)["AppEventsRefused"]
	t.Cleanup(s.hurry(t, queue))
	bad := []string{
		`{"name":"a","subject":"5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11"}`, `{"name":"a","who":"user"}`,
		`{"name":"a"`, "hello", `{"name":"erika@example.org"}`, `{"name":"a","data":{"x":"erika secret-text"}}`, `{"name":"a","data":{"x":52.52}}`,
	}
	sent := map[string]string{}
	for _, body := range bad {
		sent[guest.send(t, guestQueue, body)] = body
	}
	good := guest.send(t, guestQueue, `{"name":"good.neighbour"}`)
	_, err := guest.clients(t).sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &queue, MessageBody: aws.String(`{"name":"` + strings.Repeat("a", 5000) + `"}`),
	})
	if err == nil {
		t.Error("a message of more than 4 KiB is taken")
	}
	inbox.wait(t, soon, 1, id(good))
	kept := map[string]string{}
	eventually(t, time.Minute, "all of them in the dead-letter queue", func() bool {
		out := must(c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(queue + "-dlq"), MaxNumberOfMessages: 10}))(t)
		for _, m := range out.Messages {
			kept[aws.ToString(m.MessageId)] = aws.ToString(m.Body)
		}
		return len(kept) >= len(sent)
	})
	if diff := cmp.Diff(sent, kept); diff != "" {
		t.Errorf("kept (-sent +kept):\n%s", diff)
	}
	for id := range sent {
		if found, _ := inbox.find(func(ev event.Event) bool { return ev.ID() == id }); len(found) > 0 {
			t.Errorf("published: %s", found[0].body)
		}
	}
	eventually(t, soon, "the metric", func() bool { return s.sums(t)["AppEventsRefused"] >= before+float64(len(bad)) })
	s.nothingInLogs(t, "secret-text", "erika@example.org")
	must(c.sqs.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: aws.String(queue + "-dlq")}))(t)
}

// TestAppEventsOverTheLimitWait fills a minute and sees the next event wait for
// another one, with the id that it had. It runs alone.
func TestAppEventsOverTheLimitWait(t *testing.T) {
	s := start(t)
	c := s.clients(t)
	inbox := s.subscribe(t)
	user, _ := s.user(t)
	t.Cleanup(s.pace(t, s.env[userQueue], 1000))
	before := s.sums(t)["AppEventsDelayed"]
	stacks := must(c.cloudformation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("gatehouse-local-user-events")}))(t)
	table := ""
	for _, o := range stacks.Stacks[0].Outputs {
		if aws.ToString(o.OutputKey) == "LedgerTable" {
			table = aws.ToString(o.OutputValue)
		}
	}
	var rows []map[string]dynamotypes.AttributeValue
	for minute := range 3 {
		key := "limit#user#" + time.Now().UTC().Add(time.Duration(minute)*time.Minute).Format("2006-01-02T15:04Z")
		rows = append(rows, map[string]dynamotypes.AttributeValue{"event": &dynamotypes.AttributeValueMemberS{Value: key}})
		must(c.dynamodb.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]dynamotypes.AttributeValue{
			"event": rows[minute]["event"], "used": &dynamotypes.AttributeValueMemberN{Value: "1000000"},
		}}))(t)
	}
	empty := func() {
		for _, key := range rows {
			_, err := c.dynamodb.DeleteItem(context.WithoutCancel(t.Context()), &dynamodb.DeleteItemInput{TableName: &table, Key: key})
			if err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(empty)
	waiting := user.send(t, userQueue, `{"name":"one.too_many"}`)
	guests := s.guest(t).send(t, guestQueue, `{"name":"other.queue"}`)
	inbox.wait(t, soon, 1, id(guests))
	eventually(t, soon, "the metric", func() bool { return s.sums(t)["AppEventsDelayed"] > before })
	if found, _ := inbox.find(id(waiting)); len(found) > 0 {
		t.Fatal("an event over the limit came out")
	}
	empty()
	inbox.wait(t, soon, 1, id(waiting))
}
