package presignup

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/services/signup-guard/internal/domains"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	strict := map[string]string{
		"ALLOW_DOMAINS": "good.denied.example, yopmail.com,", "DENY_DOMAINS": "denied.example,Exämple.de",
	}
	for name, c := range map[string]struct {
		email, via string
		env        map[string]string
		want       Verdict
	}{
		"ordinary":              {"ada@example.org", contracts.ViaSignup, nil, Verdict{Domain: "example.org"}},
		"disposable":            {"eve@mailinator.com", contracts.ViaSignup, nil, refused(ruleDisposableList, "mailinator.com")},
		"disposable_subdomain":  {"eve@a.b.mailinator.com", contracts.ViaSignup, nil, refused(ruleDisposableList, "mailinator.com")},
		"disposable_upper_case": {"EVE@MAILINATOR.COM", contracts.ViaSignup, nil, refused(ruleDisposableList, "mailinator.com")},
		"disposable_full_width": {"eve@ｍailinator.com", contracts.ViaSignup, map[string]string{"CHECK_LOOKALIKES": "false"}, refused(ruleDisposableList, "mailinator.com")},
		"disposable_final_dot":  {"eve@mailinator.com.", contracts.ViaSignup, nil, refused(ruleAddressSyntax, "")},
		"like_a_disposable":     {"ada@mailinator.com.example.org", contracts.ViaSignup, nil, Verdict{Domain: "example.org"}},
		"too_long":              {strings.Repeat("a", 65) + "@example.org", contracts.ViaSignup, nil, refused(ruleAddressLength, "example.org")},
		"64k":                   {strings.Repeat("a", 64<<10) + "@example.org", contracts.ViaSignup, nil, refused(ruleAddressLength, "example.org")},
		"bad_domain":            {"ada@localhost", contracts.ViaSignup, nil, refused(ruleDomainSyntax, "")},
		"bad_syntax":            {"Ada <ada@example.org>", contracts.ViaSignup, nil, refused(ruleAddressSyntax, "")},
		"look_alike":            {"ada@аpple.com", contracts.ViaSignup, nil, refused(ruleMixedScripts, "xn--pple-43d.com")},
		"look_alike_off":        {"ada@аpple.com", contracts.ViaSignup, map[string]string{"CHECK_LOOKALIKES": "false"}, Verdict{Domain: "xn--pple-43d.com"}},
		"reserved":              {"Admin+x@example.org", contracts.ViaSignup, nil, refused(ruleReservedName, "example.org")},
		"reserved_off":          {"admin@example.org", contracts.ViaSignup, map[string]string{"CHECK_RESERVED_LOCAL_PARTS": "false"}, Verdict{Domain: "example.org"}},
		"denied":                {"ada@denied.example", contracts.ViaSignup, strict, refused(ruleDenyEntry, "denied.example")},
		"denied_parent":         {"ada@a.denied.example", contracts.ViaSignup, strict, refused(ruleDenyEntry, "denied.example")},
		"denied_unicode":        {"ada@exämple.de", contracts.ViaSignup, strict, refused(ruleDenyEntry, "xn--exmple-cua.de")},
		"allow_over_deny":       {"ada@good.denied.example", contracts.ViaSignup, strict, Verdict{Domain: "denied.example"}},
		"allow_over_list":       {"ada@yopmail.com", contracts.ViaSignup, strict, Verdict{Domain: "yopmail.com"}},
		"relay":                 {"x1@privaterelay.appleid.com", contracts.ViaSignup, nil, Verdict{Domain: "privaterelay.appleid.com", Relay: true}},
		"relay_of_a_customer":   {"shop@ada.mozmail.com", contracts.ViaSignup, nil, Verdict{Domain: "mozmail.com", Relay: true}},
		"subdomain_addressing":  {"shop@ada.fastmail.com", contracts.ViaSignup, nil, Verdict{Domain: "fastmail.com"}},
		"subdomain_bad_local":   {"a..b@ada.fastmail.com", contracts.ViaSignup, nil, refused(ruleAddressSyntax, "fastmail.com")},
		"subdomain_look_alike":  {"ada@ada.аpple.com", contracts.ViaSignup, nil, refused(ruleMixedScripts, "xn--pple-43d.com")},
		"relay_bad_local":       {"a..b@ada.mozmail.com", contracts.ViaSignup, nil, refused(ruleAddressSyntax, "mozmail.com")},
		"relay_denied":          {"x@duck.com", contracts.ViaSignup, map[string]string{"DENY_DOMAINS": "duck.com"}, Verdict{Rule: ruleDenyEntry, Domain: "duck.com", Relay: true}},
		"admin_disposable":      {"eve@mailinator.com", contracts.ViaAdmin, nil, Verdict{Domain: "mailinator.com"}},
		"admin_reserved":        {"admin@example.org", contracts.ViaAdmin, nil, Verdict{Domain: "example.org"}},
		"admin_bad":             {"ada@localhost", contracts.ViaAdmin, nil, refused(ruleDomainSyntax, "")},
		"admin_checked":         {"eve@mailinator.com", contracts.ViaAdmin, map[string]string{"CHECK_ADMIN_CREATED": "true"}, refused(ruleDisposableList, "mailinator.com")},
		"federated":             {"eve@mailinator.com", contracts.ViaFederation, nil, refused(ruleDisposableList, "mailinator.com")},
		"federated_unchecked":   {"eve@mailinator.com", contracts.ViaFederation, map[string]string{"CHECK_FEDERATED": "false"}, Verdict{Domain: "mailinator.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, c.env)
			if diff := cmp.Diff(c.want, g.Check(c.email, c.via)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConfigFromEnv(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	config, err := ConfigFromEnv(func(name string) string {
		return map[string]string{"DENY_DOMAINS": "ok.example,ada@private.example,*.example,,com"}[name]
	}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ok.example"}, config.Deny.Names()); diff != "" {
		t.Error(diff)
	}
	if n := strings.Count(log.String(), "not a domain"); n != 3 || strings.Contains(log.String(), "ada") {
		t.Errorf("%d entries reported in %s", n, log.String())
	}
	for _, name := range []string{"CHECK_ADMIN_CREATED", "CHECK_FEDERATED", "CHECK_LOOKALIKES", "CHECK_RESERVED_LOCAL_PARTS"} {
		_, err := ConfigFromEnv(func(n string) string { return map[string]string{name: "maybe"}[n] }, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=maybe gave %v", name, err)
		}
	}
}

// TestCheck_allocates_once guards the figure that the README gives.
func TestCheck_allocates_once(t *testing.T) {
	g := newGuard(t, map[string]string{"ALLOW_DOMAINS": "partner.example", "DENY_DOMAINS": "denied.example"})
	for _, email := range []string{"ada.lovelace@example.org", "eve@mailinator.com", "x@a.b.mailinator.com", "y@ada.mozmail.com", "z@shop.ada.example.co.uk"} {
		if n := testing.AllocsPerRun(100, func() { g.Check(email, contracts.ViaSignup) }); n > 1 {
			t.Errorf("Check(%q) allocates %v times", email, n)
		}
	}
}

// BenchmarkCheck measures every rule over a list far larger than today's.
func BenchmarkCheck(b *testing.B) {
	g := newGuard(b, map[string]string{"ALLOW_DOMAINS": "partner.example", "DENY_DOMAINS": "denied.example"})
	names := g.List.Names()
	for i := range 200_000 - len(names) {
		names = append(names, fmt.Sprintf("%x-mail%d.example", i*2654435761%(1<<31), i%97))
	}
	var err error
	if g.List, err = domains.NewSet(names); err != nil {
		b.Fatal(err)
	}
	for name, email := range map[string]string{
		"allowed": "ada.lovelace@example.org", "allowed_four_labels": "ada.lovelace@mail.cs.example.org",
		"disposable": "eve@mailinator.com", "upper_case": "Ada@Example.ORG", "unicode": "jörg@müller.de",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g.Check(email, contracts.ViaSignup)
			}
		})
	}
}

func refused(rule, domain string) Verdict { return Verdict{Rule: rule, Domain: domain} }

func newGuard(t testing.TB, env map[string]string) *Guard {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	config, err := ConfigFromEnv(func(name string) string { return env[name] }, log)
	if err != nil {
		t.Fatal(err)
	}
	return &Guard{Config: config, List: domains.Disposable(), ListVersion: domains.Version(), Log: log}
}
