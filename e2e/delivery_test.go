package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
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

func TestSignInWorksWhileTheTopicIsAway(t *testing.T) {
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

func TestEventsThatNobodyTookComeBackFromTheLog(t *testing.T) {
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

func TestPoisonIsKeptAndCanBeReplayed(t *testing.T) {
	s := start(t)
	c := s.clients(t)
	queues := must(c.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{QueueNamePrefix: aws.String("gatehouse-local-")}))(t).QueueUrls
	tried := 0
	for _, queue := range queues {
		if strings.HasSuffix(queue, "-dlq") || !slices.Contains(queues, queue+"-dlq") {
			continue
		}
		tried++
		t.Run(queue[strings.LastIndex(queue, "/")+1:], func(t *testing.T) {
			// Five tries at the queue's own pace take minutes; the pace is all that changes here.
			pace := s.pace(t, queue, "1")
			must(c.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
				QueueUrl: &queue, MessageBody: aws.String(`{"not":"an event"}`),
			}))(t)
			eventually(t, time.Minute, "the message lies in the dead-letter queue", func() bool {
				return s.depth(t, queue+"-dlq") == 1
			})
			s.pace(t, queue, pace)
			out, err := s.run(t, s.root+"/bin/gatehouse", "events", "dead")
			if err != nil || !strings.Contains(out, queue[strings.LastIndex(queue, "/")+1:]+"-dlq") {
				t.Errorf("gatehouse events dead: %v\n%s", err, out)
			}
			must(c.sqs.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: aws.String(queue + "-dlq")}))(t)
		})
	}
	if tried < 4 {
		t.Errorf("only %d queues with a dead-letter queue, want outbox, metrics, bridge and recorder", tried)
	}
}

// pace sets a queue's visibility timeout and returns the former one.
func (s *system) pace(t *testing.T, queue, seconds string) string {
	t.Helper()
	c := s.clients(t)
	const name = sqstypes.QueueAttributeNameVisibilityTimeout
	was := must(c.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{name},
	}))(t).Attributes[string(name)]
	must(c.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &queue, Attributes: map[string]string{string(name): seconds},
	}))(t)
	return was
}

func (s *system) depth(t *testing.T, queue string) int {
	t.Helper()
	const name = sqstypes.QueueAttributeNameApproximateNumberOfMessages
	out := must(s.clients(t).sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{name},
	}))(t)
	return len(strings.TrimLeft(out.Attributes[string(name)], "0"))
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
