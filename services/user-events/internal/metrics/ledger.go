package metrics

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

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/reason"
)

// ClaimTTL is how long a claim lasts: longer than a copy can wait, which is 14 days in a
// queue and, if it is replayed from the dead-letter queue, another 14 days.
const ClaimTTL = 30 * 24 * time.Hour

// Attributes of the table.
const (
	KeyAttribute    = "event"
	ExpiryAttribute = "expires"
	ClaimAttribute  = "claim"
	// SumAttribute is what [Counts] adds to.
	SumAttribute = "sum"
)

// A claim is asked for again, as the same claim, if the answer did not come in time: it
// may have been made. claimTimeout bounds one question, the SDK's retries included.
const (
	claimAttempts = 2
	claimTimeout  = time.Second
)

// vacant is true if there is no claim, or if this call made it: when AWS's response is
// lost, the SDK repeats the call, which must not treat its own claim as another's, or
// the event would not be counted. Expiry is compared here, because DynamoDB may delete
// a row days late
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html).
const vacant = "attribute_not_exists(#event) OR #expires <= :now OR #claim = :claim"

// LedgerTable is what Ledger needs of DynamoDB.
type LedgerTable interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Ledger records in a table which events were counted, so that an event that SNS or
// SQS delivers twice is counted once.
type Ledger struct {
	Table LedgerTable
	Name  string
}

// Claim reports whether the caller is the first to claim ev. After an error it is not
// known whether the claim was made, and the next delivery may find it taken: the event is
// then in no metric. It cannot be counted twice.
func (l *Ledger) Claim(ctx context.Context, ev event.Event, now time.Time) (bool, error) {
	claim := &types.AttributeValueMemberS{Value: rand.Text()}
	in := &dynamodb.PutItemInput{
		TableName: &l.Name,
		Item: map[string]types.AttributeValue{
			KeyAttribute:    &types.AttributeValueMemberS{Value: contracts.ClaimKey(ev)},
			ExpiryAttribute: unix(now.Add(ClaimTTL)),
			ClaimAttribute:  claim,
		},
		ConditionExpression:       aws.String(vacant),
		ExpressionAttributeNames:  map[string]string{"#event": KeyAttribute, "#expires": ExpiryAttribute, "#claim": ClaimAttribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":now": unix(now), ":claim": claim},
	}
	var err error
	for range claimAttempts {
		var taken *types.ConditionalCheckFailedException
		switch err = l.put(ctx, in); {
		case errors.As(err, &taken):
			return false, nil
		case err == nil:
			return true, nil
		}
	}
	return false, fmt.Errorf("dynamodb.PutItem: %w", reason.Safe(err))
}

func (l *Ledger) put(ctx context.Context, in *dynamodb.PutItemInput) error {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	_, err := l.Table.PutItem(ctx, in)
	return err
}

func unix(t time.Time) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(t.Unix(), 10)}
}
