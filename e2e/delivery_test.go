package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
)

// signInLimit is what a sign-in may take beyond its usual time while the topic does
// not answer: two attempts of 0.6 s to the topic and the call to the outbox, for each
// of the two triggers, with room for a busy machine; Cognito allows five seconds for
// each.
const signInLimit = 6 * time.Second

func TestSignInWorksWhileTheTopicIsUnreachable(t *testing.T) {
	t.Parallel()
	s := alone(t)
	outbox := s.queue(t, "user-events-outbox")
	// Only the pace of the retries changes: the drain fails as long as the topic does.
	t.Cleanup(s.pace(t, outbox, 1000))
	for _, mode := range []string{"refuse", "error", "hang"} {
		t.Run(mode, func(t *testing.T) {
			inbox := s.subscribe(t)
			p := s.member(t)
			began := time.Now()
			p.signIn(t)
			usual := time.Since(began)
			inbox.wait(t, 1, of(contracts.TypeSigninSucceeded, p.Sub))
			s.disturb(t, fault{Service: "sns", Action: "Publish", Mode: mode})
			began = time.Now()
			p.signIn(t)
			if took := time.Since(began); took > signInLimit+2*usual {
				t.Errorf("the sign-in took %s, want at most %s more than the usual %s", took, signInLimit, usual)
			}
			if mode == "error" {
				// Both events, and what the topic answers drain: a 503 is called a 503.
				waiting := s.says(t, "HTTP 503", "outbox")
				if strings.Count(waiting, contracts.TypeSigninAttempted)+strings.Count(waiting, contracts.TypeSigninSucceeded) == 0 {
					t.Errorf("no event in:\n%s", waiting)
				}
			}
			s.undisturb(t)
			inbox.wait(t, 2, of(contracts.TypeSigninAttempted, p.Sub))
			drained := inbox.wait(t, 2, of(contracts.TypeSigninSucceeded, p.Sub))[1]
			exactly(t, inbox, 2, of(contracts.TypeSigninAttempted, p.Sub))
			exactly(t, inbox, 2, of(contracts.TypeSigninSucceeded, p.Sub))
			if mode == "refuse" {
				s.led(t, drained.Event, "user-events-drain", "signin-audit-recorder") // one link further
			}
		})
	}
	s.settled(t) // the metrics of the outbox, which other tests compare
}

func TestUndeliveredEventsAreRecoveredFromTheLog(t *testing.T) {
	t.Parallel()
	s := alone(t)
	inbox := s.subscribe(t)
	p := s.member(t)
	s.disturb(t, fault{Service: "sns", Action: "Publish", Mode: "refuse"})
	s.disturb(t, fault{Service: "sqs", Action: "SendMessage", Mode: "refuse"})
	p.signIn(t)
	s.undisturb(t)
	eventually(t, "both events recovered", func() bool {
		if out, err := s.gatehouse(t, "events", "recover", "--since", "1h"); err != nil {
			t.Fatalf("gatehouse events recover: %v\n%s", err, out)
		}
		attempted := inbox.find(t, of(contracts.TypeSigninAttempted, p.Sub))
		succeeded := inbox.find(t, of(contracts.TypeSigninSucceeded, p.Sub))
		return len(attempted) > 0 && len(succeeded) > 0
	})
}

func TestDeadLettersAreKeptAndCanBeReplayed(t *testing.T) {
	t.Parallel()
	s := alone(t)
	queues := s.queues(t)
	tried := 0
	for _, queue := range queues {
		// Nobody but apps may send to the client-events queues: see appevents_test.go. The
		// example's consumer, if it is deployed, leaves poison to SQS. The letters of
		// passwordless are sealed, and worthless after a quarter of an hour.
		if strings.HasSuffix(queue, "-passwordless-sender") {
			continue
		}
		if strings.HasSuffix(queue, "-dlq") || !slices.Contains(queues, queue+"-dlq") || strings.Contains(queue, "client-events") || strings.Contains(queue, "example-subscriber") {
			continue
		}
		tried++
		t.Run(nameOf(queue), func(t *testing.T) {
			t.Parallel()
			s.replays(t, queue)
			if strings.HasSuffix(queue, "-account-records") {
				s.keepsUnknown(t, queue)
			}
		})
	}
	if tried < 6 {
		t.Errorf("only %d queues with a dead-letter queue, want outbox, metrics, bridge, recorder and two of records", tried)
	}
}

// replays sends a message that is not an event, and an event straight to the
// dead-letter queue, and looks for these two only: others may be there too.
func (s *system) replays(t *testing.T, queue string) {
	letters, name := queue+"-dlq", nameOf(queue)+"-dlq"
	poison := `{"not":"an event","test":"` + uuid.NewString() + `"}`
	file, why := "../contracts/testdata/gatehouse.user.created.v1.json", "not_an_event"
	if strings.HasSuffix(queue, "-records") { // of another pool, so the consumer has nothing to do
		file, why = "../lambdakit/cloudtrail/testdata/confirm-post.json", "not_a_record"
	}
	text := string(must(os.ReadFile(file))(t))
	if strings.HasSuffix(queue, "-announcer") { // of somebody that Cognito has not created
		text, why = `{"pool":"arn:aws:cognito-idp:us-east-1:000000000000:userpool/`+s.env["USER_POOL_ID"]+`","address":"nobody@example.org","at":"2026-11-01T00:00:00Z"}`, "message_of_another_shape"
	}
	event := strings.Replace(text, "{", "{"+strings.Repeat(" ", 1+rand.IntN(1000)), 1)
	must(s.operator(t).clients(t).sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &poison}))(t)
	// The consumer moves it at once; a thousand attempts at the queue's pace take a day.
	s.inQueue(t, letters, poison)
	out, err := s.gatehouse(t, "events", "dead", "list")
	if err != nil || !strings.Contains(out, name) {
		t.Errorf("gatehouse events dead list: %v\n%s", err, out)
	}
	must(s.consumer(t, queue).clients(t).sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &letters, MessageBody: &event}))(t)
	// A message that was looked at a moment ago is hidden from the replay.
	moved := regexp.MustCompile(`moved [1-9][0-9]* from ` + regexp.QuoteMeta(name))
	eventually(t, "the event moved back to "+nameOf(queue), func() bool {
		out, err := s.gatehouse(t, "events", "dead", "replay", name)
		if err != nil {
			t.Logf("gatehouse events dead replay: %v\n%s", err, out)
		}
		return moved.MatchString(out)
	})
	if bodies := s.inQueue(t, letters, poison); slices.Contains(bodies, event) {
		t.Error("the event is still in the dead-letter queue")
	}
	s.drop(t, letters, poison, why)
}

// drop is `gatehouse events dead show` and `drop` of what is not an event.
func (s *system) drop(t *testing.T, letters, body, why string) {
	t.Helper()
	id := ""
	eventually(t, "the message's id", func() bool {
		out := must(s.clients(t).sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &letters, MaxNumberOfMessages: 10, VisibilityTimeout: 1}))(t)
		for _, m := range out.Messages {
			if aws.ToString(m.Body) == body {
				id = aws.ToString(m.MessageId)
			}
		}
		return id != ""
	})
	out := must(s.events(t, "dead", "show", nameOf(letters), id))(t)
	if !strings.Contains(out, "not a valid event") || !strings.Contains(out, `its consumer, for "`+why+`"`) || strings.Contains(out, "test") {
		t.Errorf("show of what is not an event:\n%s", out)
	}
	if out, err := s.events(t, "dead", "drop", nameOf(letters), id); err == nil || !strings.Contains(out, "nothing was deleted") {
		t.Errorf("drop without an answer: %v\n%s", err, out)
	}
	if out, err := s.events(t, "dead", "drop", nameOf(letters), id, "--yes"); err != nil || !strings.Contains(out, "deleted from "+nameOf(letters)) {
		t.Errorf("drop: %v\n%s", err, out)
	}
}

// TestOutagesEndWithoutDeadLetters refuses the recorder's calls for more attempts than a
// message had before, and then no longer.
func TestOutagesEndWithoutDeadLetters(t *testing.T) {
	t.Parallel()
	s := alone(t)
	queue := s.queue(t, "signin-audit-recorder")
	// Only the pace of the attempts changes, not their number.
	t.Cleanup(s.pace(t, queue, 1000))
	t.Cleanup(s.pace(t, s.queue(t, "user-events-metrics"), 1000))
	attempts := func() int {
		return strings.Count(s.logsOf(t, "/gatehouse/local/signin-audit/recorder"), "it will be delivered again")
	}
	before, dead := attempts(), s.depth(t, queue+"-dlq")
	s.disturb(t, fault{Service: "dynamodb", Action: "PutItem", Mode: "refuse"})
	p := s.member(t)
	p.signIn(t)
	progress(t, func() (string, bool) {
		n := attempts() - before
		return fmt.Sprintf("%d failed attempts", n), n > 40
	})
	s.undisturb(t)
	eventually(t, "rows of both events", func() bool {
		out, err := s.gatehouse(t, "audit", "show", "--user", p.Sub, "--json")
		return err == nil && strings.Contains(out, contracts.TypeSigninAttempted) && strings.Contains(out, contracts.TypeSigninSucceeded)
	})
	if now := s.depth(t, queue+"-dlq"); now != dead {
		t.Errorf("%d dead letters, want none", now-dead)
	}
	s.settled(t)
}

// inQueue waits until a queue has messages with these bodies, and returns all bodies
// that were seen meanwhile. It leaves the messages where they are.
func (s *system) inQueue(t *testing.T, queue string, want ...string) []string {
	t.Helper()
	var seen []string
	progress(t, func() (string, bool) {
		out := must(s.clients(t).sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 10, VisibilityTimeout: 1}))(t)
		for _, m := range out.Messages {
			if body := aws.ToString(m.Body); !slices.Contains(seen, body) {
				seen = append(seen, body)
			}
		}
		missing := slices.DeleteFunc(slices.Clone(want), func(body string) bool { return slices.Contains(seen, body) })
		return fmt.Sprintf("%s lacks %d of %d messages and has %d others", nameOf(queue), len(missing), len(want), len(seen)), len(missing) == 0
	})
	return seen
}

// discard deletes the messages with these bodies.
func (s *system) discard(t *testing.T, queue string, bodies ...string) {
	t.Helper()
	left := slices.Clone(bodies)
	progress(t, func() (string, bool) {
		c := s.clients(t).sqs
		out := must(c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 10, VisibilityTimeout: 1}))(t)
		for _, m := range out.Messages {
			if at := slices.Index(left, aws.ToString(m.Body)); at >= 0 {
				must(c.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle}))(t)
				left = slices.Delete(left, at, at+1)
			}
		}
		return fmt.Sprintf("%d messages to delete from %s", len(left), nameOf(queue)), len(left) == 0
	})
}

// queues are the URLs of the environment's queues.
func (s *system) queues(t *testing.T) []string {
	t.Helper()
	return must(s.clients(t).sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{QueueNamePrefix: aws.String("gatehouse-local-")}))(t).QueueUrls
}

// queue is the URL of one of them, by the end of its name.
func (s *system) queue(t *testing.T, name string) string {
	t.Helper()
	queues := s.queues(t)
	at := slices.IndexFunc(queues, func(url string) bool { return strings.HasSuffix(url, "-"+name) })
	if at < 0 {
		t.Fatalf("no queue %s among %v", name, queues)
	}
	return queues[at]
}

func nameOf(queue string) string { return queue[strings.LastIndex(queue, "/")+1:] }

// pace makes a queue retry that often, a second apart, and returns what restores it.
func (s *system) pace(t *testing.T, queue string, tries int) (restore func()) {
	t.Helper()
	c := s.clients(t)
	was := must(c.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{"VisibilityTimeout", "RedrivePolicy"},
	}))(t).Attributes
	var redrive map[string]any
	if err := json.Unmarshal([]byte(was["RedrivePolicy"]), &redrive); err != nil {
		t.Fatal(err)
	}
	redrive["maxReceiveCount"] = tries
	set := func(attributes map[string]string) {
		// It may be called after the test, whose context is over then.
		must(c.sqs.SetQueueAttributes(context.WithoutCancel(t.Context()), &sqs.SetQueueAttributesInput{QueueUrl: &queue, Attributes: attributes}))(t)
	}
	set(map[string]string{"VisibilityTimeout": "1", "RedrivePolicy": string(must(json.Marshal(redrive))(t))})
	return func() { set(was) }
}

// depth is how many messages a queue has, with those that are being processed.
func (s *system) depth(t *testing.T, queue string) int {
	t.Helper()
	names := []sqstypes.QueueAttributeName{
		sqstypes.QueueAttributeNameApproximateNumberOfMessages, sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}
	out := must(s.clients(t).sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &queue, AttributeNames: names}))(t)
	n := 0
	for _, name := range names {
		n += must(strconv.Atoi(out.Attributes[string(name)]))(t)
	}
	return n
}

// fault is what the proxy can do to a call.
type fault struct {
	Service string `json:"service"`
	Action  string `json:"action"`
	Mode    string `json:"mode"`
	Status  int    `json:"status,omitempty"`
	// Milliseconds is how long a call is delayed.
	Milliseconds int `json:"milliseconds,omitempty"`
}

func (s *system) disturb(t *testing.T, f fault) {
	t.Helper()
	s.faults(t, http.MethodPost, must(json.Marshal(f))(t))
	t.Cleanup(func() { s.undisturb(t) })
}

func (s *system) undisturb(t *testing.T) {
	t.Helper()
	s.faults(t, http.MethodDelete, nil)
}

func (s *system) faults(t *testing.T, method string, body []byte) {
	t.Helper()
	req := must(http.NewRequest(method, s.env["AWS_ENDPOINT_URL"]+"/_gatehouse/faults", bytes.NewReader(body)))(t)
	resp := must(http.DefaultClient.Do(req))(t)
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		t.Fatalf("faults answer %s", resp.Status)
	}
}
