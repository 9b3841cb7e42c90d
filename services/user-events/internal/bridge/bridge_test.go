package bridge

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatehouse.example/contracts"
	"gatehouse.example/services/user-events/internal/queuetest"
)

// bus keeps what it took and, like EventBridge, answers entry by entry.
type bus struct {
	taken    []types.PutEventsRequestEntry
	requests int
	refuse   func(detail string) bool
	err      error
	silent   bool
	takes    time.Duration
}

func (b *bus) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	b.requests++
	<-time.After(b.takes)
	bytes := 0
	for _, e := range in.Entries {
		bytes += len(*e.Detail)
		if len(*e.DetailType) > 128 {
			return nil, errors.New("ValidationException")
		}
	}
	if len(in.Entries) == 0 || len(in.Entries) > 10 || bytes > 256<<10 {
		return nil, errors.New("ValidationException")
	}
	if b.err != nil {
		return nil, b.err
	}
	out := &eventbridge.PutEventsOutput{}
	if b.silent {
		return out, nil
	}
	for _, e := range in.Entries {
		if b.refuse != nil && b.refuse(*e.Detail) {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, types.PutEventsResultEntry{ErrorCode: aws.String("ThrottlingException")})
			continue
		}
		b.taken = append(b.taken, e)
		out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("1")})
	}
	return out, nil
}

func handle(t *testing.T, b *bus, bodies ...string) []string {
	t.Helper()
	app := &Bridge{Bus: b, BusName: "gatehouse-test-user-events", Log: slog.New(slog.DiscardHandler)}
	out, err := app.Handle(t.Context(), queuetest.Batch(bodies...))
	if err != nil {
		t.Fatal(err)
	}
	return queuetest.Failed(out)
}

func reset(t *testing.T) string {
	t.Helper()
	return queuetest.Body(t, queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act())))
}

func TestHandle_entry(t *testing.T) {
	t.Parallel()
	body, b := reset(t), &bus{}
	if failed := handle(t, b, body); len(failed) != 0 {
		t.Fatalf("failed: %v", failed)
	}
	want := []types.PutEventsRequestEntry{{
		EventBusName: aws.String("gatehouse-test-user-events"),
		Source:       aws.String(Source),
		DetailType:   aws.String(contracts.TypePasswordReset),
		Detail:       aws.String(body),
		Time:         aws.Time(queuetest.Time()),
		TraceHeader:  aws.String("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"),
	}}
	if diff := cmp.Diff(want, b.taken, cmpopts.IgnoreUnexported(types.PutEventsRequestEntry{})); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestHandle_failures(t *testing.T) {
	t.Parallel()
	bodies := []string{reset(t), "{poison", reset(t), reset(t)}
	for name, tc := range map[string]struct {
		bus  *bus
		want []string
	}{
		"one_entry_refused": {&bus{refuse: func(d string) bool { return d == bodies[2] }}, []string{"m1", "m2"}},
		"all_refused":       {&bus{refuse: func(string) bool { return true }}, []string{"m0", "m1", "m2", "m3"}},
		"request_fails":     {&bus{err: errors.New("down")}, []string{"m0", "m1", "m2", "m3"}},
		"answer_too_short":  {&bus{silent: true}, []string{"m0", "m1", "m2", "m3"}},
		"only_the_poison":   {&bus{}, []string{"m1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, handle(t, tc.bus, bodies...)); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHandle_long_type_fails_alone(t *testing.T) {
	t.Parallel()
	long := strings.Replace(reset(t), contracts.TypePasswordReset, strings.Repeat("x", 129), 1)
	edge := strings.Replace(reset(t), contracts.TypePasswordReset, strings.Repeat("x", 128), 1)
	b := &bus{}
	if diff := cmp.Diff([]string{"m1"}, handle(t, b, reset(t), long, edge)); diff != "" || len(b.taken) != 2 {
		t.Errorf("%d taken; failed (-want +got):\n%s", len(b.taken), diff)
	}
}

func TestHandle_splits_what_is_too_much_for_one_request(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ events, padding, requests int }{
		"twenty_one_small": {21, 0, 3},
		"ten_large":        {10, 55 << 10, 3},
		"one":              {1, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bodies []string
			for range tc.events {
				ev := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
				ev.SetExtension("padding", strings.Repeat("x", tc.padding))
				bodies = append(bodies, queuetest.Body(t, ev))
			}
			b := &bus{}
			if failed := handle(t, b, bodies...); len(failed) != 0 {
				t.Fatalf("failed: %v", failed)
			}
			if len(b.taken) != tc.events || b.requests != tc.requests {
				t.Errorf("%d entries in %d requests, want %d in %d", len(b.taken), b.requests, tc.events, tc.requests)
			}
			for i, e := range b.taken {
				if !slices.Contains(bodies, *e.Detail) || *e.Detail != bodies[i] {
					t.Errorf("entry %d is not message %d", i, i)
				}
			}
		})
	}
}

// TestHandle_takes_one_call holds the README's table of capacities to the code.
func TestHandle_takes_one_call(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const batch, call = 10, 5 * time.Millisecond
		b := &bus{takes: call}
		var bodies []string
		for range batch {
			bodies = append(bodies, reset(t))
		}
		start := time.Now()
		if failed := handle(t, b, bodies...); len(failed) != 0 || len(b.taken) != batch || time.Since(start) != call {
			t.Errorf("failed %v, taken %d, took %v, want %v", failed, len(b.taken), time.Since(start), call)
		}
	})
}

// A refusal by EventBridge may pass. A type that is too long never does.
func TestHandle_moves_poison(t *testing.T) {
	t.Parallel()
	long := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
	long.SetType(strings.Repeat("t", maxType+1))
	good := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
	letters, b := &queuetest.Letters{}, &bus{refuse: func(string) bool { return true }}
	app := &Bridge{Bus: b, BusName: "bus", Environment: "test", Dead: letters.DeadLetters(), Out: io.Discard, Log: slog.New(slog.DiscardHandler), Now: queuetest.Time}
	out, err := app.Handle(t.Context(), queuetest.Batch("poison", queuetest.Body(t, long), queuetest.Body(t, good)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"m2"}, queuetest.Failed(out)); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"not_an_event", "type_too_long"}, letters.Reasons()); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
}
