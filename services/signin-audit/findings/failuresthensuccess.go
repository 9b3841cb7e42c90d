package findings

import (
	"net/netip"
	"time"

	"gatehouse.example/contracts"
)

// hour is the window of most rules.
const hour = time.Hour

// isGuess reports whether a failure may be somebody who guesses: not a quota, a trigger or
// a client that is not well.
func isGuess(reason string) bool {
	switch reason {
	case contracts.FailedPassword, contracts.FailedUnknownUser, contracts.FailedLockedOut, contracts.FailedCodeWrong, contracts.FailedUnspecified:
		return true
	}
	return false
}

// FailuresThenSuccess finds an account on which somebody failed many times, and then got
// in. A person who sets a new password in between has proved to read the account's mail.
type FailuresThenSuccess struct {
	Failures int
	Allowed  networks
}

// Name is that of the rule.
func (FailuresThenSuccess) Name() string { return contracts.RuleFailuresThenSuccess }

// Reach is an hour before each success, which is in the last step.
func (FailuresThenSuccess) Reach() map[string]Span {
	before := Span{Before: hour + Step}
	return map[string]Span{
		contracts.TypeSigninFailed: before, contracts.TypeSigninAttempted: before, contracts.TypeSigninSucceeded: before, contracts.TypePasswordReset: before,
	}
}

// history is what happened on an account in the hour before its success.
type history struct {
	success                      Row
	since                        time.Time
	attempts, successes, allowed int
	failures                     map[string]int
	networks                     map[netip.Prefix]bool
}

// failed is how often somebody did not get in: what AWS's records say, or the attempts
// without a success, where the records say less. Abandoned attempts count like failures.
func (h *history) failed() int {
	n := 0
	for _, count := range h.failures {
		n += count
	}
	return max(n, h.attempts-h.successes-h.allowed-1) // the last attempt is that of the success
}

// Look finds successes in the last step.
func (r FailuresThenSuccess) Look(rows *Rows, at time.Time) []Finding {
	histories := map[int32]*history{}
	for _, s := range rows.between(contracts.TypeSigninSucceeded, at.Add(-Step), at) {
		if s.who >= 0 { // the last success of each user counts
			histories[s.who] = &history{success: s, since: s.Time.Add(-hour), failures: map[string]int{}, networks: map[netip.Prefix]bool{}}
		}
	}
	if len(histories) == 0 {
		return nil
	}
	r.read(rows, at, histories)
	var out []Finding
	for _, h := range histories {
		n := h.failed()
		if n < r.Failures {
			continue
		}
		f := Finding{
			Rule: r.Name(), Severity: contracts.SeverityCritical, Pool: h.success.Pool, Sub: h.success.Sub, Client: h.success.Client,
			From: at.Add(-hour), To: at, Counts: map[string]int{"failures": n, "successes": h.successes + 1}, Reasons: h.failures,
		}
		if len(h.networks) > 0 {
			f.Counts["networks"] = len(h.networks)
		}
		out = append(out, f)
	}
	return out
}

// read reads what happened on each account before its success, and since its password was
// last set.
func (r FailuresThenSuccess) read(rows *Rows, at time.Time, histories map[int32]*history) {
	from := at.Add(-hour - Step)
	for _, reset := range rows.between(contracts.TypePasswordReset, from, at) {
		if h := histories[reset.who]; h != nil && reset.Time.Before(h.success.Time) {
			h.since = reset.Time
		}
	}
	before := func(row *Row) *history {
		h := histories[row.who]
		if h == nil || row.Time.Before(h.since) || row.Time.After(h.success.Time) || row.ID == h.success.ID {
			return nil
		}
		return h
	}
	attempts := rows.between(contracts.TypeSigninAttempted, from, at)
	for i := range attempts {
		if h := before(&attempts[i]); h != nil {
			h.attempts++
		}
	}
	successes := rows.between(contracts.TypeSigninSucceeded, from, at)
	for i := range successes {
		if h := before(&successes[i]); h != nil {
			h.successes++
		}
	}
	failures := rows.between(contracts.TypeSigninFailed, from, at)
	for i := range failures {
		row := &failures[i]
		h := before(row)
		switch {
		case h == nil || !isGuess(row.Reason):
		case r.Allowed.contain(row.IP):
			h.allowed++
		default:
			h.failures[row.Reason]++
			if row.IP.IsValid() {
				h.networks[network(row.IP)] = true
			}
		}
	}
}
