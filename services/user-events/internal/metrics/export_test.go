package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
)

// exporter keeps what it got.
type exporter struct {
	counts   map[metrics.Series]int
	from, to time.Time
	deadline time.Time
	calls    int
	err      error
}

func (e *exporter) Export(ctx context.Context, from, to time.Time, counts map[metrics.Series]int) error {
	e.deadline, _ = ctx.Deadline()
	e.counts, e.from, e.to, e.calls = counts, from, to, e.calls+1
	return e.err
}

// Labels are combined: a failure has its reason, client and factor. No label names a user,
// and synthetic users count apart.
func TestExport(t *testing.T) {
	t.Parallel()
	act, must := queuetest.Act(), queuetest.Must(t)
	failed := func(id, reason, challenge, client string) string {
		of := act
		of.ID, of.ClientID = id, client
		return queuetest.Body(t, must(contracts.NewSigninFailed(of, contracts.SigninFailed{Reason: reason, Challenge: challenge, Via: contracts.ViaAPI})))
	}
	synthetic := act
	synthetic.Synthetic = true
	unknown := must(contracts.NewPasswordReset(act))
	unknown.SetType("gatehouse.user.unheard.v1")
	once := failed("1", contracts.FailedCodeWrong, "email-otp", "c1")
	bodies := []string{
		once, once, failed("2", contracts.FailedCodeWrong, "email-otp", "c1"), failed("3", contracts.FailedCodeWrong, "sms-otp", "c1"),
		failed("4", contracts.FailedLockedOut, "", ""), failed("5", "erika@example.org", strings.Repeat("x", 65), "c2"),
		queuetest.Body(t, must(contracts.NewSigninAttempted(act, contracts.SigninAttempted{UserNotFound: true}))),
		queuetest.Body(t, must(contracts.NewSignupRejected(act, contracts.SignupRejected{Via: contracts.ViaSignup, Reason: "domain-disposable"}))),
		queuetest.Body(t, must(contracts.NewSecurityFinding(contracts.Act{PoolARN: queuetest.Pool, Time: act.Time}, contracts.SecurityFinding{
			Rule: contracts.RuleSignupBurst, Severity: contracts.SeverityMedium, From: "2026-11-22T09:00:00Z", To: act.Time.Format(time.RFC3339Nano),
		}))),
		queuetest.Body(t, must(contracts.NewSigninSucceeded(synthetic, contracts.SigninSucceeded{}))), queuetest.Body(t, unknown),
	}
	var out strings.Builder
	x := &exporter{}
	c := newCounter(&memoryTable{}, &out)
	c.Exporter = x
	if _, err := c.Handle(t.Context(), queuetest.Batch(bodies...)); err != nil {
		t.Fatal(err)
	}
	client := act.ClientID
	want := map[metrics.Series]int{
		{Name: metrics.SignInsFailed, Reason: "code-wrong", Factor: "email-otp", Client: "c1"}: 2,
		{Name: metrics.SignInsFailed, Reason: "code-wrong", Factor: "sms-otp", Client: "c1"}:   1,
		{Name: metrics.SignInsFailed, Reason: "locked-out"}:                                    1,
		{Name: metrics.SignInsLockedOut, Reason: "locked-out"}:                                 1,
		{Name: metrics.SignInsFailed, Client: "c2"}:                                            1,
		{Name: metrics.SignInsAttempted, Client: client}:                                       1,
		{Name: metrics.SignInsUnknownUser, Client: client}:                                     1,
		{Name: metrics.SignUpsRejected, Reason: "domain-disposable", Client: client}:           1,
		{Name: metrics.Findings, Rule: contracts.RuleSignupBurst}:                              1,
	}
	if diff := cmp.Diff(want, x.counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if x.calls != 1 || x.from.IsZero() || x.to.Before(x.from) {
		t.Errorf("%d calls, from %v to %v", x.calls, x.from, x.to)
	}
	sums := queuetest.Sums(t, out.String())
	for series := range want { // the log lines have the same counts
		n := 0
		for other, more := range x.counts {
			if other.Name == series.Name {
				n += more
			}
		}
		if sums[series.Name] != float64(n) {
			t.Errorf("%s = %v, exported %d", series.Name, sums[series.Name], n)
		}
	}
}

// The exporter ends before the time that writing the metrics needs; what it does not take
// is logged and counted, and no message is delivered again.
func TestExportFails(t *testing.T) {
	t.Parallel()
	body := queuetest.Body(t, queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act())))
	for name, tc := range map[string]struct {
		exporter metrics.Exporter
		failed   float64
		written  bool
	}{
		"off":   {nil, 0, false},
		"well":  {&exporter{}, 0, true},
		"fails": {&exporter{err: errors.New("otlp: the endpoint answers 403")}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, log strings.Builder
			c := newCounter(&memoryTable{}, &out)
			c.Exporter, c.Log = tc.exporter, slog.New(slog.NewTextHandler(&log, nil))
			end := time.Now().Add(time.Minute)
			ctx, cancel := context.WithDeadline(t.Context(), end)
			defer cancel()
			got, err := c.Handle(ctx, queuetest.Batch(body))
			if err != nil || len(got.BatchItemFailures) > 0 {
				t.Errorf("Handle: %v, %v", got, err)
			}
			sums := queuetest.Sums(t, out.String())
			if n, has := sums[metrics.ExportsFailed]; n != tc.failed || has != tc.written || sums[metrics.PasswordsReset] != 1 {
				t.Errorf("%s = %v, %v; %s = %v", metrics.ExportsFailed, n, has, metrics.PasswordsReset, sums[metrics.PasswordsReset])
			}
			if logged := strings.Contains(log.String(), "answers 403"); logged != (tc.failed > 0) {
				t.Errorf("log: %s", &log)
			}
			if x, ok := tc.exporter.(*exporter); ok && !x.deadline.Before(end) {
				t.Error("the exporter may take the time that writing the metrics needs")
			}
		})
	}
}
