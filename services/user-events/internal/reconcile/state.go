package reconcile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/services/user-events/internal/metrics"
)

// StateTable is what Ledger needs of DynamoDB for the state of a pass.
type StateTable interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// state is the progress of the passes over a pool. It is a row of the ledger.
type state struct {
	// Since is when the first run was.
	Since time.Time
	// Started is when the pass under way began; zero if none is.
	Started time.Time
	// Completed is when the last pass ended.
	Completed time.Time
	// Lease is until when a run is at work.
	Lease time.Time
	// Token leads to the next page. It may contain a user name, so it is stored nowhere else.
	Token string
	// Users is how many users the pass has read.
	Users int
	// version changes with each write, so that two runs cannot both write.
	version string
}

func (s *state) begin(now time.Time)    { s.Started, s.Token, s.Users = now, "", 0 }
func (s *state) complete(now time.Time) { s.Started, s.Token, s.Completed = time.Time{}, "", now }

// hours is the time since a pass was complete, or since the first run.
func (s *state) hours(now time.Time) int {
	from := s.Completed
	if from.IsZero() {
		from = s.Since
	}
	return int(now.Sub(from).Hours())
}

// errOther says that another run has written the state.
var errOther = errors.New("reconcile: another run has written the state")

// stateKey is the key of a pool's state. It is not that of a claim or of a user.
func stateKey(poolID string) types.AttributeValue {
	return &types.AttributeValueMemberS{Value: "reconciler#" + poolID}
}

// Attributes of the state.
const (
	sinceAttribute     = "since"
	startedAttribute   = "started"
	completedAttribute = "completed"
	leaseAttribute     = "lease"
	tokenAttribute     = "token"
	usersAttribute     = "users"
	versionAttribute   = "version"
)

// load reads the state of a pool; the zero state if there is none.
func (l *Ledger) load(ctx context.Context, poolID string) (state, error) {
	ctx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	out, err := l.State.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &l.Name, ConsistentRead: aws.Bool(true), Key: map[string]types.AttributeValue{metrics.KeyAttribute: stateKey(poolID)},
	})
	if err != nil {
		return state{}, fmt.Errorf("dynamodb.GetItem: %w", reason.Safe(err))
	}
	return state{
		Since: timeOf(out.Item[sinceAttribute]), Started: timeOf(out.Item[startedAttribute]), Completed: timeOf(out.Item[completedAttribute]),
		Lease: timeOf(out.Item[leaseAttribute]), Token: text(out.Item[tokenAttribute]), Users: int(number(out.Item[usersAttribute])),
		version: text(out.Item[versionAttribute]),
	}, nil
}

// save writes the state of a pool. It is errOther if it is not what was read or written
// last.
func (l *Ledger) save(ctx context.Context, poolID string, s *state) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tableTimeout)
	defer cancel()
	last, next := s.version, rand.Text()
	in := &dynamodb.PutItemInput{
		TableName: &l.Name, ConditionExpression: aws.String("attribute_not_exists(#version) OR #version = :last OR #version = :next"),
		ExpressionAttributeNames: map[string]string{"#version": versionAttribute},
		// The SDK repeats a call whose answer was lost, so the new version is its own.
		ExpressionAttributeValues: map[string]types.AttributeValue{":last": &types.AttributeValueMemberS{Value: last}, ":next": &types.AttributeValueMemberS{Value: next}},
		Item: map[string]types.AttributeValue{
			metrics.KeyAttribute: stateKey(poolID), versionAttribute: &types.AttributeValueMemberS{Value: next},
			usersAttribute: &types.AttributeValueMemberN{Value: strconv.Itoa(s.Users)},
		},
	}
	for name, at := range map[string]time.Time{sinceAttribute: s.Since, startedAttribute: s.Started, completedAttribute: s.Completed, leaseAttribute: s.Lease} {
		if !at.IsZero() {
			in.Item[name] = &types.AttributeValueMemberS{Value: at.UTC().Format(time.RFC3339Nano)}
		}
	}
	if s.Token != "" {
		in.Item[tokenAttribute] = &types.AttributeValueMemberS{Value: s.Token}
	}
	_, err := l.State.PutItem(ctx, in)
	var taken *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &taken):
		return errOther
	case err != nil:
		return fmt.Errorf("dynamodb.PutItem: %w", reason.Safe(err))
	}
	s.version = next
	return nil
}

func timeOf(v types.AttributeValue) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text(v))
	if err != nil {
		return time.Time{}
	}
	return at
}
