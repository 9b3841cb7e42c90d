package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse.example/contracts"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
)

func TestTimeToConfirm(t *testing.T) {
	t.Parallel()
	confirmed, must := queuetest.Time(), queuetest.Must(t)
	created := func(via string, synthetic bool) string {
		act := queuetest.Act()
		act.Synthetic = synthetic
		return queuetest.Body(t, must(contracts.NewUserCreated(act, contracts.UserCreated{Via: via})))
	}
	for name, tc := range map[string]struct {
		body  string
		users *accounts
		want  float64 // 0 means that nothing is measured
		asked bool
	}{
		"signed_up":         {created(contracts.ViaSignup, false), &accounts{signedUp: confirmed.Add(-90500 * time.Millisecond)}, 90.5, true},
		"of_an_earlier_day": {created(contracts.ViaSignup, false), &accounts{signedUp: confirmed.Add(-25 * time.Hour)}, 90000, true},
		"of_the_reconciler": {created(contracts.ViaSignup, false), &accounts{signedUp: confirmed}, 0, true},
		"clocks_differ":     {created(contracts.ViaSignup, false), &accounts{signedUp: confirmed.Add(time.Second)}, 0, true},
		"no_such_user":      {created(contracts.ViaSignup, false), &accounts{}, 0, true},
		"by_administrator":  {created(contracts.ViaAdmin, false), &accounts{signedUp: confirmed.Add(-time.Minute)}, 0, false},
		"federated":         {created(contracts.ViaFederation, false), &accounts{signedUp: confirmed.Add(-time.Minute)}, 0, false},
		"synthetic":         {created(contracts.ViaSignup, true), &accounts{signedUp: confirmed.Add(-time.Minute)}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			c := newCounter(&memoryTable{}, &out)
			c.Users = tc.users
			got, err := c.Handle(t.Context(), queuetest.Batch(tc.body))
			if err != nil || len(got.BatchItemFailures) > 0 {
				t.Fatalf("Handle: %v, %v", got, err)
			}
			if took, has := queuetest.Sums(t, out.String())[metrics.TimeToConfirm]; took != tc.want || has != (tc.want > 0) {
				t.Errorf("%s = %v, %v; want %v", metrics.TimeToConfirm, took, has, tc.want)
			}
			if tc.want > 0 && !strings.Contains(out.String(), `"Unit":"Seconds"`) {
				t.Errorf("the unit is missing: %s", &out)
			}
			if asked := slices.ContainsFunc(tc.users.calls, func(call string) bool { return strings.HasPrefix(call, "signed up") }); asked != tc.asked {
				t.Errorf("asked %v, want %v", asked, tc.asked)
			}
		})
	}
}

// unknowing keeps users, but cannot say when they signed up.
type unknowing struct{ accounts }

func (u *unknowing) SignedUp(context.Context, string, string) (time.Time, error) {
	return time.Time{}, errors.New("throttled")
}

// One user of a batch is asked for, and a failure loses nothing but that value.
func TestTimeToConfirm_costs_one_call(t *testing.T) {
	t.Parallel()
	var bodies []string
	for _, sub := range []string{"a", "b", "c"} {
		act := queuetest.Act()
		act.Subject = sub
		bodies = append(bodies, queuetest.Body(t, queuetest.Must(t)(contracts.NewUserCreated(act, contracts.UserCreated{Via: contracts.ViaSignup}))))
	}
	var out, log strings.Builder
	users := &accounts{signedUp: queuetest.Time().Add(-time.Minute)}
	c := newCounter(&memoryTable{}, &out)
	c.Users = users
	if _, err := c.Handle(t.Context(), queuetest.Batch(bodies...)); err != nil {
		t.Fatal(err)
	}
	sums := queuetest.Sums(t, out.String())
	if sums[metrics.TimeToConfirm] != 60 || sums[metrics.UsersCreated] != 3 || len(users.calls) != 4 {
		t.Errorf("%v, %v; calls %v", sums[metrics.TimeToConfirm], sums[metrics.UsersCreated], users.calls)
	}
	out.Reset()
	c = newCounter(&memoryTable{}, &out)
	c.Users, c.Log = &unknowing{}, slog.New(slog.NewTextHandler(&log, nil))
	got, err := c.Handle(t.Context(), queuetest.Batch(bodies...))
	if err != nil || len(got.BatchItemFailures) > 0 || queuetest.Sums(t, out.String())[metrics.UsersCreated] != 3 || !strings.Contains(log.String(), "not measured") {
		t.Errorf("%v, %v\n%s\n%s", got, err, &out, &log)
	}
}
