package metrics_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/contracts"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
)

// TestAnAdditionIsMadeOnce: however often the answer is lost, and whoever repeats the call.
func TestAnAdditionIsMadeOnce(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]*queuetest.Counts{
		"answered":                 {},
		"the_sdk_repeats":          {Repeat: 2},
		"a_lost_answer":            {Lost: 1},
		"a_lost_answer_and_repeat": {Lost: 1, Repeat: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, other := &metrics.Counts{Table: table, Process: "one"}, &metrics.Counts{Table: table, Process: "other"}
			expires := queuetest.Time().Add(time.Hour)
			for i, step := range []struct {
				counts *metrics.Counts
				key    string
				n, sum int
			}{
				{one, "a", 3, 3}, {other, "a", 2, 5}, {one, "b", 1, 1}, {one, "a", 4, 9}, {other, "a", 1, 10},
			} {
				if got, err := step.counts.Add(t.Context(), step.key, step.n, expires); err != nil || got != step.sum {
					t.Errorf("step %d: Add = %d, %v; want %d", i, got, err, step.sum)
				}
			}
			if row := table.Rows["a"]; row["sum"] != 10 || row["expires"] != expires.Unix() {
				t.Errorf("row %v", row)
			}
		})
	}
}

// TestALateCallAddsNothing: one that arrives after a later one of its process.
func TestALateCallAddsNothing(t *testing.T) {
	t.Parallel()
	table := &queuetest.Counts{Rows: map[string]map[string]int64{"a": {"sum": 7, "process-one": 2}}}
	late := &metrics.Counts{Table: table, Process: "one"}
	if got, err := late.Add(t.Context(), "a", 3, queuetest.Time()); err != nil || got != 7 || table.Rows["a"]["sum"] != 7 {
		t.Errorf("Add = %d, %v; row %v", got, err, table.Rows["a"])
	}
}

func TestAdd_errors(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]*queuetest.Counts{
		"error": {Err: errors.New("erika@example.org")}, "text": {Odd: &types.AttributeValueMemberS{Value: "erika@example.org"}},
		"words": {Odd: &types.AttributeValueMemberN{Value: "erika@example.org"}}, "every_answer_is_lost": {Lost: 2},
	} {
		got, err := (&metrics.Counts{Table: table, Process: "one"}).Add(t.Context(), "a", 1, queuetest.Time())
		if got != 0 || err == nil || strings.Contains(err.Error(), "erika") {
			t.Errorf("%s: Add = %d, %v", name, got, err)
		}
	}
}

// TestRedeliveredTokensAreInTheBudgetOnce: the answer of the update is lost, and SQS delivers
// the batch again.
func TestRedeliveredTokensAreInTheBudgetOnce(t *testing.T) {
	t.Parallel()
	token := func(id string) string {
		act := queuetest.Act()
		act.ID, act.Subject = id, ""
		return queuetest.Body(t, queuetest.Must(t)(contracts.NewTokenIssued(act)))
	}
	batch := queuetest.Batch(token("1"), token("2"))
	for name, table := range map[string]*queuetest.Counts{
		"lost": {Lost: 1}, "lost_twice": {Lost: 2}, "repeated": {Repeat: 1}, "lost_and_repeated": {Lost: 2, Repeat: 1},
	} {
		var out strings.Builder
		c := newCounter(&memoryTable{}, &out)
		c.Budget = &metrics.TokenBudget{Counts: &metrics.Counts{Table: table, Process: "one"}, PerHour: 10, Now: queuetest.Time}
		for range 2 {
			if got, err := c.Handle(t.Context(), batch); err != nil || len(got.BatchItemFailures) > 0 {
				t.Fatalf("%s: %v, %v", name, got, err)
			}
		}
		key := metrics.HourKey(queuetest.Act().ClientID, queuetest.Time())
		if got := table.Rows[key]["sum"]; got != 2 {
			t.Errorf("%s: the budget has %d tokens, want 2", name, got)
		}
	}
}
