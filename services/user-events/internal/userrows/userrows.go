// Package userrows keeps in the ledger's table which users the pool has. CloudTrail's
// records of calls with a user's token, such as a deletion, do not name the pool, and
// records come from every pool of the account. Only the sub shows whose user it is.
//
// A row has a pool's id, a sub and whether the user is synthetic. It has no expiry until
// the user is deleted.
package userrows

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	pooltypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/reason"
)

// Attributes of a row, next to the table's own.
const (
	KeyAttribute       = "event"
	ExpiryAttribute    = "expires"
	SyntheticAttribute = "synthetic"
	SeenAttribute      = "seen"
)

// Kept is how long the row of a deleted user is kept, so that records which arrive after
// that of the deletion find it.
const Kept = 30 * 24 * time.Hour

const (
	// timeout bounds one call, retries included.
	timeout = time.Second
	// missingTTL is how long it is remembered that the pool does not have a user, and
	// maxMissing of how many. The other pools of the account can have any number.
	missingTTL = 5 * time.Minute
	maxMissing = 10_000
)

// Key identifies the row of a user. No event's key has this form.
func Key(pool, sub string) string { return "user#" + pool + "#" + sub }

// Table is what Rows needs of DynamoDB.
type Table interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Pool is what Rows needs of Cognito.
type Pool interface {
	ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
}

// Rows are the users' rows of the ledger.
type Rows struct {
	Table Table
	Name  string
	// Pool is asked for users without a row, and when a user signed up.
	Pool Pool
	Now  func() time.Time

	mu      sync.Mutex
	missing map[string]time.Time // by key, until when
}

// Find says whether the pool has, or had, a user, and whether the user is synthetic. With
// ask it asks Cognito about a user without a row.
func (r *Rows) Find(ctx context.Context, pool, sub string, ask bool) (found, synthetic bool, err error) {
	if !contracts.IsSub(sub) {
		return false, false, nil
	}
	call, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := r.Table.GetItem(call, &dynamodb.GetItemInput{TableName: &r.Name, Key: key(pool, sub)})
	if err != nil {
		return false, false, fmt.Errorf("dynamodb.GetItem: %w", reason.Safe(err))
	}
	if len(out.Item) > 0 {
		mark, _ := out.Item[SyntheticAttribute].(*types.AttributeValueMemberBOOL)
		return true, mark != nil && mark.Value, nil
	}
	if !ask || r.isMissing(pool, sub) {
		return false, false, nil
	}
	user, err := r.ask(ctx, pool, sub)
	switch {
	case err != nil:
		return false, false, err
	case user == nil:
		r.setMissing(pool, sub)
		return false, false, nil
	}
	return true, false, r.Remember(ctx, pool, sub, false)
}

// SignedUp says when a user signed up: when Cognito made the user, which is before the
// confirmation. The time is zero if the pool does not have the user.
func (r *Rows) SignedUp(ctx context.Context, pool, sub string) (time.Time, error) {
	if !contracts.IsSub(sub) {
		return time.Time{}, nil
	}
	user, err := r.ask(ctx, pool, sub)
	if err != nil || user == nil {
		return time.Time{}, err
	}
	return aws.ToTime(user.UserCreateDate), nil
}

// ask looks for a user in the pool; nil is none. The sub is a part of the filter, so it must
// have been checked. Of the attributes it asks for the sub alone.
func (r *Rows) ask(ctx context.Context, pool, sub string) (*pooltypes.UserType, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := r.Pool.ListUsers(ctx, &cognito.ListUsersInput{
		UserPoolId: &pool, Filter: aws.String(`sub = "` + sub + `"`), AttributesToGet: []string{"sub"}, Limit: aws.Int32(1),
	})
	if err != nil {
		return nil, fmt.Errorf("cognito.ListUsers: %w", reason.Safe(err))
	}
	if len(out.Users) == 0 {
		return nil, nil
	}
	return &out.Users[0], nil
}

// Remember keeps that the pool has a user. It never takes a mark or an expiry away, so
// that the order of the calls does not matter.
func (r *Rows) Remember(ctx context.Context, pool, sub string, synthetic bool) error {
	set, names := "SET #seen = :yes", map[string]string{"#seen": SeenAttribute}
	if synthetic {
		set, names = set+", #synthetic = :yes", map[string]string{"#seen": SeenAttribute, "#synthetic": SyntheticAttribute}
	}
	return r.update(ctx, pool, sub, set, names, map[string]types.AttributeValue{":yes": &types.AttributeValueMemberBOOL{Value: true}})
}

// Forget lets DynamoDB delete the row of a deleted user, after [Kept].
func (r *Rows) Forget(ctx context.Context, pool, sub string) error {
	at := strconv.FormatInt(r.Now().Add(Kept).Unix(), 10)
	return r.update(ctx, pool, sub, "SET #expires = :at", map[string]string{"#expires": ExpiryAttribute},
		map[string]types.AttributeValue{":at": &types.AttributeValueMemberN{Value: at}})
}

func (r *Rows) update(ctx context.Context, pool, sub, set string, names map[string]string, values map[string]types.AttributeValue) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if _, err := r.Table.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.Name, Key: key(pool, sub), UpdateExpression: &set,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}); err != nil {
		return fmt.Errorf("dynamodb.UpdateItem: %w", reason.Safe(err))
	}
	return nil
}

func key(pool, sub string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{KeyAttribute: &types.AttributeValueMemberS{Value: Key(pool, sub)}}
}

func (r *Rows) isMissing(pool, sub string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Now().Before(r.missing[Key(pool, sub)])
}

func (r *Rows) setMissing(pool, sub string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.missing == nil || len(r.missing) >= maxMissing {
		r.missing = map[string]time.Time{}
	}
	r.missing[Key(pool, sub)] = r.Now().Add(missingTTL)
}
