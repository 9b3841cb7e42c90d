package findings

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings are the thresholds of the rules. The stack's parameters set them.
type Settings struct {
	// AllowedNetworks are networks whose failures count for nothing, such as an office's.
	AllowedNetworks networks
	// PoolChangeRoles are the IAM roles that may change the pool.
	PoolChangeRoles []string
	// Lag is how far back a window must lie before it is evaluated.
	Lag time.Duration

	// Failures before a success.
	Failures int
	// UnknownUsers is the least number of attempts as unknown users, UnknownShare their
	// least share in percent, and UnknownFactor how many times the share of before.
	UnknownUsers, UnknownShare, UnknownFactor int
	// UnresolvedUsers is the least number of users who did not get in, UnresolvedShare their
	// least share in percent, and UnresolvedFactor how many times the share of before.
	// NetworkUsers is how many of them from one network suffice.
	UnresolvedUsers, UnresolvedShare, UnresolvedFactor, NetworkUsers int
	// LockedHours of the last six in which an account was locked, and LockedUsers locked
	// within an hour.
	LockedHours, LockedUsers int
	// SignUps of one domain in an hour, and SignUpsFactor how many times the hours before.
	SignUps, SignUpsFactor int
}

// Setting is one of Settings by its name: that of the stack's parameter, and of the flag
// of `gatehouse findings try`.
type Setting struct {
	Name, Flag, Says string
	// Default is empty for a list.
	Default  string
	Min, Max int
}

// list are the names of the settings that are lists.
const (
	allowedNetworks = "AllowedNetworks"
	poolChangeRoles = "PoolChangeRoles"
)

// All are all settings.
func All() []Setting {
	return []Setting{
		{Name: allowedNetworks, Flag: "allowed-networks", Says: "networks whose failures do not count, as CIDRs with commas between them"},
		{Name: poolChangeRoles, Flag: "pool-change-roles", Says: "names of the IAM roles that may change the pool, with commas between them"},
		{"FindingsLagMinutes", "lag-minutes", "minutes that a window must lie back, because AWS delivers its records late", "20", 0, 240},
		{"FindingsFailures", "failures", "failures of one user before a success", "10", 2, 1000},
		{"FindingsUnknownUsers", "unknown-users", "attempts as unknown users in an hour, at least", "50", 2, 1000000},
		{"FindingsUnknownShare", "unknown-share", "their share of all attempts in percent, at least", "10", 1, 100},
		{"FindingsUnknownFactor", "unknown-factor", "their share, as a multiple of that in the hours before", "3", 1, 100},
		{"FindingsUnresolvedUsers", "unresolved-users", "users who did not get in within an hour, at least", "50", 2, 1000000},
		{"FindingsUnresolvedShare", "unresolved-share", "their share of all users in percent, at least", "10", 1, 100},
		{"FindingsUnresolvedFactor", "unresolved-factor", "their share, as a multiple of that in the hours before", "2", 1, 100},
		{"FindingsNetworkUsers", "network-users", "users who did not get in from one network within an hour", "30", 2, 1000000},
		{"FindingsLockedHours", "locked-hours", "hours of the last six in which an account was locked", "3", 2, 6},
		{"FindingsLockedUsers", "locked-users", "accounts locked within an hour", "25", 2, 1000000},
		{"FindingsSignUps", "sign-ups", "sign-ups of one domain in an hour, at least", "50", 2, 1000000},
		{"FindingsSignUpsFactor", "sign-ups-factor", "sign-ups of one domain, as a multiple of the hours before", "5", 1, 100},
	}
}

// numbers are where the numbers of the settings belong.
func (s *Settings) numbers() map[string]*int {
	return map[string]*int{
		"FindingsFailures":     &s.Failures,
		"FindingsUnknownUsers": &s.UnknownUsers, "FindingsUnknownShare": &s.UnknownShare, "FindingsUnknownFactor": &s.UnknownFactor,
		"FindingsUnresolvedUsers": &s.UnresolvedUsers, "FindingsUnresolvedShare": &s.UnresolvedShare,
		"FindingsUnresolvedFactor": &s.UnresolvedFactor, "FindingsNetworkUsers": &s.NetworkUsers,
		"FindingsLockedHours": &s.LockedHours, "FindingsLockedUsers": &s.LockedUsers,
		"FindingsSignUps": &s.SignUps, "FindingsSignUpsFactor": &s.SignUpsFactor,
	}
}

// Set changes one setting.
func (s *Settings) Set(name, value string) error {
	i := slices.IndexFunc(All(), func(known Setting) bool { return known.Name == name })
	if i < 0 {
		return errors.New("findings: unknown setting " + name)
	}
	switch name {
	case allowedNetworks:
		var all networks
		for _, one := range split(value) {
			p, err := netip.ParsePrefix(one)
			if err != nil {
				return fmt.Errorf("findings: %s takes CIDRs such as 192.0.2.0/24", name)
			}
			all = append(all, p.Masked())
		}
		s.AllowedNetworks = all
		return nil
	case poolChangeRoles:
		s.PoolChangeRoles = split(value)
		return nil
	}
	known := All()[i]
	n, err := strconv.Atoi(value)
	if err != nil || n < known.Min || n > known.Max {
		return fmt.Errorf("findings: %s takes a number from %d to %d", name, known.Min, known.Max)
	}
	if into, ok := s.numbers()[name]; ok {
		*into = n
		return nil
	}
	s.Lag = time.Duration(n) * time.Minute
	return nil
}

func split(list string) []string {
	var out []string
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}

// Defaults are the settings that no parameter changes.
func Defaults() Settings {
	var s Settings
	for _, known := range All() {
		_ = s.Set(known.Name, known.Default) // a test sets each
	}
	return s
}

// Parse reads settings as the stack writes them: NAME=VALUE, one a line. What is missing
// has its default, so that a function may be newer than its stack's parameters.
func Parse(text string) (Settings, error) {
	s := Defaults()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if !found {
			return Settings{}, errors.New("findings: a line of the settings is not NAME=VALUE")
		}
		if err := s.Set(name, value); err != nil {
			return Settings{}, err
		}
	}
	return s, nil
}

// Rules are all rules that read the audit table.
func (s Settings) Rules() []Rule {
	return []Rule{
		FailuresThenSuccess{Failures: s.Failures, Allowed: s.AllowedNetworks},
		UnknownUsers{Users: s.UnknownUsers, Share: s.UnknownShare, Factor: s.UnknownFactor, Allowed: s.AllowedNetworks},
		&Unresolved{
			Users: s.UnresolvedUsers, Share: s.UnresolvedShare, Factor: s.UnresolvedFactor, NetworkUsers: s.NetworkUsers,
			Allowed: s.AllowedNetworks,
		},
		HeldLocked{Hours: s.LockedHours, Users: s.LockedUsers, Allowed: s.AllowedNetworks},
		SignupBurst{SignUps: s.SignUps, Factor: s.SignUpsFactor},
		PoolChanges{Roles: s.PoolChangeRoles},
	}
}

// Pick returns the rules with a name, or all for an empty one.
func Pick(rules []Rule, name string) ([]Rule, error) {
	if name == "" {
		return rules, nil
	}
	for _, rule := range rules {
		if rule.Name() == name {
			return []Rule{rule}, nil
		}
	}
	var names []string
	for _, rule := range rules {
		names = append(names, rule.Name())
	}
	return nil, errors.New("findings: the rules are " + strings.Join(names, ", "))
}
