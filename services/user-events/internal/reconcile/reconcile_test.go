package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/parameters"
	"gatehouse.example/services/user-events/internal/queuetest"
	"gatehouse.example/services/user-events/internal/reconcile"
)

// long is before every first run of a test; a day is after the ages that count.
const day = 24 * time.Hour

// fill makes users, at every thousandth place, who were created years ago.
func (w *world) fill(n int) {
	w.pool.users = make([]user, n)
	created := time.Now().Add(-1000 * day)
	for i := range n {
		w.pool.users[i] = user{place: uint64(i) * 1000, sub: subOf(i), status: types.UserStatusTypeConfirmed, created: created, modified: created}
	}
}

// Each kind of user is treated as it must be.
func TestWhoIsAnnounced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.PagesPerSecond = 1
		if report, err := w.once(t, reconcile.Request{}); err != nil || report.Ended != reconcile.EndedComplete {
			t.Fatalf("a run on an empty pool: %+v, %v", report, err)
		}
		advance(10 * day)
		now := time.Now()
		add := func(n int, status types.UserStatusType, created, modified time.Duration) {
			w.pool.add(user{place: uint64(n), sub: subOf(n), status: status, created: now.Add(-created), modified: now.Add(-modified)})
		}
		add(1, types.UserStatusTypeConfirmed, 2*day, 2*day)
		add(2, types.UserStatusTypeForceChangePassword, 2*day, 2*day)
		add(3, types.UserStatusTypeExternalProvider, 2*day, 2*day)
		add(4, types.UserStatusTypeResetRequired, 2*day, day)
		add(5, types.UserStatusTypeUnconfirmed, 2*day, 2*day)
		add(6, types.UserStatusTypeUnknown, 2*day, 2*day)
		add(7, types.UserStatusTypeConfirmed, time.Minute, time.Minute) // its event may be on the way
		add(8, types.UserStatusTypeConfirmed, 2*day, time.Minute)       // has confirmed a minute ago
		add(9, types.UserStatusTypeConfirmed, 2*day, 2*day)
		w.known(9, "announced")
		add(10, types.UserStatusTypeConfirmed, 2*day, 2*day)
		w.known(10, "noted") // by an earlier pass
		add(11, types.UserStatusTypeConfirmed, 2*day, 2*day)
		w.claim(t, 11, now.Add(day))
		add(12, types.UserStatusTypeConfirmed, 40*day, 40*day) // confirmed since, and was not there in the first pass
		w.claim(t, 12, now.Add(-day))                          // deleted late
		add(13, types.UserStatusTypeConfirmed, 2*day, 2*day)
		w.pool.users[12].sub = "ada@example.com" // no event can be made of it

		report, err := w.once(t, reconcile.Request{})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{subOf(1): "signup", subOf(2): "admin", subOf(3): "federation", subOf(4): "signup", subOf(12): "signup"}
		if diff := cmp.Diff(want, w.topic.via); diff != "" {
			t.Errorf("announced (-want +got):\n%s", diff)
		}
		report.Estimate = 0
		if want := (reconcile.Report{Ended: reconcile.EndedComplete, Users: 13, Announced: 5, Waiting: 2, Unclear: 1, PassUsers: 13}); report != want {
			t.Errorf("report %+v, want %+v", report, want)
		}
		if strings.Contains(w.out.String(), "ada@") {
			t.Error("an address is in the metrics")
		}
		sums := queuetest.Sums(t, w.out.String())
		if sums[reconcile.MetricUnannounced] != 5 || sums[reconcile.MetricUsers] != 13 || sums[reconcile.MetricProgress] != 100 {
			t.Errorf("metrics %v", sums)
		}

		// Whoever was too new is announced by the next pass; nobody is announced twice.
		advance(25 * time.Hour)
		if _, err := w.once(t, reconcile.Request{}); err != nil {
			t.Fatal(err)
		}
		want[subOf(7)], want[subOf(8)] = "signup", "signup"
		if diff := cmp.Diff(want, w.topic.via); diff != "" || len(w.topic.order) != len(want) {
			t.Errorf("after the next pass (-want +got), %d events:\n%s", len(w.topic.order), diff)
		}
	})
}

// A first run on an old pool announces nobody, unless From says so, and it may say so
// later.
func TestUsersOfBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fill(100)
		w.pool.users[7].created = time.Now().Add(-50 * day)
		w.claim(t, 8, time.Now().Add(day))
		w.pass(t, false)
		if len(w.topic.order) > 0 || len(w.table.rows) != 101 {
			t.Fatalf("%d events, %d rows", len(w.topic.order), len(w.table.rows))
		}
		w.From = time.Now().Add(-60 * day)
		w.pass(t, false)
		w.pass(t, false)
		if !slices.Equal(w.topic.order, []string{subOf(7)}) {
			t.Errorf("announced: %v", w.topic.order)
		}
		all := newWorld()
		all.fill(100)
		all.From = time.Now().Add(-2000 * day)
		all.pass(t, false)
		if len(all.topic.published) != 100 {
			t.Errorf("%d announced, want all", len(all.topic.published))
		}
	})
}

// A pass begins a day after the last one ended, or when it is asked for, and two runs are
// not at work at the same time.
func TestWhenAPassBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fill(10)
		ended := func(in reconcile.Request, want string, hours int) {
			t.Helper()
			if report, err := w.once(t, in); err != nil || report.Ended != want || report.Hours != hours {
				t.Errorf("%+v, %v; want %q after %d hours", report, err, want, hours)
			}
		}
		w.Platform = platform{fmt.Errorf("ssm: %w: /platform/user-pool-arn", parameters.ErrMissing)}
		ended(reconcile.Request{}, reconcile.EndedNoPool, 0)
		w.Platform = platform{}
		ended(reconcile.Request{}, reconcile.EndedComplete, 0)
		ended(reconcile.Request{}, reconcile.EndedNotDue, 0)
		ended(reconcile.Request{Start: true}, reconcile.EndedComplete, 0)
		advance(23 * time.Hour)
		ended(reconcile.Request{}, reconcile.EndedNotDue, 23)
		advance(time.Hour)
		w.pool.between = func(int) {
			w.pool.between = nil
			if report, err := w.Handle(t.Context(), reconcile.Request{Start: true}); err != nil || report.Ended != reconcile.EndedOther {
				t.Errorf("a second run: %+v, %v", report, err)
			}
		}
		ended(reconcile.Request{}, reconcile.EndedComplete, 0)
		// Each pass fails: the hours grow, and the lease of a failed run does not count.
		w.pool.fail = func(int) error { return errors.New("down") }
		advance(3 * day)
		for range 2 {
			if report, err := w.once(t, reconcile.Request{}); err == nil || report.Ended != reconcile.EndedFailed || report.Hours != 72 {
				t.Errorf("%+v, %v", report, err)
			}
		}
		w.Platform = platform{errors.New("ssm is down")}
		if _, err := w.once(t, reconcile.Request{}); err == nil {
			t.Error("no error although the pool is not known")
		}
	})
}

// A run that cannot read the state does not write that a pass was just complete.
func TestHoursThatAreNotKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.table.down = true
		report, err := w.once(t, reconcile.Request{})
		if _, written := queuetest.Sums(t, w.out.String())[reconcile.MetricHours]; err == nil || report.Ended != reconcile.EndedFailed || written {
			t.Errorf("%+v, %v, hours written: %v", report, err, written)
		}
	})
}

// A run whose lease another one took writes nothing more.
func TestALateRunEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fill(1000)
		w.pool.between = func(int) {
			w.pool.between = nil
			advance(3 * timeout) // as long as its lease
			other := *w.Reconciler
			if report, err := (&world{Reconciler: &other}).once(t, reconcile.Request{}); err != nil || report.Ended != reconcile.EndedComplete {
				t.Errorf("the other run: %+v, %v", report, err)
			}
		}
		state := func() string { return fmt.Sprint(slices.Sorted(maps.Keys(w.table.state))) }
		report, err := w.Handle(t.Context(), reconcile.Request{})
		if err == nil {
			t.Errorf("a run without a deadline: %+v", report)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*timeout)
		defer cancel()
		if report, err := w.Handle(ctx, reconcile.Request{}); err != nil || report.Ended != reconcile.EndedOther {
			t.Errorf("the late run: %+v, %v", report, err)
		}
		if got := state(); strings.Contains(got, "token") || strings.Contains(got, "lease") || !strings.Contains(got, "completed") {
			t.Errorf("the state has %s", got)
		}
	})
}

// Whatever fails, in the end every unannounced user is announced, each with one id. Users
// are created and deleted meanwhile.
func TestFaults(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 46))
			w := newWorld()
			w.fill(3000)
			w.pass(t, false)
			advance(day)
			missing := map[string]bool{}
			missed := func(n int) {
				at := time.Now().Add(-2 * time.Hour)
				w.pool.add(user{place: uint64(r.IntN(3_000_000)), sub: subOf(n), status: types.UserStatusTypeConfirmed, created: at, modified: at})
				missing[subOf(n)] = true
			}
			for i := range 300 {
				missed(10_000 + i)
			}
			w.table.unprocessed = r.IntN(50)
			crashed := false
			w.table.failPut = func(int) error {
				if r.IntN(8) == 0 { // after the events of a page were published
					crashed = true
					return errors.New("crash")
				}
				return nil
			}
			w.table.failGet = func(int) error { return fails(r, 40, errors.New("crash")) }
			w.topic.fail = func(string) error { return fails(r, 100, errors.New("throttled")) }
			next, expiries := 20_000, 3
			w.pool.fail = func(int) error {
				switch r.IntN(60) {
				case 0: // nobody runs it, and the token expires
					if expiries--; expiries >= 0 {
						w.nap = 2 * tokenValid
						return errors.New("crash")
					}
				case 1, 2, 3:
					return &types.TooManyRequestsException{}
				case 4:
					return errors.New("crash")
				}
				return nil
			}
			w.pool.between = func(int) {
				switch {
				case r.IntN(4) == 0 && next < 20_100:
					missed(next)
					next++
				case r.IntN(4) == 0:
					i := r.IntN(len(w.pool.users))
					delete(missing, w.pool.users[i].sub)
					w.pool.users = slices.Delete(w.pool.users, i, i+1)
				}
			}
			w.pass(t, true)
			w.pool.fail, w.pool.between, w.table.failPut, w.table.failGet, w.topic.fail = nil, nil, nil, nil, nil
			w.pass(t, false)
			for sub := range missing {
				if n := w.topic.published[sub]; n == 0 || n > 1 && !crashed {
					t.Errorf("seed %d: %s has %d events", seed, sub, n)
				}
			}
			for sub := range w.topic.published {
				if sub < subOf(10_000) {
					t.Errorf("seed %d: %s was announced, and is from before", seed, sub)
				}
			}
			before := len(w.topic.order)
			w.pass(t, false)
			if len(w.topic.order) != before {
				t.Errorf("seed %d: the next pass announced %v", seed, w.topic.order[before:])
			}
		})
	}
}

func fails(r *rand.Rand, in int, err error) error {
	if r.IntN(in) == 0 {
		return err
	}
	return nil
}

// A pool of a million users: a pass goes on from run to run, at its rate, and costs per
// user what it costs in a small pool.
func TestAMillionUsers(t *testing.T) {
	t.Parallel()
	cost := map[int]float64{}
	for _, n := range []int{10_000, 1_000_000} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.pass(t, false)
			w.fill(n)
			for i := range n {
				w.known(i, "announced")
			}
			advance(2 * day)
			at := time.Now().Add(-day)
			for i := range 100 {
				w.pool.add(user{place: uint64(i)*uint64(n)*10 + 1, sub: subOf(n + i), status: types.UserStatusTypeConfirmed, created: at, modified: at})
			}
			w.pool.calls, w.table.gets, w.table.writes, w.pool.fastest = 0, 0, 0, 0
			began := time.Now()
			runs := w.pass(t, false)
			took := time.Since(began)
			if len(w.topic.published) != 100 || len(w.topic.order) != 100 {
				t.Errorf("%d users: %d announced by %d events, want 100", n, len(w.topic.published), len(w.topic.order))
			}
			if w.pool.fastest < 200*time.Millisecond {
				t.Errorf("%d users: two pages within %v", n, w.pool.fastest)
			}
			cost[n] = float64(w.pool.calls+w.table.gets) / float64(n)
			t.Logf("%d users: %d runs and %v: %d pages, %d reads, %d writes", n, runs, took.Round(time.Minute), w.pool.calls, w.table.gets, w.table.writes)
		})
	}
	if small, large := cost[10_000], cost[1_000_000]; large > small {
		t.Errorf("a user of a large pool costs %.4f calls, one of a small pool %.4f", large, small)
	}
}
