package clientevents_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gatehouse.example/services/user-events/internal/clientevents"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
)

func TestTake(t *testing.T) {
	t.Parallel()
	now := queuetest.Time()
	// The SDK repeats each call: what it asks for counts once all the same.
	table := &queuetest.Counts{Repeat: 1}
	l := &clientevents.MinuteLimit{Counts: &metrics.Counts{Table: table, Name: "ledger", Process: "one"}, PerMinute: 15}
	for _, step := range []struct {
		name string
		who  string
		n    int
		at   time.Time
		want int
	}{
		{"room_for_all", "guest", 10, now, 10},
		{"room_for_some", "guest", 10, now.Add(59 * time.Second), 5},
		{"no_room", "guest", 1, now.Add(59 * time.Second), 0},
		{"others_are_not_held_up", "user", 15, now.Add(59 * time.Second), 15},
		{"next_minute", "guest", 10, now.Add(60 * time.Second), 10},
		{"more_than_a_minute_holds", "guest", 100, now.Add(120 * time.Second), 15},
	} {
		got, err := l.Take(t.Context(), step.who, step.n, step.at)
		if err != nil || got != step.want {
			t.Errorf("%s: Take = %d, %v, want %d", step.name, got, err, step.want)
		}
	}
	last := now.Add(120 * time.Second)
	if want, got := last.Add(time.Hour).Unix(), table.Rows[clientevents.Key("guest", last)]["expires"]; got != want {
		t.Errorf("the row expires at %d, want %d", got, want)
	}
}

func TestTake_errors(t *testing.T) {
	t.Parallel()
	l := &clientevents.MinuteLimit{Counts: &metrics.Counts{Table: &queuetest.Counts{Err: errors.New("row of ada@example.com")}}, PerMinute: 15}
	if n, err := l.Take(t.Context(), "guest", 5, queuetest.Time()); n != 0 || err == nil || strings.Contains(err.Error(), "ada@") {
		t.Errorf("Take = %d, %v", n, err)
	}
}
