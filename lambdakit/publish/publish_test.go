package publish_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
)

func refuse(context.Context, int) error { return errors.New("no") }

func refuseOnce(_ context.Context, attempt int) error {
	if attempt == 1 {
		return errors.New("no")
	}
	return nil
}

func hang(ctx context.Context, _ int) error {
	<-ctx.Done()
	return ctx.Err()
}

type way = func(context.Context, int) error

// TestPublishWays runs in a bubble, so that hanging costs no time and every
// limit can be read exactly.
func TestPublishWays(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := map[string]struct {
		topic, outbox   way
		want            publish.Outcome
		onTopic, queued int
		took            time.Duration
		metric          string
	}{
		"topic_takes_it":             {want: publish.Published, onTopic: 1},
		"topic_takes_the_second":     {topic: refuseOnce, want: publish.Published, onTopic: 2},
		"topic_refuses":              {topic: refuse, want: publish.FellBack, onTopic: 2, queued: 1, metric: publish.MetricFellBack},
		"topic_hangs":                {topic: hang, want: publish.FellBack, onTopic: 2, queued: 1, took: 1200 * ms, metric: publish.MetricFellBack},
		"outbox_takes_the_second":    {topic: refuse, outbox: refuseOnce, want: publish.FellBack, onTopic: 2, queued: 2, metric: publish.MetricFellBack},
		"both_refuse":                {topic: refuse, outbox: refuse, want: publish.Logged, onTopic: 2, queued: 2, metric: publish.MetricLogged},
		"both_hang":                  {topic: hang, outbox: hang, want: publish.Logged, onTopic: 2, queued: 2, took: 2400 * ms, metric: publish.MetricLogged},
		"topic_hangs_outbox_refuses": {topic: hang, outbox: refuse, want: publish.Logged, onTopic: 2, queued: 2, took: 1200 * ms, metric: publish.MetricLogged},
		"topic_refuses_outbox_hangs": {topic: refuse, outbox: hang, want: publish.Logged, onTopic: 2, queued: 2, took: 1200 * ms, metric: publish.MetricLogged},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(&fakeAWS{topic: tc.topic, outbox: tc.outbox})
				ev := someEvent(t)
				start := time.Now()
				got, err := publishOne(t.Context(), b.pub, ev)
				if err != nil || got != tc.want {
					t.Fatalf("Publish = %q, %v, want %q", got, err, tc.want)
				}
				if took := time.Since(start); took != tc.took {
					t.Errorf("took %v, want %v", took, tc.took)
				}
				if len(b.aws.messages) != tc.onTopic || len(b.aws.queued) != tc.queued {
					t.Errorf("%d on the topic and %d queued, want %d and %d", len(b.aws.messages), len(b.aws.queued), tc.onTopic, tc.queued)
				}
				sameBytes(t, b.bodies(t), ev)
				if got := b.out.String(); (tc.metric == "") != (got == "") || !strings.Contains(got, tc.metric) {
					t.Errorf("metric line %q, want one of %q", got, tc.metric)
				}
				if tc.want == publish.Published && b.log.Len() > 0 {
					t.Errorf("a plain publish wrote to the log: %s", b.log)
				}
			})
		})
	}
}

func sameBytes(t *testing.T, bodies []string, ev event.Event) {
	t.Helper()
	want, err := contracts.Encode(ev)
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	if len(bodies) == 0 {
		t.Error("the event went nowhere")
	}
	for _, body := range bodies {
		if body != string(want) {
			t.Errorf("sent %s\nwant %s", body, want)
		}
	}
}

func TestPublishGoesOnWhenTheCallerHasGivenUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := newBench(&fakeAWS{topic: func(ctx context.Context, _ int) error { return ctx.Err() }})
	if got, err := publishOne(ctx, b.pub, someEvent(t)); err != nil || got != publish.Published {
		t.Errorf("Publish = %q, %v", got, err)
	}
}

// An event is joined to the run that published it, and keeps a trace that it has.
func TestPublishAddsTheTrace(t *testing.T) {
	t.Parallel()
	const of = "00-67891233abcdef012345678912345678-53995c3f42cd8ad8-01"
	const own = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00"
	for name, tc := range map[string]struct{ header, own, want string }{
		"of_the_run": {trace, "", of},
		"its_own":    {trace, own, own},
		"none":       {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, ev := newBench(&fakeAWS{topic: refuse}), someEvent(t)
			if tc.own != "" {
				ev.SetExtension(contracts.TraceParentExtension, tc.own)
			}
			before := ev.String()
			//nolint:revive,staticcheck // aws-lambda-go uses this plain string as the key.
			ctx := context.WithValue(t.Context(), "x-amzn-trace-id", tc.header)
			if got, err := publishOne(ctx, b.pub, ev); err != nil || got != publish.FellBack {
				t.Fatalf("Publish = %q, %v", got, err)
			}
			bodies := b.bodies(t)
			sent, err := contracts.Decode([]byte(bodies[0]))
			if err != nil {
				t.Fatalf("contracts.Decode: %v", err)
			}
			got, _ := sent.Extensions()[contracts.TraceParentExtension].(string)
			if got != tc.want || sent.ID() != ev.ID() || slices.ContainsFunc(bodies, func(body string) bool { return body != bodies[0] }) {
				t.Errorf("traceparent %q, want %q, in %q", got, tc.want, bodies)
			}
			if ev.String() != before {
				t.Error("the caller's event has changed")
			}
		})
	}
}

func TestPublishRefusesAnEmptyEvent(t *testing.T) {
	t.Parallel()
	b := newBench(&fakeAWS{})
	if _, err := b.pub.Publish(t.Context(), event.New()); err == nil {
		t.Error("no error for an empty event")
	}
	if len(b.aws.messages)+len(b.aws.queued) > 0 {
		t.Error("an empty event was sent")
	}
}

func TestTopicMessageCarriesAttributes(t *testing.T) {
	t.Parallel()
	b := newBench(&fakeAWS{})
	ev := someEvent(t)
	if _, err := b.pub.Publish(t.Context(), ev); err != nil {
		t.Fatalf("Publish: %v", err)
	}
	want := &sns.PublishInput{TopicArn: aws.String(topicARN), Message: &b.bodies(t)[0], MessageAttributes: map[string]types.MessageAttributeValue{
		"type":     {DataType: aws.String("String"), StringValue: aws.String(ev.Type())},
		"clientid": {DataType: aws.String("String"), StringValue: aws.String("client")},
	}}
	ignore := cmpopts.IgnoreUnexported(sns.PublishInput{}, types.MessageAttributeValue{})
	if diff := cmp.Diff([]*sns.PublishInput{want}, b.aws.messages, ignore); diff != "" {
		t.Error(diff)
	}
}

// TestAnswersWithoutAMessageID: what SNS and SQS did not confirm was not accepted.
func TestAnswersWithoutAMessageID(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		topicID, outboxID *string
		want              publish.Outcome
	}{
		"both_confirm":   {aws.String("1"), aws.String("1"), publish.Published},
		"outbox_only":    {nil, aws.String("1"), publish.FellBack},
		"empty_at_topic": {aws.String(""), aws.String("1"), publish.FellBack},
		"none":           {nil, nil, publish.Logged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(&fakeAWS{})
			b.pub.Topic, b.pub.Outbox = topicAnswer{tc.topicID}, outboxAnswer{tc.outboxID}
			if got, err := publishOne(t.Context(), b.pub, someEvent(t)); err != nil || got != tc.want {
				t.Errorf("Publish = %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

type topicAnswer struct{ id *string }

func (a topicAnswer) Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return &sns.PublishOutput{MessageId: a.id}, nil
}

type outboxAnswer struct{ id *string }

func (a outboxAnswer) SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return &sqs.SendMessageOutput{MessageId: a.id}, nil
}

// TestLinesHoldNothingPersonal: AWS quotes the request in some of its errors.
func TestLinesHoldNothingPersonal(t *testing.T) {
	t.Parallel()
	leak := func(context.Context, int) error {
		return errors.New("x-amz-security-token:SECRET for erika@example.org from 192.0.2.7")
	}
	for name, outbox := range map[string]way{"outbox": nil, "logged": leak} {
		b := newBench(&fakeAWS{topic: leak, outbox: outbox})
		if _, err := b.pub.Publish(t.Context(), someEvent(t)); err != nil {
			t.Fatalf("Publish: %v", err)
		}
		all := b.log.String() + b.out.String()
		for _, word := range []string{"SECRET", "erika", "192.0.2.7"} {
			if strings.Contains(all, word) {
				t.Errorf("%s: %q in\n%s", name, word, all)
			}
		}
	}
}

func TestMetricThatCannotBeWrittenIsLogged(t *testing.T) {
	t.Parallel()
	b := newBench(&fakeAWS{topic: refuse})
	b.pub.Out = brokenWriter{}
	if got, err := publishOne(t.Context(), b.pub, someEvent(t)); err != nil || got != publish.FellBack {
		t.Errorf("Publish = %q, %v", got, err)
	}
	if !strings.Contains(b.log.String(), "metric not written") {
		t.Errorf("log: %s", b.log)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }
