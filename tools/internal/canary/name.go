package canary

import (
	"crypto/rand"
	"strings"
	"time"

	"gatehouse.example/contracts"
)

const (
	// idTime begins every id, so that whatever a crashed canary left says how old
	// it is without being asked.
	idTime = "20060102t150405"
	// localPart begins the local part of every canary's address. SES's mailbox
	// simulator takes mail to success+<anything> and tells nobody.
	localPart = "success+gatehouse-canary-"
	// disposable is the domain below which signup-guard's list refuses every address
	// (services/signup-guard/internal/disposable).
	disposable = "disposable." + contracts.SyntheticDomain
	// crashed is the age from which a canary counts as dead.
	crashed = time.Hour
)

// newID names one run.
func newID(now time.Time) string {
	return now.UTC().Format(idTime) + "-" + strings.ToLower(rand.Text()[:8])
}

// abandoned tells whether what has this id was left by a canary that is dead.
func abandoned(id string, now time.Time) bool {
	stamp, _, _ := strings.Cut(id, "-")
	at, err := time.Parse(idTime, stamp)
	return err == nil && now.Sub(at) > crashed
}

func queuePrefix(environment string) string { return "gatehouse-" + environment + "-canary-" }

func address(id string) string { return localPart + id + "@" + contracts.SyntheticDomain }

// refusedDomain is one that no other run has, so that its event can be told from
// theirs: a refused sign-up has no user.
func refusedDomain(id string) string { return id + "." + disposable }

// idOfAddress is the id in a canary's address, or empty.
func idOfAddress(email string) string {
	rest, isCanary := strings.CutPrefix(email, localPart)
	id, domain, _ := strings.Cut(rest, "@")
	if !isCanary || domain != contracts.SyntheticDomain {
		return ""
	}
	return id
}
