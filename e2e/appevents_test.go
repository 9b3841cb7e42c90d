package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

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
	hold(t, &appEvents)
	s := start(t)
	inbox := s.subscribe(t)
	before := s.sums(t)["AppEvents"]
	user, p := s.user(t)
	for who, sent := range map[string]string{
		contracts.WhoGuest: s.guest(t).send(t, guestQueue, `{"name":"cart.opened","data":{"items":3,"express":true,"step":"pay"}}`),
		contracts.WhoUser:  user.send(t, userQueue, `{"name":"cart.opened","data":{"items":3,"express":true,"step":"pay"}}`),
	} {
		got := inbox.wait(t, 1, id(sent))[0]
		if got.Event.Type() != contracts.TypeAppEvent || got.Event.Subject() != "" || strings.Contains(got.Body, p.Sub) {
			t.Errorf("%s: event %s", who, got.Body)
		}
		if !strings.HasSuffix(got.Event.Source(), ":userpool/"+s.env["USER_POOL_ID"]) {
			t.Errorf("%s: source %s", who, got.Event.Source())
		}
		var data contracts.AppEvent
		if err := json.Unmarshal(got.Event.Data(), &data); err != nil {
			t.Fatal(err)
		}
		want := contracts.AppEvent{Who: who, Name: "cart.opened", Values: map[string]any{"items": 3.0, "express": true, "step": "pay"}}
		if diff := cmp.Diff(want, data); diff != "" {
			t.Errorf("%s: data (-want +got):\n%s", who, diff)
		}
		eventually(t, "an audit row", func() bool {
			out, err := s.run(t, "aws", "dynamodb", "query", "--table-name", s.env["AUDIT_TABLE"], "--key-condition-expression", "pk = :p",
				"--filter-expression", "id = :i", "--expression-attribute-values", `{":p":{"S":"none#`+s.env["USER_POOL_ID"]+"#"+
					got.Event.Time().Format(time.DateOnly)+`"},":i":{"S":"`+sent+`"}}`, "--query", "Count")
			return err == nil && strings.TrimSpace(out) == "1"
		})
	}
	eventually(t, "the metric", func() bool { return s.sums(t)["AppEvents"] >= before+2 })
	checkSchemas(t, inbox)
}

// TestOnlyAppsMaySendAppEvents: an administrator of the account may not.
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

// TestInvalidAppEventsAreKept in the dead-letter queue, where the consumer moves them at
// once. It counts them, so it is alone.
func TestInvalidAppEventsAreKept(t *testing.T) {
	t.Parallel()
	s := alone(t)
	inbox := s.subscribe(t)
	guest := s.guest(t)
	queue := s.env[guestQueue]
	before := s.sums(t)["AppEventsRefused"]
	mine := uuid.NewString()[:8] // in every message, to tell them from those of others
	bad := []string{
		`{"name":"a","subject":"` + uuid.NewString() + `"}`, `{"name":"` + mine + `","who":"user"}`,
		`{"name":"` + mine + `"`, "hello " + mine, `{"name":"erika@example.org","data":{"x":"` + mine + `"}}`,
		`{"name":"a","data":{"x":"erika secret-text ` + mine + `"}}`, `{"name":"` + mine + `","data":{"x":52.52}}`,
	}
	var sent []string // ids
	for _, body := range bad {
		sent = append(sent, guest.send(t, guestQueue, body))
	}
	good := guest.send(t, guestQueue, `{"name":"good.neighbour"}`)
	_, err := guest.clients(t).sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &queue, MessageBody: aws.String(`{"name":"` + strings.Repeat("a", 5000) + `"}`),
	})
	if err == nil {
		t.Error("a message of more than 4 KiB is taken")
	}
	user, _ := s.user(t)
	fromUser := `{"name":"` + mine + `","subject":"erika"}`
	sent = append(sent, user.send(t, userQueue, fromUser))
	inbox.wait(t, 1, id(good))
	s.inQueue(t, queue+"-dlq", bad...)
	s.inQueue(t, s.env[userQueue]+"-dlq", fromUser)
	for _, message := range sent {
		if found := inbox.find(t, id(message)); len(found) > 0 {
			t.Errorf("published: %s", found[0].Body)
		}
	}
	eventually(t, "the metric", func() bool { return s.sums(t)["AppEventsRefused"] >= before+float64(len(bad)) })
	s.nothingInLogs(t, "secret-text", "erika@example.org")
	s.discard(t, queue+"-dlq", bad...)
	s.discard(t, s.env[userQueue]+"-dlq", fromUser)
}

// TestAppEventsOverTheLimitWait uses up the limit of the next minutes. The next event
// waits and keeps its id.
func TestAppEventsOverTheLimitWait(t *testing.T) {
	t.Parallel()
	hold(t, &appEvents)
	s := start(t)
	c := s.clients(t)
	inbox := s.subscribe(t)
	user, _ := s.user(t)
	t.Cleanup(s.pace(t, s.env[userQueue], 1000))
	before := s.sums(t)["AppEventsDelayed"]
	table := s.parameter(t, "user-events", "ledger-table-name")
	var rows []map[string]dynamotypes.AttributeValue
	for minute := range 15 { // longer than this test waits on a busy machine
		key := "limit#user#" + time.Now().UTC().Add(time.Duration(minute)*time.Minute).Format("2006-01-02T15:04Z")
		rows = append(rows, map[string]dynamotypes.AttributeValue{"event": &dynamotypes.AttributeValueMemberS{Value: key}})
		must(c.dynamodb.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]dynamotypes.AttributeValue{
			"event": rows[minute]["event"], "sum": &dynamotypes.AttributeValueMemberN{Value: "1000000"},
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
	inbox.wait(t, 1, id(guests))
	eventually(t, "the metric", func() bool { return s.sums(t)["AppEventsDelayed"] > before })
	if found := inbox.find(t, id(waiting)); len(found) > 0 {
		t.Fatal("an event over the limit came out")
	}
	empty()
	inbox.wait(t, 1, id(waiting))
}
