package metrics_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
)

func newCounter(table *memoryTable, out *strings.Builder) *metrics.Counter {
	return &metrics.Counter{
		Ledger: &metrics.Ledger{Table: table, Name: "ledger"}, Users: &accounts{}, Budget: &accounts{}, Environment: "test", Out: out,
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return queuetest.Time().Add(1500 * time.Millisecond) },
	}
}

// positive drops the zeros that every batch writes.
func positive(sums map[string]float64) map[string]float64 {
	out := map[string]float64{}
	for name, n := range sums {
		if n != 0 {
			out[name] = n
		}
	}
	return out
}

func TestHandle_each_type(t *testing.T) {
	t.Parallel()
	act, must := queuetest.Act(), queuetest.Must(t)
	noClient := act
	noClient.ClientID = ""
	noOne := noClient
	noOne.Subject = ""
	unknown := must(contracts.NewPasswordReset(act))
	unknown.SetType("gatehouse.user.unheard.v1")
	record, by := act, contracts.By{Kind: contracts.ByUser}
	record.ID = "record"
	pool := record
	pool.Subject = ""
	const client = "/1example23456789example0001"
	for name, tc := range map[string]struct {
		ev   event.Event
		want map[string]float64
	}{
		"signup_allowed": {
			must(contracts.NewSignupAllowed(act, contracts.SignupAllowed{Via: contracts.ViaSignup, ListVersion: "2026-11-01"})),
			map[string]float64{metrics.SignUpsAllowed: 1},
		},
		"signup_rejected": {
			must(contracts.NewSignupRejected(act, contracts.SignupRejected{Via: contracts.ViaSignup, Reason: "domain-disposable"})),
			map[string]float64{metrics.SignUpsRejected: 1, metrics.SignUpsRejected + "/domain-disposable": 1},
		},
		"reason_too_long": {
			must(contracts.NewSignupRejected(act, contracts.SignupRejected{Reason: strings.Repeat("x", 65)})),
			map[string]float64{metrics.SignUpsRejected: 1},
		},
		"user_created": {
			must(contracts.NewUserCreated(act, contracts.UserCreated{Via: contracts.ViaSignup})),
			map[string]float64{metrics.UsersCreated: 1},
		},
		"password_reset": {must(contracts.NewPasswordReset(act)), map[string]float64{metrics.PasswordsReset: 1}},
		"signin_attempted": {
			must(contracts.NewSigninAttempted(act, contracts.SigninAttempted{})),
			map[string]float64{metrics.SignInsAttempted: 1, metrics.SignInsAttempted + client: 1},
		},
		"signin_attempted_unknown_user": {
			must(contracts.NewSigninAttempted(act, contracts.SigninAttempted{UserNotFound: true})),
			map[string]float64{metrics.SignInsAttempted: 1, metrics.SignInsAttempted + client: 1, metrics.SignInsUnknownUser: 1},
		},
		"signin_succeeded": {
			must(contracts.NewSigninSucceeded(act, contracts.SigninSucceeded{})),
			map[string]float64{metrics.SignInsSucceeded: 1, metrics.SignInsSucceeded + client: 1},
		},
		"signin_failed": {
			must(contracts.NewSigninFailed(act, contracts.SigninFailed{Reason: contracts.FailedCodeWrong, Via: contracts.ViaAPI})),
			map[string]float64{metrics.SignInsFailed: 1, metrics.SignInsFailed + "/code-wrong": 1},
		},
		"signin_failed_locked_out": {
			must(contracts.NewSigninFailed(noOne, contracts.SigninFailed{Reason: contracts.FailedLockedOut, Via: contracts.ViaPage})),
			map[string]float64{metrics.SignInsFailed: 1, metrics.SignInsFailed + "/locked-out": 1, metrics.SignInsLockedOut: 1},
		},
		"challenge_sent":   {must(contracts.NewChallengeSent(act, contracts.ChallengeSent{})), map[string]float64{metrics.ChallengesSent: 1}},
		"challenge_passed": {must(contracts.NewChallengePassed(act, contracts.ChallengePassed{With: contracts.WithLink})), map[string]float64{metrics.ChallengesPassed: 1}},
		"challenge_failed": {
			must(contracts.NewChallengeFailed(noOne, contracts.ChallengeFailed{Reason: contracts.ChallengeUnknownUser})),
			map[string]float64{metrics.ChallengesFailed: 1, metrics.ChallengesFailed + "/unknown-user": 1},
		},
		"finding": {
			must(contracts.NewSecurityFinding(act, contracts.SecurityFinding{
				Rule: contracts.RuleSignupBurst, Severity: contracts.SeverityMedium, From: "2026-11-22T09:00:00Z", To: act.Time.Format(time.RFC3339Nano),
			})),
			map[string]float64{metrics.Findings: 1, metrics.Findings + "/signup-burst": 1},
		},
		"critical_finding": {
			must(contracts.NewSecurityFinding(act, contracts.SecurityFinding{
				Rule: contracts.RulePoolChangedByOthers, Severity: contracts.SeverityCritical, From: "2026-11-22T09:00:00Z", To: act.Time.Format(time.RFC3339Nano),
			})),
			map[string]float64{metrics.Findings: 1, metrics.Findings + "/pool-changed-by-others": 1, metrics.FindingsCritical: 1},
		},
		"app_event": {
			must(contracts.NewAppEvent(noOne, contracts.AppEvent{Who: contracts.WhoGuest, Name: "a"})),
			map[string]float64{metrics.AppEvents: 1},
		},
		"user_deleted":     {must(contracts.NewUserDeleted(record, contracts.AccountChanged{By: by})), map[string]float64{metrics.UsersDeleted: 1}},
		"user_disabled":    {must(contracts.NewUserDisabled(record, contracts.AccountChanged{By: by})), map[string]float64{metrics.UsersDisabled: 1}},
		"user_enabled":     {must(contracts.NewUserEnabled(record, contracts.AccountChanged{By: by})), map[string]float64{}},
		"password_changed": {must(contracts.NewPasswordChanged(record, contracts.PasswordChanged{By: by, How: "set"})), map[string]float64{metrics.PasswordsChanged: 1}},
		"mfa_changed":      {must(contracts.NewMFAChanged(record, contracts.MFAChanged{By: by, Change: "preference"})), map[string]float64{metrics.MFAChanged: 1}},
		"group_added":      {must(contracts.NewGroupAdded(record, contracts.GroupChanged{By: by})), map[string]float64{metrics.GroupsChanged: 1}},
		"group_removed":    {must(contracts.NewGroupRemoved(record, contracts.GroupChanged{By: by})), map[string]float64{metrics.GroupsChanged: 1}},
		"pool_changed": {
			must(contracts.NewPoolChanged(pool, contracts.PoolChanged{By: by, Change: "pool", Operation: "UpdateUserPool"})),
			map[string]float64{metrics.PoolChanges: 1},
		},
		"token_issued": {
			must(contracts.NewTokenIssued(pool)),
			map[string]float64{metrics.ClientTokensIssued: 1, metrics.ClientTokensIssued + client: 1, metrics.ClientTokensOverBudget: 1},
		},
		"token_refused": {must(contracts.NewTokenRefused(pool, contracts.TokenRefused{Reason: "throttled"})), map[string]float64{metrics.ClientTokensRefused: 1}},
		"no_client":     {must(contracts.NewSigninSucceeded(noClient, contracts.SigninSucceeded{})), map[string]float64{metrics.SignInsSucceeded: 1}},
		"unknown_type":  {unknown, map[string]float64{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			got, err := newCounter(&memoryTable{}, &out).Handle(t.Context(), queuetest.Batch(queuetest.Body(t, tc.ev)))
			if err != nil || len(got.BatchItemFailures) != 0 {
				t.Fatalf("Handle = %v, %v", got, err)
			}
			tc.want[metrics.EventsConsumed], tc.want[metrics.EventAge] = 1, 1500
			if diff := cmp.Diff(tc.want, positive(queuetest.Sums(t, out.String()))); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			if tc.ev.Subject() != "" && strings.Contains(out.String(), tc.ev.Subject()) {
				t.Error("a metric names a person")
			}
		})
	}
}

func TestHandle_writes_zeros_for_what_is_rare(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	ev := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
	if _, err := newCounter(&memoryTable{}, &out).Handle(t.Context(), queuetest.Batch(queuetest.Body(t, ev))); err != nil {
		t.Fatal(err)
	}
	sums := queuetest.Sums(t, out.String())
	for _, name := range []string{"EventsFellBack", "EventsLogged", "EventsDrained", "UsersCreated", "SignInsUnknownUser"} {
		if n, ok := sums[name]; !ok || n != 0 {
			t.Errorf("%s = %v, %v; want a zero", name, n, ok)
		}
	}
}

func TestHandle_bad_neighbours(t *testing.T) {
	t.Parallel()
	must := queuetest.Must(t)
	good := must(contracts.NewPasswordReset(queuetest.Act()))
	odd := must(contracts.NewSignupRejected(queuetest.Act(), contracts.SignupRejected{Reason: "x"}))
	oddBody := strings.Replace(queuetest.Body(t, odd), `"reason":"x"`, `"reason":7`, 1)
	throttled := must(contracts.NewPasswordReset(queuetest.Act()))
	table := &memoryTable{Fail: func(key string) error {
		if key == contracts.ClaimKey(throttled) {
			return errors.New("throttled")
		}
		return nil
	}}
	var out strings.Builder
	c := newCounter(table, &out)
	got, err := c.Handle(t.Context(), queuetest.Batch(
		"{poison", oddBody, queuetest.Body(t, throttled), queuetest.Body(t, good), queuetest.Body(t, good)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"m0", "m1", "m2"}, queuetest.Failed(got)); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if n := queuetest.Sums(t, out.String())[metrics.PasswordsReset]; n != 1 {
		t.Errorf("PasswordsReset = %v, want 1", n)
	}
	// What could not be read is not claimed: it can come again with a newer reader.
	if table.Rows() != 1 {
		t.Errorf("%d claims, want 1", table.Rows())
	}
	table.Fail = nil
	if _, err := c.Handle(t.Context(), queuetest.Batch(queuetest.Body(t, throttled))); err != nil {
		t.Fatal(err)
	}
	if n := queuetest.Sums(t, out.String())[metrics.PasswordsReset]; n != 2 {
		t.Errorf("PasswordsReset after the throttle = %v, want 2", n)
	}
}

// The payload of the README: one event twice, and one message that is none.
func TestHandle_payload_file(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "events", "sqs-batch.json"))
	if err != nil {
		t.Fatal(err)
	}
	var in events.SQSEvent
	if err := json.Unmarshal(raw, &in); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	got, err := newCounter(&memoryTable{}, &out).Handle(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{in.Records[2].MessageId}, queuetest.Failed(got)); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if n := queuetest.Sums(t, out.String())[metrics.SignInsAttempted]; n != 1 {
		t.Errorf("SignInsAttempted = %v, want 1", n)
	}
}

// A canary must not look like people: of a batch with its events, every metric
// is as if they were not there, but for their own.
func TestHandle_synthetic_events_count_apart(t *testing.T) {
	t.Parallel()
	must := queuetest.Must(t)
	synthetic, person := queuetest.Act(), queuetest.Act()
	synthetic.Synthetic = true
	synthetic.Time = synthetic.Time.Add(-time.Hour) // its age must not show
	bodies := []string{
		queuetest.Body(t, must(contracts.NewSignupAllowed(synthetic, contracts.SignupAllowed{Via: contracts.ViaSignup, ListVersion: "2026-11-01"}))),
		queuetest.Body(t, must(contracts.NewSignupRejected(synthetic, contracts.SignupRejected{Via: contracts.ViaSignup, Reason: "domain-disposable"}))),
		queuetest.Body(t, must(contracts.NewUserCreated(synthetic, contracts.UserCreated{Via: contracts.ViaSignup}))),
		queuetest.Body(t, must(contracts.NewPasswordReset(synthetic))),
		queuetest.Body(t, must(contracts.NewSigninAttempted(synthetic, contracts.SigninAttempted{UserNotFound: true}))),
		queuetest.Body(t, must(contracts.NewSigninSucceeded(synthetic, contracts.SigninSucceeded{}))),
	}
	one := queuetest.Body(t, must(contracts.NewPasswordReset(person)))
	var alone, together strings.Builder
	if _, err := newCounter(&memoryTable{}, &alone).Handle(t.Context(), queuetest.Batch(one)); err != nil {
		t.Fatal(err)
	}
	// The first one twice: a copy counts no more than that of any event.
	if _, err := newCounter(&memoryTable{}, &together).Handle(t.Context(), queuetest.Batch(append(bodies, bodies[0], one)...)); err != nil {
		t.Fatal(err)
	}
	want := queuetest.Sums(t, alone.String())
	want[metrics.SyntheticEvents] = float64(len(bodies))
	if diff := cmp.Diff(want, queuetest.Sums(t, together.String())); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	var only strings.Builder
	if _, err := newCounter(&memoryTable{}, &only).Handle(t.Context(), queuetest.Batch(bodies...)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]float64{metrics.SyntheticEvents: float64(len(bodies))}, positive(queuetest.Sums(t, only.String()))); diff != "" {
		t.Errorf("metrics of a batch without people (-want +got):\n%s", diff)
	}
}

// An event that can never be read is moved; the ledger's failures may pass.
func TestHandle_moves_poison(t *testing.T) {
	t.Parallel()
	shape := queuetest.Must(t)(contracts.NewSigninAttempted(queuetest.Act(), contracts.SigninAttempted{}))
	if err := shape.SetData("application/json", map[string]any{"userNotFound": "perhaps"}); err != nil {
		t.Fatal(err)
	}
	letters := &queuetest.Letters{}
	var out strings.Builder
	c := newCounter(&memoryTable{}, &out)
	c.Dead = letters.DeadLetters()
	answer, err := c.Handle(t.Context(), queuetest.Batch("poison", queuetest.Body(t, shape)))
	if failed := queuetest.Failed(answer); err != nil || len(failed) != 0 {
		t.Errorf("Handle: %v; failed %v", err, failed)
	}
	if diff := cmp.Diff([]string{"not_an_event", "data_of_another_shape"}, letters.Reasons()); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
	if got := queuetest.Sums(t, out.String())[consume.MetricDead+"/user-events-metrics"]; got != 2 {
		t.Errorf("%s is %v, want 2", consume.MetricDead, got)
	}
}
