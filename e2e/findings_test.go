package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/tools/actors"
)

// TestFindings publishes what CloudTrail says about an account that somebody keeps locked.
// The rule is tried on the past, and the function publishes what it finds, once, however
// often it evaluates that part of time. The schedule may be the first to do so.
func TestFindings(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, sub, last := s.clients(t), uuid.NewString(), time.Now().UTC().Add(-20*time.Minute)
	for _, before := range []time.Duration{130 * time.Minute, 70 * time.Minute, 0} {
		ev, err := contracts.NewSigninFailed(contracts.Act{
			ID: uuid.NewString(), PoolARN: s.poolARN(), Subject: sub, ClientID: *s.nativeClient(), Time: last.Add(-before),
		}, contracts.SigninFailed{Reason: contracts.FailedLockedOut, Via: contracts.ViaAPI})
		check(t, err)
		body, err := contracts.Encode(ev)
		check(t, err)
		must(c.sns.Publish(t.Context(), publish.Message(s.env["TOPIC_ARN"], ev, string(body))))(t)
	}
	trail := &actors.Trail{Table: c.dynamodb, Name: s.env["AUDIT_TABLE"]}
	progress(t, func() (string, bool) {
		rows, err := trail.Of(t.Context(), sub)
		return "audit rows", err == nil && len(rows) == 3
	})
	part := []string{"--environment", "local", "--from", last.Add(-5 * time.Minute).Format(time.RFC3339), "--to", last.Add(10 * time.Minute).Format(time.RFC3339)}
	out, err := s.gatehouse(t, append([]string{"findings", "try", "--json", "--rule", contracts.RuleAccountsHeldLocked}, part...)...)
	if err != nil || !strings.Contains(out, sub) {
		t.Fatalf("gatehouse findings try: %s, %v", out, err)
	}
	if out, err := s.gatehouse(t, append([]string{"findings", "try", "--json", "--locked-hours", "4"}, part...)...); err != nil || strings.Contains(out, sub) {
		t.Errorf("with another threshold: %s, %v", out, err)
	}
	for range 2 {
		if out, err := s.gatehouse(t, append([]string{"findings", "announce"}, part...)...); err != nil {
			t.Fatalf("gatehouse findings announce: %s, %v", out, err)
		}
		progress(t, func() (string, bool) {
			out, _ := s.gatehouse(t, append([]string{"findings", "list", "--json"}, part...)...)
			return out, strings.Count(out, sub) == 1 && strings.Contains(out, `"reasons":{"locked-out":3}`)
		})
	}
}
