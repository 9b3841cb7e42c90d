package events

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

// Attributes of the ledger's table, which services/user-events makes. The metrics
// consumer claims each event there when it counts it.
const (
	keyAttribute    = "event"
	expiryAttribute = "expires"
	sentAttribute   = "sent"
)

const (
	// recovered is the prefix of the marks. The operator may write no other rows.
	recovered = "recovered#"
	// keepMark is longer than logs can be kept, which is a year: a mark must outlive the
	// line that it is about.
	keepMark = 400 * 24 * time.Hour
	// claimTTL is how long the metrics consumer keeps a claim.
	claimTTL = 30 * 24 * time.Hour
)

// LedgerTable is what Ledger needs of DynamoDB.
type LedgerTable interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Ledger says which events have arrived, and which ones an operator has sent again.
type Ledger struct {
	Table LedgerTable
	Name  string
	Now   func() time.Time
}

// arrived reports whether an event was counted, which means that the topic delivered it. The
// answer is known for a month only.
func (l *Ledger) arrived(ctx context.Context, ev event.Event) (bool, error) {
	return l.has(ctx, contracts.ClaimKey(ev))
}

// wasSent reports whether an operator has sent an event again, or seen that it arrived.
func (l *Ledger) wasSent(ctx context.Context, ev event.Event) (bool, error) {
	return l.has(ctx, markKey(ev))
}

func (l *Ledger) has(ctx context.Context, key string) (bool, error) {
	out, err := l.Table.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &l.Name, ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{keyAttribute: &types.AttributeValueMemberS{Value: key}},
	})
	if err != nil {
		return false, fmt.Errorf("dynamodb.GetItem: %w", err)
	}
	// DynamoDB deletes an expired row days late.
	expires, _ := out.Item[expiryAttribute].(*types.AttributeValueMemberN)
	if expires == nil {
		return false, nil
	}
	until, err := strconv.ParseInt(expires.Value, 10, 64)
	return err == nil && until > l.Now().Unix(), nil
}

// mark notes that an event was sent again.
func (l *Ledger) mark(ctx context.Context, ev event.Event) error {
	now := l.Now().UTC()
	_, err := l.Table.PutItem(ctx, &dynamodb.PutItemInput{TableName: &l.Name, Item: map[string]types.AttributeValue{
		keyAttribute:    &types.AttributeValueMemberS{Value: markKey(ev)},
		expiryAttribute: &types.AttributeValueMemberN{Value: strconv.FormatInt(now.Add(keepMark).Unix(), 10)},
		sentAttribute:   &types.AttributeValueMemberS{Value: now.Format(time.RFC3339)},
	}})
	if err != nil {
		return fmt.Errorf("dynamodb.PutItem: %w", err)
	}
	return nil
}

// markKey is not that of a claim: no source of an event begins like this.
func markKey(ev event.Event) string { return recovered + ev.Source() + "#" + ev.ID() }
