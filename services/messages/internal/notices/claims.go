package notices

import (
	"context"
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

const (
	// lease is how long a claim holds without a mail: longer than the function's timeout, and
	// shorter than the queue's visibility timeout, so that the next delivery finds it ended.
	lease = time.Minute
	// kept is how long it is remembered that a mail was sent: longer than latest, after which
	// a copy is dropped by its age.
	kept = 3 * latest
	// tableTimeout bounds one call of DynamoDB, the SDK's retries included.
	tableTimeout = time.Second
)

// Attributes of the table.
const (
	keyAttribute    = "event"
	expiryAttribute = "expires"
	// leaseAttribute is on the row of a mail that is being sent.
	leaseAttribute = "lease"
)

// vacant is true if nobody sends or has sent the mail. Expiry is compared here, because
// DynamoDB may delete a row days late
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html).
const vacant = "attribute_not_exists(#event) OR #expires <= :now OR #lease <= :now"

// Table is what Claims needs of DynamoDB.
type Table interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Claims remember which events were mailed. A mail that was being sent when the function
// ended is sent again after a minute: it may come twice, and is not lost.
type Claims struct {
	Table Table
	Name  string
}

// errBeingSent is about a copy that came while the mail is being sent.
var errBeingSent = errors.New("notices: the mail is being sent, or its answer was lost")

// Claim reports whether the caller is to send the mail. It is false if the mail was sent,
// and an error if nobody knows yet.
func (c *Claims) Claim(ctx context.Context, ev event.Event, now time.Time) (bool, error) {
	item := row(ev, now)
	item[leaseAttribute] = unix(now.Add(lease))
	err := c.put(ctx, &dynamodb.PutItemInput{
		TableName: &c.Name, Item: item, ConditionExpression: aws.String(vacant),
		ExpressionAttributeNames:  map[string]string{"#event": keyAttribute, "#expires": expiryAttribute, "#lease": leaseAttribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":now": unix(now)},
		// The error contains the old item, so that no permission to read is needed.
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var taken *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &taken) && taken.Item[leaseAttribute] != nil:
		return false, errBeingSent
	case errors.As(err, &taken):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("dynamodb.PutItem: %w", reason.Safe(err))
	}
	return true, nil
}

// Sent records that the mail was sent.
func (c *Claims) Sent(ctx context.Context, ev event.Event, now time.Time) error {
	if err := c.put(ctx, &dynamodb.PutItemInput{TableName: &c.Name, Item: row(ev, now)}); err != nil {
		return fmt.Errorf("dynamodb.PutItem: %w", reason.Safe(err))
	}
	return nil
}

func (c *Claims) put(ctx context.Context, in *dynamodb.PutItemInput) error {
	ctx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	_, err := c.Table.PutItem(ctx, in)
	return err
}

func row(ev event.Event, now time.Time) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		keyAttribute:    &types.AttributeValueMemberS{Value: contracts.ClaimKey(ev)},
		expiryAttribute: unix(now.Add(kept)),
	}
}

func unix(t time.Time) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(t.Unix(), 10)}
}
