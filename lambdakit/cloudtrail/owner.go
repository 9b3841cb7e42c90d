package cloudtrail

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse.example/contracts"
)

// ParameterNames are the SSM names of what Owner needs of the platform: the pool's ARN, and
// the clients that the platform made.
func ParameterNames(environment string) []string {
	prefix := "/gatehouse/" + environment + "/platform/"
	return []string{prefix + "user-pool-arn", prefix + "web-client-id", prefix + "native-client-id", prefix + "machine-client-id"}
}

// Values are those of [ParameterNames], as parameters.Cache returns them.
type Values interface {
	Values(ctx context.Context) ([]string, error)
}

// Clients asks Cognito whether a pool has a client.
type Clients interface {
	Has(ctx context.Context, pool, client string) (bool, error)
}

// Owner says which user pool a record is about. EventBridge delivers the records of every
// pool of the account, and those of sign-ins name a client only.
type Owner struct {
	// Platform's first value is the pool's ARN; the others are clients of it.
	Platform Values
	// Clients knows the clients that somebody added to the pool.
	Clients Clients
	Now     func() time.Time

	mu    sync.Mutex
	asked map[string]answer // by client
}

type answer struct {
	has   bool
	until time.Time
}

// An answer about a client is cached. The account's other pools can have any number of
// clients, so the number of answers is bounded.
const (
	clientTTL  = 5 * time.Minute
	maxClients = 1000
)

// Ownership of a record.
type Ownership int

// What a record says about its pool.
const (
	// Unnamed is a record with neither pool nor client, as of DeleteUser and
	// ChangePassword, which the user calls with a token. Only the sub leads to the pool.
	Unnamed Ownership = iota
	// Ours is a record of the environment's pool.
	Ours
	// Foreign is a record of another pool.
	Foreign
)

// Of returns the id of the environment's pool, and whether the record is about it.
func (o *Owner) Of(ctx context.Context, r Record) (pool string, of Ownership, err error) {
	values, err := o.Platform.Values(ctx)
	if err != nil {
		return "", Unnamed, fmt.Errorf("Platform.Values: %w", err)
	}
	pool = contracts.PoolID(values[0])
	named, client := r.PoolID(), r.ClientID()
	switch {
	case isElsewhere(r, values[0]):
		return pool, Foreign, nil
	case named == pool:
		return pool, Ours, nil
	case named != "":
		return pool, Foreign, nil
	case client == "":
		return pool, Unnamed, nil
	}
	has, err := o.has(ctx, values, client)
	switch {
	case err != nil:
		return pool, Unnamed, err
	case has:
		return pool, Ours, nil
	}
	return pool, Foreign, nil
}

// isElsewhere reports a record of another account than the pool's. A bus can get such
// records, and a call that was refused there can name any pool
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html).
func isElsewhere(r Record, poolARN string) bool {
	const account = 4 // arn:partition:service:region:account:resource
	part := strings.Split(poolARN, ":")
	return r.Account != "" && len(part) > account && part[account] != r.Account
}

// Client is the app client that a record of the environment's pool names. It is empty if
// the pool does not have it: the hosted pages take it from the address of the request,
// where anybody can write anything.
func (o *Owner) Client(ctx context.Context, r Record) (string, error) {
	client := r.ClientID()
	if client == "" {
		return "", nil
	}
	values, err := o.Platform.Values(ctx)
	if err != nil {
		return "", fmt.Errorf("Platform.Values: %w", err)
	}
	if has, err := o.has(ctx, values, client); err != nil || !has {
		return "", err
	}
	return client, nil
}

// has reports whether the pool, which is the first of the platform's values, has a client.
func (o *Owner) has(ctx context.Context, values []string, client string) (bool, error) {
	if slices.Contains(values[1:], client) {
		return true, nil
	}
	now := o.Now()
	o.mu.Lock()
	known, ok := o.asked[client]
	o.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.has, nil
	}
	has, err := o.Clients.Has(ctx, contracts.PoolID(values[0]), client)
	if err != nil {
		return false, fmt.Errorf("Clients.Has: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.asked == nil || len(o.asked) >= maxClients {
		o.asked = map[string]answer{}
	}
	o.asked[client] = answer{has, now.Add(clientTTL)}
	return has, nil
}
