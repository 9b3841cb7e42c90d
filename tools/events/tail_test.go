package events

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

func TestTypesNamed(t *testing.T) {
	t.Parallel()
	attempted, succeeded := contracts.TypeSigninAttempted, contracts.TypeSigninSucceeded
	for name, tc := range map[string]struct {
		names []string
		want  []string
		err   string
	}{
		"none":         {nil, nil, ""},
		"whole":        {[]string{attempted}, []string{attempted}, ""},
		"short":        {[]string{"user.signin.attempted"}, []string{attempted}, ""},
		"with_version": {[]string{"user.signin.attempted.v1"}, []string{attempted}, ""},
		"two":          {[]string{"user.signin.succeeded", "user.signin.attempted"}, []string{succeeded, attempted}, ""},
		"half_a_word":  {[]string{"user.sign"}, nil, `"user.sign"; they are: gatehouse.user.signup`},
		"unknown":      {[]string{"user.signin", "nothing"}, nil, `"nothing"`},
		"empty":        {[]string{""}, nil, `""`},
		"all":          {[]string{"gatehouse."}, nil, `"gatehouse."`},
	} {
		got, err := typesNamed(tc.names)
		if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: %v, want %q", name, err, tc.err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if group, err := typesNamed([]string{"user.signup"}); err != nil || len(group) != 2 {
		t.Errorf("user.signup is %v, %v", group, err)
	}
}

func TestFilterOf(t *testing.T) {
	t.Parallel()
	for want, tc := range map[string]struct {
		types  []string
		client string
	}{
		"":                                   {},
		`{"type":["a","b"]}`:                 {types: []string{"a", "b"}},
		`{"clientid":["c"]}`:                 {client: "c"},
		`{"clientid":["c"],"type":["a"]}`:    {types: []string{"a"}, client: "c"},
		`{"clientid":["a\"}"],"type":["a"]}`: {types: []string{"a"}, client: `a"}`},
	} {
		if got, err := filterOf(tc.types, tc.client); err != nil || got != want {
			t.Errorf("%v %q: %s, %v, want %s", tc.types, tc.client, got, err, want)
		}
	}
}

// tailAccount is SQS and SNS with one queue. When its messages were read, stop is called.
type tailAccount struct {
	actors.Queues
	actors.Topics

	bodies  []string
	stop    context.CancelFunc
	refuses error // to delete the queue
	left    []string
}

func (a *tailAccount) CreateQueue(_ context.Context, in *sqs.CreateQueueInput, _ ...func(*sqs.Options)) (*sqs.CreateQueueOutput, error) {
	a.left = append(a.left, *in.QueueName)
	return &sqs.CreateQueueOutput{QueueUrl: in.QueueName}, nil
}

func (a *tailAccount) Subscribe(_ context.Context, in *sns.SubscribeInput, _ ...func(*sns.Options)) (*sns.SubscribeOutput, error) {
	a.left = append(a.left, "subscription with "+in.Attributes["FilterPolicy"])
	return &sns.SubscribeOutput{SubscriptionArn: aws.String("arn")}, nil
}

func (a *tailAccount) ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	if len(a.bodies) == 0 {
		a.stop()
		return nil, context.Canceled
	}
	body := a.bodies[0]
	a.bodies = a.bodies[1:]
	return &sqs.ReceiveMessageOutput{Messages: []types.Message{{Body: &body, ReceiptHandle: aws.String("r")}}}, nil
}

func (a *tailAccount) DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	return &sqs.DeleteMessageBatchOutput{}, nil
}

func (a *tailAccount) Unsubscribe(context.Context, *sns.UnsubscribeInput, ...func(*sns.Options)) (*sns.UnsubscribeOutput, error) {
	a.left = a.left[:1]
	return &sns.UnsubscribeOutput{}, nil
}

func (a *tailAccount) DeleteQueue(ctx context.Context, _ *sqs.DeleteQueueInput, _ ...func(*sqs.Options)) (*sqs.DeleteQueueOutput, error) {
	if err := errors.Join(ctx.Err(), a.refuses); err != nil {
		return nil, err
	}
	a.left = nil
	return &sqs.DeleteQueueOutput{}, nil
}

// tailed are the events of two users, one of them twice.
func tailed(t *testing.T) []string {
	t.Helper()
	var bodies []string
	for _, one := range []struct{ id, sub string }{{"one", "u-1"}, {"two", "u-2"}, {"one", "u-1"}} {
		ev, err := contracts.NewSigninAttempted(contracts.Act{
			PoolARN: pool, Subject: one.sub, ClientID: "c1", ID: one.id, Time: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC),
		}, contracts.SigninAttempted{UserNotFound: one.id == "two"})
		if err != nil {
			t.Fatal(err)
		}
		body, err := contracts.Encode(ev)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(body))
	}
	return bodies
}

func TestTail(t *testing.T) {
	t.Parallel()
	bodies := tailed(t)
	const one, two = "2026-11-22T09:30:00Z  user.signin.attempted.v1  user=u-1  client=c1\n",
		"2026-11-22T09:30:00Z  user.signin.attempted.v1  user=u-2  client=c1  {\"userNotFound\":true}\n"
	for name, tc := range map[string]struct {
		tailer  tailer
		bodies  []string
		refuses error
		want    string
		err     string
	}{
		"each_event_once": {tailer{}, bodies, nil, one + two, ""},
		"one_user":        {tailer{user: "u-2"}, bodies, nil, two, ""},
		"json":            {tailer{json: true}, bodies[:1], nil, bodies[0] + "\n", ""},
		"queue_stays":     {tailer{}, nil, errors.New("denied"), "", "the queue gatehouse-test-tail-1 or its subscription stays"},
		"not_an_event":    {tailer{}, []string{"{}"}, nil, "", "not an event"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			a := &tailAccount{bodies: tc.bodies, stop: stop, refuses: tc.refuses}
			var out strings.Builder
			tl := tc.tailer
			tl.out = &out
			tl.inbox = &actors.Inbox{Queues: a, Topics: a, TopicARN: "arn:aws:sns:r:1:topic", Name: tailPrefix("test") + "1", Filter: `{"type":["x"]}`}
			var made []string
			err := tl.tail(ctx, func() { made = append(made, a.left...) })
			if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("tail: %v, want %q", err, tc.err)
			}
			if diff := cmp.Diff(tc.want, out.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"gatehouse-test-tail-1", `subscription with {"type":["x"]}`}, made); diff != "" {
				t.Errorf("made (-want +got):\n%s", diff)
			}
			if len(a.left) > 0 && tc.refuses == nil {
				t.Errorf("%v stays", a.left)
			}
		})
	}
}

// swept is an account with queues of tails: one of a crashed run, one that may still run.
type swept struct {
	tailAccount

	names   []string
	deleted []string
}

func (s *swept) ListQueues(_ context.Context, in *sqs.ListQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	var urls []string
	for _, name := range s.names {
		if strings.HasPrefix(name, *in.QueueNamePrefix) {
			urls = append(urls, "http://queue/1/"+name)
		}
	}
	return &sqs.ListQueuesOutput{QueueUrls: urls}, nil
}

func (s *swept) ListSubscriptionsByTopic(context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options)) (*sns.ListSubscriptionsByTopicOutput, error) {
	var out sns.ListSubscriptionsByTopicOutput
	for _, name := range s.names {
		out.Subscriptions = append(out.Subscriptions, snstypes.Subscription{Endpoint: aws.String("arn:aws:sqs:r:1:" + name), SubscriptionArn: aws.String("sub of " + name)})
	}
	return &out, nil
}

func (s *swept) Unsubscribe(_ context.Context, in *sns.UnsubscribeInput, _ ...func(*sns.Options)) (*sns.UnsubscribeOutput, error) {
	s.deleted = append(s.deleted, *in.SubscriptionArn)
	return &sns.UnsubscribeOutput{}, nil
}

func (s *swept) DeleteQueue(_ context.Context, in *sqs.DeleteQueueInput, _ ...func(*sqs.Options)) (*sqs.DeleteQueueOutput, error) {
	s.deleted = append(s.deleted, *in.QueueUrl)
	return &sqs.DeleteQueueOutput{}, nil
}

// The longest tail ends before its queue counts as left behind.
func TestTailsOfCrashedRunsAreSwept(t *testing.T) {
	t.Parallel()
	now := time.Now()
	crashed, running := tailPrefix("test")+actors.NewID(now.Add(-2*time.Hour)), tailPrefix("test")+actors.NewID(now.Add(-longestTail))
	s := &swept{names: []string{crashed, running, tailPrefix("dev") + actors.NewID(now.Add(-2*time.Hour)), tailPrefix("test") + "mine"}}
	if err := actors.Sweep(t.Context(), s, s, "arn:aws:sns:r:1:topic", tailPrefix("test"), now); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"sub of " + crashed, "http://queue/1/" + crashed}, s.deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}
