package findings

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
)

// story is rows that one test makes.
type story struct{ rows []Row }

// add adds a row some minutes before noon, with what change does to it.
func (s *story) add(typ, who string, minutes float64, change ...func(*Row)) {
	r := Row{ID: strconv.Itoa(len(s.rows)), Type: typ, Time: noon.Add(-time.Duration(minutes * float64(time.Minute))), Pool: dayPool, Client: web, Sub: who}
	for _, c := range change {
		c(&r)
	}
	s.rows = append(s.rows, r)
}

func (s *story) fail(who string, minutes float64, change ...func(*Row)) {
	s.add(contracts.TypeSigninFailed, who, minutes, append([]func(*Row){func(r *Row) { r.Reason = wrong }}, change...)...)
}

func from(ip string) func(*Row)       { return func(r *Row) { r.IP = netip.MustParseAddr(ip) } }
func because(code string) func(*Row)  { return func(r *Row) { r.Reason = code } }
func at(client string) func(*Row)     { return func(r *Row) { r.Client = client } }
func of(domain string) func(*Row)     { return func(r *Row) { r.Domain = domain } }
func by(kind, name string) func(*Row) { return func(r *Row) { r.ActorKind, r.Actor = kind, name } }

// found says what a rule finds in the window that ends at noon.
func (s *story) found(rule Rule) []string {
	var out []string
	for _, f := range rule.Look(NewRows(s.rows), noon) {
		var counts []string
		for _, name := range slices.Sorted(maps.Keys(f.Counts)) {
			counts = append(counts, fmt.Sprintf("%s=%d", name, f.Counts[name]))
		}
		out = append(out, strings.TrimSpace(f.Sub+f.Domain+" "+strings.Join(counts, " ")))
	}
	slices.Sort(out)
	return out
}

// TestRules tells each rule stories that are one act away from each other.
func TestRules(t *testing.T) {
	t.Parallel()
	guess := FailuresThenSuccess{Failures: 3, Allowed: networks{netip.MustParsePrefix("198.51.100.0/24")}}
	unknown := UnknownUsers{Users: 4, Share: 50, Factor: 2, Allowed: guess.Allowed}
	held := HeldLocked{Hours: 3, Users: 3, Allowed: guess.Allowed}
	sign := SignupBurst{SignUps: 4, Factor: 2}
	change := PoolChanges{Roles: []string{"deployer"}}
	many := func() Rule {
		return &Unresolved{Users: 4, Share: 50, Factor: 2, NetworkUsers: 3, Allowed: guess.Allowed}
	}
	times := func(s *story, n int, do func(i int)) {
		for i := range n {
			do(i)
		}
	}
	for _, tc := range []struct {
		name string
		rule Rule
		tell func(s *story)
		want []string
	}{
		{"three_failures", guess, func(s *story) {
			times(s, 3, func(i int) { s.fail("ann", 50-float64(i), from("192.0.2.1")) })
			s.add(contracts.TypeSigninSucceeded, "ann", 1)
		}, []string{"ann failures=3 networks=1 successes=1"}},
		{"two_failures", guess, func(s *story) {
			times(s, 2, func(i int) { s.fail("ann", 50) })
			s.add(contracts.TypeSigninSucceeded, "ann", 1)
		}, nil},
		{"an_hour_before", guess, func(s *story) {
			times(s, 3, func(i int) { s.fail("ann", 62) })
			s.add(contracts.TypeSigninSucceeded, "ann", 1)
		}, nil},
		{"success_before_the_step", guess, func(s *story) {
			times(s, 3, func(i int) { s.fail("ann", 50) })
			s.add(contracts.TypeSigninSucceeded, "ann", 6)
		}, nil},
		{"success_first", guess, func(s *story) {
			times(s, 3, func(i int) { s.fail("ann", 1) })
			s.add(contracts.TypeSigninSucceeded, "ann", 2)
		}, nil},
		{"another_user", guess, func(s *story) {
			times(s, 3, func(i int) { s.fail("bob", 50) })
			s.add(contracts.TypeSigninSucceeded, "ann", 1)
		}, nil},
		{"new_password_in_between", guess, func(s *story) {
			times(s, 3, func(i int) { s.fail("ann", 50) })
			s.add(contracts.TypePasswordReset, "ann", 10)
			s.add(contracts.TypeSigninSucceeded, "ann", 1)
		}, nil},
		{"failures_after_the_new_password", guess, func(s *story) {
			s.add(contracts.TypePasswordReset, "ann", 10)
			times(s, 3, func(i int) { s.fail("ann", 5) })
			s.add(contracts.TypeSigninSucceeded, "ann", 1)
		}, []string{"ann failures=3 successes=1"}},
		{"allowed_network", guess, func(s *story) {
			times(s, 3, func(i int) { s.fail("ann", 50, from("198.51.100.7")); s.add(contracts.TypeSigninAttempted, "ann", 50) })
			s.add(contracts.TypeSigninAttempted, "ann", 1.1)
			s.add(contracts.TypeSigninSucceeded, "ann", 1)
		}, nil},
		{"cognito_was_busy", guess, func(s *story) {
			times(s, 3, func(i int) { s.fail("ann", 50, because("throttled")) })
			s.add(contracts.TypeSigninSucceeded, "ann", 1)
		}, nil},
		{"attempts_without_records", guess, func(s *story) {
			times(s, 4, func(i int) { s.add(contracts.TypeSigninAttempted, "ann", 50-float64(i)) })
			s.add(contracts.TypeSigninSucceeded, "ann", 1)
		}, []string{"ann failures=3 successes=1"}},
		{"attempts_with_successes", guess, func(s *story) {
			times(s, 4, func(i int) {
				s.add(contracts.TypeSigninAttempted, "ann", 50-float64(i))
				s.add(contracts.TypeSigninSucceeded, "ann", 49.9-float64(i))
			})
			s.add(contracts.TypeSigninSucceeded, "ann", 1)
		}, nil},
		{"unknown_users", unknown, func(s *story) {
			times(s, 4, func(i int) {
				s.add(contracts.TypeSigninAttempted, "", 1, func(r *Row) { r.Unknown = true })
				s.fail("", 0.9)
				s.add(contracts.TypeSigninAttempted, "ann", 1)
			})
		}, []string{"attempts=8 attempts-before=0 unknown-users=4 unknown-users-before=0"}},
		{"unknown_users_of_records_only", unknown, func(s *story) { times(s, 4, func(i int) { s.fail("", 1) }) }, []string{"attempts=4 attempts-before=0 unknown-users=4 unknown-users-before=0"}},
		{"unknown_users_are_few", unknown, func(s *story) { times(s, 3, func(i int) { s.fail("", 1) }) }, nil},
		{"small_share", unknown, func(s *story) {
			times(s, 4, func(i int) { s.fail("", 1); s.add(contracts.TypeSigninAttempted, "ann", 1) })
			s.add(contracts.TypeSigninAttempted, "ann", 1)
		}, nil},
		{"unknown_users_as_before", unknown, func(s *story) {
			times(s, 4, func(i int) { s.fail("", 1); s.fail("", 90) })
		}, nil},
		{"unknown_users_are_over", unknown, func(s *story) { times(s, 4, func(i int) { s.fail("", 6) }) }, nil},
		{"unknown_users_of_an_allowed_network", unknown, func(s *story) { times(s, 4, func(i int) { s.fail("", 1, from("198.51.100.7")) }) }, nil},
		{"many_unresolved", many(), func(s *story) {
			times(s, 4, func(i int) { s.add(contracts.TypeSigninAttempted, "user"+strconv.Itoa(i), 1) })
		}, []string{"unresolved-users=4 users=4"}},
		{"few_unresolved", many(), func(s *story) {
			times(s, 3, func(i int) { s.add(contracts.TypeSigninAttempted, "user"+strconv.Itoa(i), 1) })
		}, nil},
		{"resolved_a_little_later", many(), func(s *story) {
			times(s, 4, func(i int) {
				s.add(contracts.TypeSigninAttempted, "user"+strconv.Itoa(i), 1)
				s.add(contracts.TypeSigninSucceeded, "user"+strconv.Itoa(i), -9)
			})
		}, nil},
		{"resolved_too_late", many(), func(s *story) {
			times(s, 4, func(i int) {
				s.add(contracts.TypeSigninAttempted, "user"+strconv.Itoa(i), 1)
				s.add(contracts.TypeSigninSucceeded, "user"+strconv.Itoa(i), -11)
			})
		}, []string{"unresolved-users=4 users=4"}},
		{"as_many_before", many(), func(s *story) {
			times(s, 4, func(i int) {
				s.add(contracts.TypeSigninAttempted, "user"+strconv.Itoa(i), 1)
				s.add(contracts.TypeSigninAttempted, "user"+strconv.Itoa(i), 100)
			})
		}, nil},
		{"one_network", many(), func(s *story) {
			times(s, 9, func(i int) {
				s.add(contracts.TypeSigninAttempted, "user"+strconv.Itoa(i), 30)
				s.add(contracts.TypeSigninSucceeded, "user"+strconv.Itoa(i), 29)
			})
			times(s, 3, func(i int) { s.fail("victim"+strconv.Itoa(i), 1, from("192.0.2."+strconv.Itoa(i))) })
		}, []string{"unresolved-users=3 users=12 users-of-one-network=3"}},
		{"several_networks", many(), func(s *story) {
			times(s, 3, func(i int) { s.fail("victim"+strconv.Itoa(i), 1, from("192.0."+strconv.Itoa(i)+".1")) })
		}, nil},
		{"allowed_one_network", many(), func(s *story) {
			times(s, 5, func(i int) {
				s.add(contracts.TypeSigninAttempted, "user"+strconv.Itoa(i), 1)
				s.fail("user"+strconv.Itoa(i), 0.9, from("198.51.100.7"))
			})
		}, nil},
		{"held_for_hours", held, func(s *story) {
			for _, m := range []float64{130, 70, 1} {
				s.fail("ann", m, because(contracts.FailedLockedOut))
			}
		}, []string{"ann hours=3"}},
		{"held_for_two_hours", held, func(s *story) {
			for _, m := range []float64{70, 50, 1} {
				s.fail("ann", m, because(contracts.FailedLockedOut))
			}
		}, nil},
		{"held_until_an_hour_ago", held, func(s *story) {
			for _, m := range []float64{190, 130, 70} {
				s.fail("ann", m, because(contracts.FailedLockedOut))
			}
		}, nil},
		{"wrong_passwords_for_hours", held, func(s *story) {
			for _, m := range []float64{130, 70, 1} {
				s.fail("ann", m)
			}
		}, nil},
		{"many_locked", held, func(s *story) {
			times(s, 3, func(i int) { s.fail("user"+strconv.Itoa(i), float64(20*i+1), because(contracts.FailedLockedOut)) })
		}, []string{"locked-users=3"}},
		{"locked_at_several_clients", held, func(s *story) {
			times(s, 3, func(i int) {
				s.fail("user"+strconv.Itoa(i), 1, because(contracts.FailedLockedOut), at("client"+strconv.Itoa(i)))
			})
		}, nil},
		{"sign_ups", sign, func(s *story) {
			times(s, 3, func(i int) { s.add(contracts.TypeSignupAllowed, "", 30, of("a.example")) })
			s.add(contracts.TypeSignupRejected, "", 1, of("a.example"))
		}, []string{"a.example allowed=3 most-before=0 rejected=1"}},
		{"sign_ups_of_two_domains", sign, func(s *story) {
			times(s, 2, func(i int) {
				s.add(contracts.TypeSignupAllowed, "", 1, of("a.example"))
				s.add(contracts.TypeSignupAllowed, "", 1, of("b.example"))
			})
		}, nil},
		{"as_many_sign_ups_before", sign, func(s *story) {
			times(s, 4, func(i int) { s.add(contracts.TypeSignupAllowed, "", 1, of("a.example")) })
			times(s, 3, func(i int) { s.add(contracts.TypeSignupAllowed, "", 200, of("a.example")) })
		}, nil},
		{"pool_changed", change, func(s *story) {
			s.add(contracts.TypePoolChanged, "", 50, by("root", ""))
			s.add(contracts.TypePoolChanged, "", 1, by(contracts.ByRole, "admin"))
		}, []string{"changes=2"}},
		{"pool_changed_by_the_pipeline", change, func(s *story) { s.add(contracts.TypePoolChanged, "", 1, by(contracts.ByRole, "deployer")) }, nil},
		{"pool_changed_by_a_user_of_that_name", change, func(s *story) { s.add(contracts.TypePoolChanged, "", 1, by("iam-user", "deployer")) }, []string{"changes=1"}},
		{"pool_changed_by_nobody_known", change, func(s *story) { s.add(contracts.TypePoolChanged, "", 1) }, []string{"changes=1"}},
		{"pool_changed_before", change, func(s *story) { s.add(contracts.TypePoolChanged, "", 6, by("root", "")) }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var s story
			tc.tell(&s)
			if diff := cmp.Diff(tc.want, s.found(tc.rule)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTwicePlantedIsOnce: copies of rows, and their order, change nothing.
func TestCopiesAndOrderChangeNothing(t *testing.T) {
	t.Parallel()
	var s story
	for i := range 40 {
		s.fail("ann", 50-float64(i))
		s.fail("user"+strconv.Itoa(i), float64(i%5)+0.5, because(contracts.FailedLockedOut), from("192.0.2.1"))
	}
	s.add(contracts.TypeSigninSucceeded, "ann", 1)
	rules := Defaults().Rules
	once := Evaluate(rules(), NewRows(s.rows), noon.Add(-hour), noon)
	twice := append(slices.Clone(s.rows), s.rows...)
	slices.Reverse(twice)
	again := Evaluate(rules(), NewRows(twice), noon.Add(-hour), noon)
	if diff := cmp.Diff(once, again); diff != "" || len(once) < 3 {
		t.Errorf("%d findings (-once +twice):\n%s", len(once), diff)
	}
}

// TestFindingsHaveNoAddress: an IP address is in no event.
func TestFindingsHaveNoAddress(t *testing.T) {
	t.Parallel()
	d := newDay(1)
	found := Evaluate(dayRules(t), d.seen(hour), d.start.Add(9*hour), d.start.Add(12*hour))
	if len(found) < 5 {
		t.Fatalf("%d findings", len(found))
	}
	for _, f := range found {
		ev, err := f.Event("arn:aws:cognito-idp:eu-central-1:123456789012:userpool/" + dayPool)
		if err != nil {
			t.Fatalf("Event: %v", err)
		}
		body, err := contracts.Encode(ev)
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		for _, ip := range []string{"192.0.2.", "198.51.100.", "203.0.113.", "45.0."} {
			if strings.Contains(string(body), ip) {
				t.Errorf("%s has an address", body)
			}
		}
	}
}
