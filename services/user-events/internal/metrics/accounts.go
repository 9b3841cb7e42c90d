package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/emf"
)

// Users keeps which users the pool has, and knows when each signed up.
type Users interface {
	Remember(ctx context.Context, pool, sub string, synthetic bool) error
	SignedUp(ctx context.Context, pool, sub string) (time.Time, error)
}

// Budget says how many of n more tokens of a client are above its budget for an hour.
type Budget interface {
	Over(ctx context.Context, client string, hour time.Time, n int) (int, error)
}

// The metrics of what CloudTrail's records say.
const (
	UsersDeleted           = "UsersDeleted"
	UsersDisabled          = "UsersDisabled"
	PasswordsChanged       = "PasswordsChanged"
	MFAChanged             = "MfaChanged"
	GroupsChanged          = "GroupsChanged"
	PoolChanges            = "PoolChanges"
	ClientTokensIssued     = "ClientTokensIssued"
	ClientTokensRefused    = "ClientTokensRefused" //nolint:gosec // a name, not a credential
	ClientTokensOverBudget = "ClientTokensOverBudget"
)

// The metrics of sign-ins without a password.
const (
	ChallengesSent   = "ChallengesSent"
	ChallengesPassed = "ChallengesPassed"
	ChallengesFailed = "ChallengesFailed"
)

// plain are the types whose events are counted, and no more.
var plain = map[string]string{
	contracts.TypeSignupAllowed:   SignUpsAllowed,
	contracts.TypeUserCreated:     UsersCreated,
	contracts.TypePasswordReset:   PasswordsReset,
	contracts.TypeAppEvent:        AppEvents,
	contracts.TypeUserDeleted:     UsersDeleted,
	contracts.TypeUserDisabled:    UsersDisabled,
	contracts.TypePasswordChanged: PasswordsChanged,
	contracts.TypeMFAChanged:      MFAChanged,
	contracts.TypeGroupAdded:      GroupsChanged,
	contracts.TypeGroupRemoved:    GroupsChanged,
	contracts.TypePoolChanged:     PoolChanges,
	contracts.TypeTokenRefused:    ClientTokensRefused,
	contracts.TypeChallengeSent:   ChallengesSent,
	contracts.TypeChallengePassed: ChallengesPassed,
}

// clientHour is an hour of a client.
type clientHour struct {
	client string
	hour   time.Time
}

// remember keeps a new user for account-records, which cannot tell from a record whether
// a user is synthetic, or of which pool a deleted one was.
func (c *Counter) remember(ctx context.Context, ev event.Event) error {
	if ev.Type() != contracts.TypeUserCreated || !contracts.IsSub(ev.Subject()) {
		return nil
	}
	if err := c.Users.Remember(ctx, contracts.PoolID(ev.Source()), ev.Subject(), contracts.IsSynthetic(ev)); err != nil {
		return fmt.Errorf("users.Remember: %w", err)
	}
	return nil
}

// budget counts the tokens of a batch towards the budgets of their clients. The events are
// claimed, so a copy counts no more, and a failure is logged: the tokens may be in no budget,
// but they are in their own metric.
func (c *Counter) budget(ctx context.Context, tokens map[clientHour]int, out *emf.Batch) {
	for of, n := range tokens {
		over, err := c.Budget.Over(ctx, of.client, of.hour, n)
		if err != nil {
			c.Log.ErrorContext(ctx, "tokens may be in no budget", "tokens", n, "error", err.Error())
			continue
		}
		out.Add(ClientTokensOverBudget, emf.Count, float64(over))
	}
}

// budgetKept is how long the row of an hour is kept: longer than records are late.
const budgetKept = 2 * 24 * time.Hour

// TokenBudget counts the tokens of each client in an hour, over all instances of the
// function, in rows of the ledger's table. An alarm of CloudWatch cannot do it: it has no
// sum over an hour for clients that no template names.
type TokenBudget struct {
	Counts  *Counts
	PerHour int
	Now     func() time.Time
}

// Over adds n tokens and says how many of them are above the budget.
func (b *TokenBudget) Over(ctx context.Context, client string, hour time.Time, n int) (int, error) {
	total, err := b.Counts.Add(ctx, HourKey(client, hour), n, b.Now().Add(budgetKept))
	if err != nil {
		return 0, fmt.Errorf("counts.Add: %w", err)
	}
	return min(n, max(0, total-b.PerHour)), nil
}

// HourKey identifies the row of a client's hour. No event's key has this form.
func HourKey(client string, hour time.Time) string {
	return "tokens#" + client + "#" + hour.UTC().Format("2006-01-02T15Z")
}
