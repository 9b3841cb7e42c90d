package presignup

import (
	"fmt"
	"log/slog"
	"strings"

	"gatehouse.example/services/signup-guard/internal/address"
	"gatehouse.example/services/signup-guard/internal/domains"
)

// Config is what an operator sets by stack parameters.
type Config struct {
	// Allow takes precedence over Deny, and Deny over the disposable list. All three
	// also match subdomains.
	Allow, Deny domains.Set
	// CheckAdminCreated and CheckFederated say whether the rules about domains and
	// reserved names apply to users created by an administrator and users of an
	// identity provider. The rules about the form of an address always apply.
	CheckAdminCreated, CheckFederated bool
	// CheckLookAlikes and CheckReservedLocalParts switch those rules.
	CheckLookAlikes, CheckReservedLocalParts bool
}

// ConfigFromEnv reads a Config. Templates set every variable; a missing one has the
// default of its parameter.
func ConfigFromEnv(getenv func(string) string, log *slog.Logger) (Config, error) {
	var c Config
	for _, s := range []struct {
		name     string
		field    *bool
		fallback bool
	}{
		{"CHECK_ADMIN_CREATED", &c.CheckAdminCreated, false},
		{"CHECK_FEDERATED", &c.CheckFederated, true},
		{"CHECK_LOOKALIKES", &c.CheckLookAlikes, true},
		{"CHECK_RESERVED_LOCAL_PARTS", &c.CheckReservedLocalParts, true},
	} {
		switch getenv(s.name) {
		case "":
			*s.field = s.fallback
		case "true":
			*s.field = true
		case "false":
			*s.field = false
		default:
			return Config{}, fmt.Errorf("presignup: %s is neither true nor false", s.name)
		}
	}
	var err error
	if c.Allow, err = readDomains(getenv, "ALLOW_DOMAINS", log); err != nil {
		return Config{}, err
	}
	c.Deny, err = readDomains(getenv, "DENY_DOMAINS", log)
	return c, err
}

// readDomains reads a comma-separated list. An entry that is not a domain is ignored
// and its position logged: a typing error must not stop every sign-up, and the entry
// itself may be somebody's address.
func readDomains(getenv func(string) string, name string, log *slog.Logger) (domains.Set, error) {
	var list []string
	for i, entry := range strings.Split(getenv(name), ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		domain := address.SafeDomain("@" + entry)
		if domain == "" || strings.Contains(entry, "@") {
			log.Error("entry is not a domain and has no effect", "variable", name, "position", i+1)
			continue
		}
		list = append(list, domain)
	}
	set, err := domains.NewSet(list)
	if err != nil {
		return domains.Set{}, fmt.Errorf("domains.NewSet: %w", err)
	}
	return set, nil
}
