package findings

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
)

// TestResolve tells what became of attempts, in stories that are one act away from each
// other. The hour ends ten minutes before noon.
func TestResolve(t *testing.T) {
	t.Parallel()
	attempt, success := contracts.TypeSigninAttempted, contracts.TypeSigninSucceeded
	for name, tc := range map[string]struct {
		tell func(*story)
		want Outcomes
	}{
		"nobody":    {func(*story) {}, Outcomes{}},
		"succeeded": {func(s *story) { s.add(attempt, "ann", 30); s.add(success, "ann", 29) }, Outcomes{Attempts: 1}},
		"failed":    {func(s *story) { s.add(attempt, "ann", 30); s.fail("ann", 30) }, Outcomes{Attempts: 1, Explained: 1}},
		"gave_up":   {func(s *story) { s.add(attempt, "ann", 30) }, Outcomes{Attempts: 1, Unresolved: 1}},
		"one_of_two": {func(s *story) {
			s.add(attempt, "ann", 31)
			s.add(attempt, "ann", 30)
			s.fail("ann", 30)
		}, Outcomes{Attempts: 2, Explained: 1, Unresolved: 1}},
		"a_code_mistyped_before_success": {func(s *story) {
			s.add(attempt, "ann", 30)
			s.fail("ann", 29, because(contracts.FailedCodeWrong))
			s.add(success, "ann", 28)
		}, Outcomes{Attempts: 1}},
		"the_failures_of_others": {func(s *story) {
			s.add(attempt, "ann", 30)
			s.add(attempt, "ben", 30)
			s.fail("ben", 30)
			s.fail("ben", 30)
		}, Outcomes{Attempts: 2, Explained: 1, Unresolved: 1}},
		"the_failures_elsewhere": {func(s *story) { s.add(attempt, "ann", 30); s.fail("ann", 30, at("app")) }, Outcomes{Attempts: 1, Unresolved: 1}},
		"unknown_user":           {func(s *story) { s.add(attempt, "", 30); s.fail("", 30) }, Outcomes{Attempts: 1, Explained: 1}},
		"unknown_user_gave_up":   {func(s *story) { s.add(attempt, "", 30) }, Outcomes{Attempts: 1, Unresolved: 1}},
		"page_names_no_user":     {func(s *story) { s.add(attempt, "ann", 30); s.fail("", 30) }, Outcomes{Attempts: 1, Explained: 1}},
		"page_of_another_client": {func(s *story) { s.add(attempt, "ann", 30); s.fail("", 30, at("app")) }, Outcomes{Attempts: 1, Unresolved: 1}},
		"two_clients": {func(s *story) {
			s.add(attempt, "", 30)
			s.add(attempt, "", 30, at("app"))
			s.fail("", 30, at("app"))
			s.fail("", 30, at("app"))
		}, Outcomes{Attempts: 2, Explained: 1, Unresolved: 1}},
		"success_without_attempt":  {func(s *story) { s.add(success, "ann", 30); s.add(attempt, "", 30) }, Outcomes{Attempts: 1, Unresolved: 1}},
		"succeeded_after_the_hour": {func(s *story) { s.add(attempt, "ann", 11); s.add(success, "ann", 2) }, Outcomes{Attempts: 1}},
		"answered_too_late":        {func(s *story) { s.add(attempt, "ann", 11); s.fail("ann", 0) }, Outcomes{Attempts: 1, Unresolved: 1}},
		"the_first_of_the_hour":    {func(s *story) { s.add(attempt, "ann", 70) }, Outcomes{Attempts: 1, Unresolved: 1}},
		"before_the_hour":          {func(s *story) { s.add(attempt, "ann", 71) }, Outcomes{}},
		"after_the_hour":           {func(s *story) { s.add(attempt, "ann", 10) }, Outcomes{}},
	} {
		var s story
		tc.tell(&s)
		if diff := cmp.Diff(tc.want, Resolve(NewRows(s.rows), noon)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestResolveHasRead: what the rules read is enough for the hour of a scheduled run, also
// of the one that reads least.
func TestResolveHasRead(t *testing.T) {
	t.Parallel()
	spans := reach(Defaults().Rules())
	for _, typ := range []string{contracts.TypeSigninAttempted, contracts.TypeSigninSucceeded, contracts.TypeSigninFailed} {
		if s := spans[typ]; Again+s.Before < hour+grace {
			t.Errorf("of %s only the %s before are read", typ, (Again + s.Before).Round(time.Minute))
		}
	}
}
