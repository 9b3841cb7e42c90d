// Package ledger remembers which events were counted, so that an event which
// SNS or SQS delivers again does not count again.
package ledger

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
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/lambdakit/reason"
)

// Keep is how long a claim holds: longer than a copy can wait, which is 14 days
// in a queue and, sent back from its dead-letter queue, 14 days once more.
const Keep = 30 * 24 * time.Hour

// Attributes of the table.
const (
	KeyAttribute    = "event"
	ExpiryAttribute = "expires"
	ClaimAttribute  = "claim"
)

// limit bounds one claim, retries included.
const limit = time.Second

// vacant is true where nobody holds the claim, or this very call does: when AWS's
// answer is lost the SDK asks again, and must not find its own claim taken by
// another, or the event would count nowhere. Expiry is compared here, because
// DynamoDB's own deletion can come days late
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html).
const vacant = "attribute_not_exists(#event) OR #expires <= :now OR #claim = :claim"

// Table is what Ledger needs of DynamoDB.
type Table interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Ledger claims events in a table.
type Ledger struct {
	Table Table
	Name  string
}

// Key names an event: CloudEvents promises that source and id together are
// unique, and neither alone.
func Key(ev event.Event) string { return ev.Source() + "#" + ev.ID() }

// Claim reports whether the caller is the first to claim ev.
func (l *Ledger) Claim(ctx context.Context, ev event.Event, now time.Time) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	claim := &types.AttributeValueMemberS{Value: rand.Text()}
	_, err := l.Table.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &l.Name,
		Item: map[string]types.AttributeValue{
			KeyAttribute:    &types.AttributeValueMemberS{Value: Key(ev)},
			ExpiryAttribute: unix(now.Add(Keep)),
			ClaimAttribute:  claim,
		},
		ConditionExpression:       aws.String(vacant),
		ExpressionAttributeNames:  map[string]string{"#event": KeyAttribute, "#expires": ExpiryAttribute, "#claim": ClaimAttribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":now": unix(now), ":claim": claim},
	})
	var taken *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &taken):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("dynamodb.PutItem: %s", reason.Of(err))
	}
	return true, nil
}

func unix(t time.Time) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(t.Unix(), 10)}
}
