package demo

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
)

func anyEvent(event.Event) bool { return true }

func TestTake(t *testing.T) {
	t.Parallel()
	erika := &person{email: "erika@example.net", sub: "sub-1"}
	q := &fakeQueue{answers: [][]string{
		{body(t, attempted(t, "other", "sub-2")), body(t, attempted(t, "one", "sub-1"))},
		nil,
		{body(t, attempted(t, "one", "sub-1")), body(t, attempted(t, "two", "sub-1"))},
	}}
	in := &inbox{queue: q, seen: map[string]bool{}}

	for _, want := range []string{"one", "two"} {
		got, err := in.take(t.Context(), soon, "an attempt", erika.caused)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID() != want {
			t.Errorf("took %q, want %q", got.ID(), want)
		}
	}
	if q.deleted != 4 {
		t.Errorf("deleted %d messages, want 4", q.deleted)
	}
	if len(in.waiting) != 1 || in.waiting[0].ID() != "other" {
		t.Errorf("somebody else's event is gone: %v", in.waiting)
	}
}

func TestTakeEnds(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx     context.Context //nolint:containedctx // a test table
		answers [][]string
		want    string
	}{
		"nothing_comes": {ctx: t.Context(), want: "an event did not come within 1ms"},
		"interrupted":   {ctx: cancelled, want: context.Canceled.Error()},
		"not_an_event":  {ctx: t.Context(), answers: [][]string{{"{}"}}, want: "contracts.Decode"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &inbox{queue: &fakeQueue{answers: tt.answers}, seen: map[string]bool{}}
			_, err := in.take(tt.ctx, time.Millisecond, "an event", anyEvent)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCaused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		who  person
		ev   event.Event
		want bool
	}{
		"by_domain":        {person{email: "e@mailinator.com"}, rejected(t, "1", "mailinator.com"), true},
		"other_domain":     {person{email: "e@mailinator.com"}, rejected(t, "1", "example.net"), false},
		"by_sub":           {person{email: "e@example.net", sub: "s"}, attempted(t, "1", "s"), true},
		"other_sub":        {person{email: "e@example.net", sub: "s"}, attempted(t, "1", "z"), false},
		"no_sub_on_either": {person{email: "e@example.net"}, attempted(t, "1", ""), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.who.caused(tt.ev); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPollStopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	asked := 0
	err := poll(t.Context(), soon, "it", func(context.Context) (bool, error) { asked++; return false, broken })
	if !errors.Is(err, broken) || asked != 1 {
		t.Errorf("got %v after %d questions", err, asked)
	}
}
