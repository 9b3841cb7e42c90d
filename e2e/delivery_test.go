package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"gatehouse.example/contracts"
)

// signInLimit is what a sign-in may take while the topic does not answer: two
// attempts of 0.6 s to the topic and the way to the outbox, for each of the two
// triggers, with room for a busy machine; Cognito allows five seconds for each.
const signInLimit = 6 * time.Second

// The tests of this file disturb the one topic that all tests share, so they
// run alone: no t.Parallel.

func TestSignInWorksWhileTheTopicIsUnreachable(t *testing.T) {
	for _, mode := range []string{"refuse", "error", "hang"} {
		t.Run(mode, func(t *testing.T) {
			s := start(t)
			inbox := s.subscribe(t)
			p := s.member(t)
			s.disturb(t, fault{Service: "sns", Action: "Publish", Mode: mode})
			began := time.Now()
			must(p.signIn(t, password))(t)
			if took := time.Since(began); took > signInLimit {
				t.Errorf("the sign-in took %s, want at most %s", took, signInLimit)
			}
			s.undisturb(t)
			inbox.wait(t, 2*time.Minute, 1, of(contracts.TypeSigninAttempted, p.sub))
			inbox.wait(t, 2*time.Minute, 1, of(contracts.TypeSigninSucceeded, p.sub))
			exactly(t, inbox, 1, of(contracts.TypeSigninAttempted, p.sub))
			exactly(t, inbox, 1, of(contracts.TypeSigninSucceeded, p.sub))
		})
	}
}

func TestUndeliveredEventsAreRecoveredFromTheLog(t *testing.T) {
	s := start(t)
	inbox := s.subscribe(t)
	p := s.member(t)
	s.disturb(t, fault{Service: "sns", Action: "Publish", Mode: "refuse"})
	s.disturb(t, fault{Service: "sqs", Action: "SendMessage", Mode: "refuse"})
	must(p.signIn(t, password))(t)
	s.undisturb(t)
	eventually(t, soon, "both events recovered", func() bool {
		if out, err := s.run(t, s.root+"/bin/gatehouse", "events", "recover", "--since", "1h"); err != nil {
			t.Fatalf("gatehouse events recover: %v\n%s", err, out)
		}
		attempted, _ := inbox.find(of(contracts.TypeSigninAttempted, p.sub))
		succeeded, _ := inbox.find(of(contracts.TypeSigninSucceeded, p.sub))
		return len(attempted) > 0 && len(succeeded) > 0
	})
}

func TestDeadLettersAreKeptAndCanBeReplayed(t *testing.T) {
	s := start(t)
	c := s.clients(t)
	queues := must(c.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{QueueNamePrefix: aws.String("gatehouse-local-")}))(t).QueueUrls
	event := string(must(os.ReadFile("../contracts/testdata/gatehouse.user.created.v1.json"))(t))
	tried := 0
	for _, queue := range queues {
		// The client-events queues take nothing from anybody here: see clientevents_test.go.
		if strings.HasSuffix(queue, "-dlq") || !slices.Contains(queues, queue+"-dlq") || strings.Contains(queue, "client-events") {
			continue
		}
		tried++
		t.Run(queue[strings.LastIndex(queue, "/")+1:], func(t *testing.T) {
			// All tries at the queue's own pace take minutes to hours; the pace is all that changes here.
			restore := s.hurry(t, queue)
			must(c.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
				QueueUrl: &queue, MessageBody: aws.String(`{"not":"an event"}`),
			}))(t)
			eventually(t, time.Minute, "the message lies in the dead-letter queue", func() bool {
				return s.depth(t, queue+"-dlq") == 1
			})
			restore()
			out, err := s.run(t, s.root+"/bin/gatehouse", "events", "dead")
			if err != nil || !strings.Contains(out, queue[strings.LastIndex(queue, "/")+1:]+"-dlq") {
				t.Errorf("gatehouse events dead: %v\n%s", err, out)
			}
			// What is no event stays where a person can look at it, and a good one goes back.
			name := queue[strings.LastIndex(queue, "/")+1:] + "-dlq"
			must(c.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(queue + "-dlq"), MessageBody: &event}))(t)
			out, err = s.run(t, s.root+"/bin/gatehouse", "events", "replay", name)
			if !strings.Contains(out, "moved 1 from "+name) {
				t.Errorf("gatehouse events replay: %v\n%s", err, out)
			}
			eventually(t, soon, "only the poison is left", func() bool { return s.depth(t, queue+"-dlq") == 1 })
			must(c.sqs.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: aws.String(queue + "-dlq")}))(t)
		})
	}
	if tried < 4 {
		t.Errorf("only %d queues with a dead-letter queue, want outbox, metrics, bridge and recorder", tried)
	}
}

// hurry makes a queue give up after two quick tries and returns what restores it.
func (s *system) hurry(t *testing.T, queue string) (restore func()) {
	t.Helper()
	return s.pace(t, queue, 2)
}

// pace makes a queue try so often, a second apart, and returns what restores it.
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

func (s *system) depth(t *testing.T, queue string) int {
	t.Helper()
	const name = sqstypes.QueueAttributeNameApproximateNumberOfMessages
	out := must(s.clients(t).sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{name},
	}))(t)
	return must(strconv.Atoi(out.Attributes[string(name)]))(t)
}

// fault is what the local edge can do to a call.
type fault struct {
	Service string `json:"service"`
	Action  string `json:"action"`
	Mode    string `json:"mode"`
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
