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
	"gatehouse.example/services/user-events/internal/ledger"
)

const (
	// used is the attribute of the ledger's table that counts a minute.
	used = "used"
	// keep is how long a minute's row stays; nobody asks for it later.
	keep = time.Hour
	// limitTimeout bounds one look at the limit, retries included.
	limitTimeout = time.Second
)

// Counters is what MinuteLimit needs of DynamoDB.
type Counters interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// MinuteLimit lets so many events of each queue through in a minute of the clock,
// whichever instance of the function has them. It counts in the ledger's table,
// in rows of its own.
type MinuteLimit struct {
	Table     Counters
	Name      string
	PerMinute int
}

// Take asks for n events and says how many of them may be published. What is
// refused counts, too: one request is enough, and the minute is full all the same.
func (l *MinuteLimit) Take(ctx context.Context, who string, n int, now time.Time) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, limitTimeout)
	defer cancel()
	out, err := l.Table.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &l.Name,
		Key:                      map[string]types.AttributeValue{ledger.KeyAttribute: &types.AttributeValueMemberS{Value: Key(who, now)}},
		UpdateExpression:         aws.String("SET #expires = :expires ADD #used :n"),
		ExpressionAttributeNames: map[string]string{"#expires": ledger.ExpiryAttribute, "#used": used},
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

// Key names a minute's row; no event's key looks like it.
func Key(who string, now time.Time) string {
	return "limit#" + who + "#" + now.UTC().Format("2006-01-02T15:04Z")
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
