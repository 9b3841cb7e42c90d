package drain_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/services/user-events/internal/drain"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
)

// topic keeps what it took; act decides what happens to each message.
type topic struct {
	mu    sync.Mutex
	taken []*sns.PublishInput
	act   func(ctx context.Context, message string) error
}

func (p *topic) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	if p.act != nil {
		if err := p.act(ctx, *in.Message); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = append(p.taken, in)
	return &sns.PublishOutput{}, nil
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
	for name, tc := range map[string]struct {
		act     func(context.Context, string) error
		want    []string
		drained float64
	}{
		"one_refused": {func(_ context.Context, m string) error {
			if m == two {
				return errors.New("throttled")
			}
			return nil
		}, []string{"m1", "m2"}, 1},
		"topic_hangs": {func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }, []string{"m0", "m1", "m2"}, 0},
		"panic":       {func(context.Context, string) error { panic("odd") }, []string{"m0", "m1", "m2"}, 0},
		"only_poison": {nil, []string{"m1"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed, sums := handle(t, &topic{act: tc.act}, one, "{poison", two)
			if diff := cmp.Diff(tc.want, failed); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			if sums[metrics.EventsDrained] != tc.drained {
				t.Errorf("EventsDrained = %v, want %v", sums[metrics.EventsDrained], tc.drained)
			}
		})
	}
}

// TestHandle_takes_one_call holds the README's table of capacities to the code.
func TestHandle_takes_one_call(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const batch, call = 10, 5 * time.Millisecond
		p := &topic{act: func(context.Context, string) error { <-time.After(call); return nil }}
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
		Topic: &topic{act: func(context.Context, string) error { return errors.New("InvalidParameter") }}, Environment: "test",
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
