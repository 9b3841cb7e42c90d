package demo

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

func TestMetric(t *testing.T) {
	t.Parallel()
	s := &story{metrics: actors.NewMeter(&fakeStatistics{answers: [][]float64{{2}, {2}, {2, 1}}}, "local", time.Now()), limit: soon}
	got, err := s.metric(t.Context(), "SignInsAttempted", 2)
	if err != nil || got != 3 {
		t.Errorf("got %g, %v; want 3", got, err)
	}
	s.limit = time.Millisecond
	if _, err := s.metric(t.Context(), "SignInsAttempted", 3); err == nil || !strings.Contains(err.Error(), "metric SignInsAttempted did not come within 1ms") {
		t.Errorf("a metric that stays the same: %v", err)
	}
}

func TestRow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		table fakeTable
		sub   string
		want  string
		err   string
	}{
		"at_once":     {table: fakeTable{rows: map[string][]string{"user#s": {"0", "1"}}}, sub: "s", want: "user#s"},
		"later":       {table: fakeTable{rows: map[string][]string{"user#s": {"1"}}, after: 2}, sub: "s", want: "user#s"},
		"no_subject":  {table: fakeTable{rows: map[string][]string{"none#us-east-1_Test#2026-11-22": {"1"}}}, want: "none#us-east-1_Test#2026-11-22"},
		"other_event": {table: fakeTable{rows: map[string][]string{"user#s": {"2"}}}, sub: "s", err: "the audit row of gatehouse.user.signin.attempted.v1 did not come"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limit := soon
			if tt.err != "" {
				limit = time.Millisecond
			}
			s := &story{trail: &actors.Trail{Table: &tt.table, Name: "t"}, limit: limit}
			got, err := s.row(t.Context(), attempted(t, "1", tt.sub))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || got.Partition != tt.want || got.ID != "1" {
				t.Errorf("got %+v, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestEvent(t *testing.T) {
	t.Parallel()
	erika := &actors.Person{Email: "erika@example.net", Sub: "sub-1"}
	e := effect{event: contracts.TypeSigninAttempted, of: ofPerson}
	s := &story{inbox: &actors.Inbox{}, cast: &cast{person: erika}, limit: soon}
	for _, ev := range []event.Event{attempted(t, "other", "sub-2"), attempted(t, "one", "sub-1"), attempted(t, "two", "sub-1")} {
		s.inbox.Keep(actors.Arrival{Event: ev})
	}
	for _, want := range []string{"one", "two"} {
		got, err := s.event(t.Context(), e)
		if err != nil || got.ID() != want {
			t.Fatalf("event %q, %v; want %q", got.ID(), err, want)
		}
		s.results = append(s.results, result{event: got})
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.event(cancelled, e); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	s.limit = time.Millisecond
	if _, err := s.event(t.Context(), e); err == nil || !strings.Contains(err.Error(), "did not come within 1ms") {
		t.Errorf("no third event: %v", err)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newPrinter(&out)
	p.summary([]result{
		{act: "refused", event: rejected(t, "11111111-aaaa", "mailinator.com"), metric: "SignUpsRejected", was: 4, is: 5, row: actors.Row{Time: "10:00"}},
		{act: "sign-in", event: attempted(t, "22222222-bbbb", "s"), metric: "SignInsAttempted", was: 0, is: 2, row: actors.Row{Time: "10:01"}},
	})
	want := "\nSummary\n" +
		"  ACT      EVENT                     ID        METRIC               AUDIT ROW\n" +
		"  refused  user.signup.rejected.v1   11111111  SignUpsRejected +1   10:00\n" +
		"  sign-in  user.signin.attempted.v1  22222222  SignInsAttempted +2  10:01\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}
