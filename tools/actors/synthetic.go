package actors

import (
	"crypto/rand"
	"strings"
	"time"

	"gatehouse.example/contracts"
)

const (
	// Disposable is the domain below which signup-guard's list refuses every address
	// (services/signup-guard/internal/domains).
	Disposable = "disposable." + contracts.SyntheticDomain
	// SyntheticPrefix begins the local part of every synthetic user's address. SES's
	// mailbox simulator accepts mail to success+<anything> and delivers it to nobody.
	SyntheticPrefix = "success+gatehouse-canary-"
	// Crashed is the age from which what a run made counts as left behind.
	Crashed = time.Hour

	// idTime begins every id, so that what a crashed run left shows its age.
	idTime = "20060102t150405"
)

// NewID names one run, or what it makes.
func NewID(now time.Time) string {
	return now.UTC().Format(idTime) + "-" + strings.ToLower(rand.Text()[:8])
}

// Abandoned reports whether what has this id was left by a run that crashed.
func Abandoned(id string, now time.Time) bool {
	stamp, _, _ := strings.Cut(id, "-")
	at, err := time.Parse(idTime, stamp)
	return err == nil && now.Sub(at) > Crashed
}

// QueuePrefix begins the names of the queues that runs make in an environment.
func QueuePrefix(environment string) string { return "gatehouse-" + environment + "-canary-" }

// Secret is an id with 60 random bits more. Events name the id, in a domain; the secret
// is in the names of the run's queue and user only. So nobody outside the account can
// form the address, and who finds the queue of a crashed run knows its user.
func Secret(id string) string { return id + "-" + strings.ToLower(rand.Text()[:12]) }

// SyntheticAddress is the address of the synthetic user with a name: an id, or a secret.
func SyntheticAddress(name string) string {
	return SyntheticPrefix + name + "@" + contracts.SyntheticDomain
}

// NewPassword meets every policy that a pool can have.
func NewPassword() string { return "aA1-" + rand.Text() }
