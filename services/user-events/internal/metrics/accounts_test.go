package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
)

// accounts are the users and the budgets in memory. No client may have a token.
type accounts struct {
	mu    sync.Mutex
	calls []string
	err   error
	// signedUp is when every user signed up; zero means that the pool has no user.
	signedUp time.Time
}

func (a *accounts) SignedUp(_ context.Context, pool, sub string) (time.Time, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, "signed up "+pool+" "+sub)
	return a.signedUp, a.err
}

func (a *accounts) Remember(_ context.Context, pool, sub string, synthetic bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, pool+" "+sub+" "+strconv.FormatBool(synthetic))
	return a.err
}

func (a *accounts) Over(_ context.Context, client string, hour time.Time, n int) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, client+" "+hour.Format(time.RFC3339)+" "+strconv.Itoa(n))
	return n, a.err
}

// New users are remembered, with their mark, before they are claimed.
func TestUsersAreRemembered(t *testing.T) {
	t.Parallel()
	act, must := queuetest.Act(), queuetest.Must(t)
	person := queuetest.Body(t, must(contracts.NewUserCreated(act, contracts.UserCreated{Via: contracts.ViaSignup})))
	act.Subject, act.Synthetic = "canary", true
	canary := queuetest.Body(t, must(contracts.NewUserCreated(act, contracts.UserCreated{Via: contracts.ViaSignup})))
	reset := queuetest.Body(t, must(contracts.NewPasswordReset(act)))
	var out strings.Builder
	table, users := &memoryTable{}, &accounts{err: errors.New("no")}
	c := newCounter(table, &out)
	c.Users = users
	got, err := c.Handle(t.Context(), queuetest.Batch(person, canary, reset))
	if failed := queuetest.Failed(got); err != nil || cmp.Diff([]string{"m0", "m1"}, failed) != "" || table.Rows() != 1 {
		t.Errorf("failed %v, %v, %d rows: want nothing claimed of what is not remembered", failed, err, table.Rows())
	}
	users.err, users.calls = nil, nil
	got, err = c.Handle(t.Context(), queuetest.Batch(person, canary))
	if err != nil || len(got.BatchItemFailures) > 0 || table.Rows() != 3 {
		t.Errorf("%v, %v, %d rows", got, err, table.Rows())
	}
	slices.Sort(users.calls)
	want := []string{
		"eu-central-1_Example01 7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a false", "eu-central-1_Example01 canary true",
		"signed up eu-central-1_Example01 7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a",
	}
	if diff := cmp.Diff(want, users.calls); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
}

// The tokens of a batch count by client and hour of the record, each once.
func TestTokensCountTowardsTheirHour(t *testing.T) {
	t.Parallel()
	must := queuetest.Must(t)
	token := func(id, client string, at time.Time) string {
		return queuetest.Body(t, must(contracts.NewTokenIssued(contracts.Act{ID: id, PoolARN: queuetest.Pool, ClientID: client, Time: at})))
	}
	noon := queuetest.Time()
	bodies := []string{
		token("1", "a", noon), token("2", "a", noon.Add(time.Hour-time.Second)), token("3", "a", noon.Add(time.Hour)), token("4", "b", noon), token("1", "a", noon),
	}
	var out, log strings.Builder
	c, budget := newCounter(&memoryTable{}, &out), &accounts{}
	c.Budget, c.Log = budget, slog.New(slog.NewTextHandler(&log, nil))
	if _, err := c.Handle(t.Context(), queuetest.Batch(bodies...)); err != nil {
		t.Fatal(err)
	}
	slices.Sort(budget.calls)
	want := []string{"a 2026-11-22T12:00:00Z 2", "a 2026-11-22T13:00:00Z 1", "b 2026-11-22T12:00:00Z 1"}
	if diff := cmp.Diff(want, budget.calls); diff != "" || queuetest.Sums(t, out.String())[metrics.ClientTokensOverBudget] != 4 {
		t.Errorf("%v (-want +got):\n%s", queuetest.Sums(t, out.String())[metrics.ClientTokensOverBudget], diff)
	}
	budget.err = errors.New("no")
	got, err := c.Handle(t.Context(), queuetest.Batch(token("5", "a", noon)))
	if err != nil || len(got.BatchItemFailures) > 0 || !strings.Contains(log.String(), "tokens=1") {
		t.Errorf("%v, %v\n%s", got, err, &log)
	}
}

func TestTokenBudget(t *testing.T) {
	t.Parallel()
	table := &queuetest.Counts{}
	b := &metrics.TokenBudget{Counts: &metrics.Counts{Table: table, Name: "ledger", Process: "one"}, PerHour: 10, Now: queuetest.Time}
	for _, step := range []struct{ n, over int }{{4, 0}, {6, 0}, {3, 3}, {5, 5}} {
		if over, err := b.Over(t.Context(), "a", queuetest.Time(), step.n); err != nil || over != step.over {
			t.Errorf("%d more: %d, %v; want %d", step.n, over, err, step.over)
		}
	}
	if over, err := b.Over(t.Context(), "a", queuetest.Time().Add(time.Hour), 12); err != nil || over != 2 {
		t.Errorf("next hour: %d, %v", over, err)
	}
	if over, err := b.Over(t.Context(), "b", queuetest.Time(), 10); err != nil || over != 0 {
		t.Errorf("another client: %d, %v", over, err)
	}
	want := []string{"tokens#a#2026-11-22T12Z", "tokens#a#2026-11-22T13Z", "tokens#b#2026-11-22T12Z"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(table.Rows))); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if kept := time.Unix(table.Rows[want[0]]["expires"], 0).Sub(queuetest.Time()); kept != 48*time.Hour {
		t.Errorf("a row is kept for %v", kept)
	}
	table.Err = errors.New("no")
	if over, err := b.Over(t.Context(), "a", queuetest.Time(), 1); over != 0 || err == nil {
		t.Errorf("%d, %v", over, err)
	}
}
