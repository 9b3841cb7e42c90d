package drain_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/services/user-events/internal/drain"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
)

// topic keeps what it took and, like SNS, answers entry by entry.
type topic struct {
	mu       sync.Mutex
	taken    []types.PublishBatchRequestEntry
	requests int
	// answer is the error of a request, refuse the code of an entry that fails.
	answer func(ctx context.Context, in *sns.PublishBatchInput) error
	refuse func(message string) (code string)
	// silent makes it answer without the ids of messages.
	silent bool
}

func (p *topic) PublishBatch(ctx context.Context, in *sns.PublishBatchInput, _ ...func(*sns.Options)) (*sns.PublishBatchOutput, error) {
	p.mu.Lock()
	p.requests++
	p.mu.Unlock()
	if err := tooMuch(in); err != nil {
		return nil, err
	}
	if p.answer != nil {
		if err := p.answer(ctx, in); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := &sns.PublishBatchOutput{}
	for _, e := range in.PublishBatchRequestEntries {
		if p.refuse != nil && p.refuse(*e.Message) != "" {
			// First, so that the order of the answers is not that of the entries.
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String(p.refuse(*e.Message)), Message: aws.String(*e.Message)})
			continue
		}
		p.taken = append(p.taken, e)
		done := types.PublishBatchResultEntry{Id: e.Id, MessageId: aws.String("id")}
		if p.silent {
			done.MessageId = nil
		}
		out.Successful = slices.Insert(out.Successful, 0, done)
	}
	return out, nil
}

// tooMuch is SNS's answer to a request that is larger than it takes, or whose entries have
// no ids of their own.
func tooMuch(in *sns.PublishBatchInput) error {
	bytes, ids := 0, map[string]bool{}
	for _, e := range in.PublishBatchRequestEntries {
		bytes += len(*e.Message)
		for name, value := range e.MessageAttributes {
			bytes += len(name) + len(*value.DataType) + len(*value.StringValue)
		}
		ids[*e.Id] = true
	}
	switch n := len(in.PublishBatchRequestEntries); {
	case n == 0:
		return &types.EmptyBatchRequestException{}
	case n > 10:
		return &types.TooManyEntriesInBatchRequestException{}
	case bytes > 256<<10:
		return &types.BatchRequestTooLongException{}
	case len(ids) < n:
		return &types.BatchEntryIdsNotDistinctException{}
	}
	return nil
}

func handle(t *testing.T, p *topic, bodies ...string) ([]string, map[string]float64) {
	t.Helper()
	var metricLines strings.Builder
	d := &drain.Drain{
		Topic: p, TopicARN: "arn:aws:sns:eu-central-1:111122223333:topic", Environment: "test",
		Out: &metricLines, Log: slog.New(slog.DiscardHandler), Now: queuetest.Time,
	}
	out, err := d.Handle(t.Context(), queuetest.Batch(bodies...))
	if err != nil {
		t.Fatal(err)
	}
	return queuetest.Failed(out), queuetest.Sums(t, metricLines.String())
}

func TestHandle_publishes_the_same_bytes(t *testing.T) {
	t.Parallel()
	ev := queuetest.Must(t)(contracts.NewSigninSucceeded(queuetest.Act(), contracts.SigninSucceeded{}))
	// A blank more than Encode writes: decoded and encoded again it would be gone.
	body := strings.Replace(queuetest.Body(t, ev), "{", "{ ", 1)
	p := &topic{}
	failed, sums := handle(t, p, body)
	if len(failed) != 0 || len(p.taken) != 1 || *p.taken[0].Message != body {
		t.Fatalf("failed %v, published %d", failed, len(p.taken))
	}
	attrs := map[string]string{}
	for name, v := range p.taken[0].MessageAttributes {
		attrs[name] = *v.StringValue
	}
	if diff := cmp.Diff(contracts.Attributes(ev), attrs); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if sums[metrics.EventsDrained] != 1 {
		t.Errorf("EventsDrained = %v, want 1", sums[metrics.EventsDrained])
	}
}

func TestHandle_failures(t *testing.T) {
	t.Parallel()
	one := queuetest.Body(t, queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act())))
	two := queuetest.Body(t, queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act())))
	always := func(err error) func(context.Context, *sns.PublishBatchInput) error {
		return func(context.Context, *sns.PublishBatchInput) error { return err }
	}
	all := []string{"m0", "m1", "m2"}
	for name, tc := range map[string]struct {
		topic    *topic
		want     []string
		requests int
	}{
		"one_entry_refused": {&topic{refuse: func(m string) string {
			if m == two {
				return "KMSThrottling"
			}
			return ""
		}}, []string{"m1", "m2"}, 1},
		"all_entries_refused": {&topic{refuse: func(string) string { return "InternalError" }}, all, 1},
		"topic_hangs":         {&topic{answer: func(ctx context.Context, _ *sns.PublishBatchInput) error { <-ctx.Done(); return ctx.Err() }}, all, 1},
		"topic_down":          {&topic{answer: always(&types.InternalErrorException{})}, all, 1},
		"key_disabled":        {&topic{answer: always(&types.KMSDisabledException{})}, all, 1},
		"not_acknowledged":    {&topic{silent: true}, all, 1},
		"panic":               {&topic{answer: func(context.Context, *sns.PublishBatchInput) error { panic("odd") }}, all, 1},
		"only_poison":         {&topic{}, []string{"m1"}, 1},
		// A request that is refused for one of its events: the others must not wait for it.
		"refused_for_one": {&topic{answer: func(_ context.Context, in *sns.PublishBatchInput) error {
			for _, e := range in.PublishBatchRequestEntries {
				if *e.Message == two {
					return &types.InvalidParameterException{}
				}
			}
			return nil
		}}, []string{"m1", "m2"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed, sums := handle(t, tc.topic, one, "{poison", two)
			if diff := cmp.Diff(tc.want, failed); diff != "" || tc.topic.requests != tc.requests {
				t.Errorf("%d requests, want %d; failed (-want +got):\n%s", tc.topic.requests, tc.requests, diff)
			}
			if want := float64(3 - len(tc.want)); sums[metrics.EventsDrained] != want {
				t.Errorf("EventsDrained = %v, want %v", sums[metrics.EventsDrained], want)
			}
		})
	}
}

// What SNS says about an event is in the log, by its code: its texts can quote the event.
func TestHandle_says_why(t *testing.T) {
	t.Parallel()
	body := queuetest.Body(t, queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act())))
	for name, tc := range map[string]struct {
		topic *topic
		want  string
	}{
		"entry": {&topic{refuse: func(string) string { return "Invalid{Parameter" }}, "sns.PublishBatch: InvalidParameter"},
		"request": {&topic{answer: func(context.Context, *sns.PublishBatchInput) error {
			return &types.KMSDisabledException{Message: &body}
		}}, "sns.PublishBatch: KMSDisabled"},
		"not_acknowledged": {&topic{silent: true}, "sns.PublishBatch: the topic did not acknowledge the event"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			d := &drain.Drain{Topic: tc.topic, Environment: "test", Out: io.Discard, Log: slog.New(slog.NewJSONHandler(&log, nil)), Now: queuetest.Time}
			if _, err := d.Handle(t.Context(), queuetest.Batch(body)); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), `"error":"`+tc.want+`"`) || strings.Contains(log.String(), queuetest.Act().Subject) {
				t.Errorf("log %s, want %q", &log, tc.want)
			}
		})
	}
}

func TestHandle_splits_what_is_too_much_for_one_request(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ events, padding, client, requests int }{
		"twenty_one_small": {21, 0, 0, 3},
		"ten_large":        {10, 55 << 10, 0, 3},
		"large_attributes": {10, 0, 55 << 10, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bodies []string
			for range tc.events {
				ev := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
				ev.SetExtension("padding", strings.Repeat("x", tc.padding))
				ev.SetExtension(contracts.ClientIDExtension, strings.Repeat("c", tc.client))
				bodies = append(bodies, queuetest.Body(t, ev))
			}
			p := &topic{}
			if failed, sums := handle(t, p, bodies...); len(failed) != 0 || sums[metrics.EventsDrained] != float64(tc.events) {
				t.Fatalf("failed: %v, sums %v", failed, sums)
			}
			var got []string
			for _, e := range p.taken {
				got = append(got, *e.Message)
			}
			if diff := cmp.Diff(bodies, got); diff != "" || p.requests != tc.requests {
				t.Errorf("%d requests, want %d; messages (-want +got):\n%s", p.requests, tc.requests, diff)
			}
		})
	}
}

// The invocation ends in time to say which events failed, however many requests time out.
func TestHandle_leaves_time_to_answer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const timeout = 10 * time.Second // the template's
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		ev := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
		ev.SetExtension(contracts.ClientIDExtension, strings.Repeat("c", 60<<10))
		bodies := slices.Repeat([]string{queuetest.Body(t, ev)}, 100)
		d := &drain.Drain{
			Topic:       &topic{answer: func(ctx context.Context, _ *sns.PublishBatchInput) error { <-ctx.Done(); return ctx.Err() }},
			Environment: "test", Out: io.Discard, Log: slog.New(slog.DiscardHandler), Now: queuetest.Time,
		}
		start := time.Now()
		out, err := d.Handle(ctx, queuetest.Batch(bodies...))
		if took := time.Since(start); err != nil || len(out.BatchItemFailures) != len(bodies) || took > timeout-3*time.Second {
			t.Errorf("%d of %d failed, took %v, %v", len(out.BatchItemFailures), len(bodies), took, err)
		}
	})
}

// TestHandle_takes_one_call holds the README's table of capacities to the code.
func TestHandle_takes_one_call(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const batch, call = 10, 5 * time.Millisecond
		p := &topic{answer: func(context.Context, *sns.PublishBatchInput) error { <-time.After(call); return nil }}
		var bodies []string
		for range batch {
			bodies = append(bodies, queuetest.Body(t, queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))))
		}
		start := time.Now()
		if failed, _ := handle(t, p, bodies...); len(failed) != 0 || len(p.taken) != batch || time.Since(start) != call {
			t.Errorf("failed %v, published %d, took %v, want %v", failed, len(p.taken), time.Since(start), call)
		}
	})
}

// What the topic refuses stays in the outbox, whatever the reason: only what is not an
// event is moved.
func TestHandle_moves_poison(t *testing.T) {
	t.Parallel()
	letters := &queuetest.Letters{}
	d := &drain.Drain{
		Topic: &topic{refuse: func(string) string { return "InvalidParameter" }}, Environment: "test",
		Dead: letters.DeadLetters(), Out: io.Discard, Log: slog.New(slog.DiscardHandler), Now: queuetest.Time,
	}
	good := queuetest.Body(t, queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act())))
	out, err := d.Handle(t.Context(), queuetest.Batch(good, "poison"))
	if diff := cmp.Diff([]string{"m0"}, queuetest.Failed(out)); err != nil || diff != "" {
		t.Errorf("Handle: %v; failed (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"not_an_event"}, letters.Reasons()); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
}
