package clientevents

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/services/user-events/internal/metrics"
)

const (
	// used is the attribute of the ledger's table that counts a minute.
	used = "used"
	// keep is how long a minute's row is kept.
	keep = time.Hour
	// limitTimeout bounds one update, retries included.
	limitTimeout = time.Second
)

// Counters is what MinuteLimit needs of DynamoDB.
type Counters interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// MinuteLimit limits the events of each queue per minute of the clock, over all
// instances of the function. It counts in the ledger's table, in rows of its own.
type MinuteLimit struct {
	Table     Counters
	Name      string
	PerMinute int
}

// Take requests n events and returns how many of them may be published. Refused ones
// count too, so that one request is enough.
func (l *MinuteLimit) Take(ctx context.Context, who string, n int, now time.Time) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, limitTimeout)
	defer cancel()
	out, err := l.Table.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &l.Name,
		Key:                      map[string]types.AttributeValue{metrics.KeyAttribute: &types.AttributeValueMemberS{Value: Key(who, now)}},
		UpdateExpression:         aws.String("SET #expires = :expires ADD #used :n"),
		ExpressionAttributeNames: map[string]string{"#expires": metrics.ExpiryAttribute, "#used": used},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":expires": number(now.Add(keep).Unix()), ":n": number(int64(n)),
		},
		ReturnValues: types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, fmt.Errorf("dynamodb.UpdateItem: %s", reason.Of(err))
	}
	after, ok := out.Attributes[used].(*types.AttributeValueMemberN)
	if !ok {
		return 0, fmt.Errorf("dynamodb.UpdateItem: no count in the answer")
	}
	total, err := strconv.Atoi(after.Value)
	if err != nil {
		return 0, fmt.Errorf("strconv.Atoi: %w", err)
	}
	return min(n, max(0, l.PerMinute-(total-n))), nil
}

// Key identifies a minute's row. No event's key has this form.
func Key(who string, now time.Time) string {
	return "limit#" + who + "#" + now.UTC().Format("2006-01-02T15:04Z")
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
