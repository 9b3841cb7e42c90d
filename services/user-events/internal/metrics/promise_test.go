package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
)

// However events are repeated, ordered, cut into batches and throttled, each
// counts once.
func TestHandle_counts_distinct_events(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		distinct := 1 + rng.IntN(20)
		var pending []string
		for range distinct {
			body := queuetest.Body(t, queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act())))
			for range 1 + rng.IntN(4) {
				pending = append(pending, body)
			}
		}
		var mu sync.Mutex // claims are made side by side
		table := &memoryTable{Fail: func(string) error {
			mu.Lock()
			defer mu.Unlock()
			if rng.IntN(4) == 0 {
				return errors.New("throttled")
			}
			return nil
		}}
		var out strings.Builder
		counter := newCounter(table, &out)
		for len(pending) > 0 {
			rng.Shuffle(len(pending), func(i, j int) { pending[i], pending[j] = pending[j], pending[i] })
			pending = deliver(t, counter, pending, 1+rng.IntN(10))
		}
		if got := queuetest.Sums(t, out.String())[metrics.PasswordsReset]; got != float64(distinct) {
			t.Fatalf("seed %d: counted %v, want %d", seed, got, distinct)
		}
	}
}

// deliver sends the next n messages and returns what is left, the failed ones included.
func deliver(t *testing.T, counter *metrics.Counter, pending []string, n int) []string {
	t.Helper()
	n = min(n, len(pending))
	in := queuetest.Batch(pending[:n]...)
	out, err := counter.Handle(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	left := pending[n:]
	for _, id := range queuetest.Failed(out) {
		for _, m := range in.Records {
			if m.MessageId == id {
				left = append(left, m.Body)
			}
		}
	}
	return left
}

// dying claims like the ledger and then takes the process with it.
type dying struct{ metrics.Claimer }

func (d dying) Claim(ctx context.Context, ev event.Event, now time.Time) (bool, error) {
	if _, err := d.Claimer.Claim(ctx, ev, now); err != nil {
		return false, err
	}
	return false, errors.New("the process ends here")
}

// The window that the README names: an event that was claimed by a function that
// died before it wrote its metrics is in no metric, and never in two.
func TestHandle_crash_between_claim_and_count(t *testing.T) {
	t.Parallel()
	body := queuetest.Body(t, queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act())))
	var out strings.Builder
	counter := newCounter(&memoryTable{}, &out)
	alive := counter.Ledger
	counter.Ledger = dying{alive}
	if got, err := counter.Handle(t.Context(), queuetest.Batch(body)); err != nil || len(got.BatchItemFailures) != 1 {
		t.Fatalf("Handle = %v, %v; want the message to come again", got, err)
	}
	counter.Ledger = alive
	if got, err := counter.Handle(t.Context(), queuetest.Batch(body)); err != nil || len(got.BatchItemFailures) != 0 {
		t.Fatalf("Handle = %v, %v", got, err)
	}
	if n := queuetest.Sums(t, out.String())[metrics.PasswordsReset]; n != 0 {
		t.Errorf("PasswordsReset = %v, want 0", n)
	}
}

// slow takes its time, and no longer than the caller has.
type slow struct{ metrics.Claimer }

func (s slow) Claim(ctx context.Context, ev event.Event, now time.Time) (bool, error) {
	select {
	case <-time.After(3 * time.Second):
		return s.Claimer.Claim(ctx, ev, now)
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// A slow ledger must not keep the function until Lambda ends it: what was claimed
// is counted, and the rest comes again.
func TestHandle_counts_before_its_time_is_over(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const events, inTime = 3 * consume.Parallel, 2 * consume.Parallel
		var bodies []string
		for range events {
			bodies = append(bodies, queuetest.Body(t, queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))))
		}
		var out strings.Builder
		counter := newCounter(&memoryTable{}, &out)
		counter.Ledger = slow{counter.Ledger}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		got, err := counter.Handle(ctx, queuetest.Batch(bodies...))
		if err != nil || ctx.Err() != nil {
			t.Fatalf("Handle: %v; the invocation: %v", err, ctx.Err())
		}
		counted := queuetest.Sums(t, out.String())[metrics.PasswordsReset]
		if failed := len(got.BatchItemFailures); counted != inTime || failed != events-inTime {
			t.Errorf("%v counted and %d to come again, want %d and %d", counted, failed, inTime, events-inTime)
		}
	})
}

// TestHandle_takes_five_calls holds the README's table of capacities to the code.
func TestHandle_takes_five_calls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const batch, call = 50, 5 * time.Millisecond
		var bodies []string
		for range batch {
			bodies = append(bodies, queuetest.Body(t, queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))))
		}
		var out strings.Builder
		counter := newCounter(&memoryTable{Fail: func(string) error { <-time.After(call); return nil }}, &out)
		start := time.Now()
		got, err := counter.Handle(t.Context(), queuetest.Batch(bodies...))
		if took := time.Since(start); err != nil || len(got.BatchItemFailures) != 0 || took != batch/consume.Parallel*call {
			t.Errorf("%d failed, %v; took %v, want %v", len(got.BatchItemFailures), err, took, batch/consume.Parallel*call)
		}
	})
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestHandle_unwritten_metrics_are_logged(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	counter := &metrics.Counter{
		Ledger: &metrics.Ledger{Table: &memoryTable{}, Name: "ledger"}, Users: &accounts{}, Budget: &accounts{}, Out: brokenPipe{},
		Log: slog.New(slog.NewTextHandler(&log, nil)), Now: queuetest.Time,
	}
	body := queuetest.Body(t, queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act())))
	if _, err := counter.Handle(t.Context(), queuetest.Batch(body)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "metrics not written") || !strings.Contains(log.String(), "events=1") {
		t.Errorf("log: %s", log.String())
	}
}
