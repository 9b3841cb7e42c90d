package metrics

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/lambdakit/reason"
)

// CountTable is what Counts needs of DynamoDB.
type CountTable interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Counts adds to rows of the ledger's table that all instances of a function share.
//
// DynamoDB's ADD is not idempotent: when AWS's response is lost, the SDK repeats the call,
// which would add again
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.AtomicCounters).
// So a row has the number of the last call of each process, and takes greater ones only. A row
// is of an hour or a minute, in which a function has few processes.
type Counts struct {
	Table CountTable
	Name  string
	// Process names the process: no other may have the name.
	Process string

	last atomic.Int64
}

// unmade is true if the table has not made this call yet, nor one that came after it.
const unmade = "attribute_not_exists(#process) OR #process < :call"

// Add adds n to the row of a key, once, and returns the sum. After an error it is not known
// whether it was added. A process must not add to the same row at the same time.
func (c *Counts) Add(ctx context.Context, key string, n int, expires time.Time) (int, error) {
	in := &dynamodb.UpdateItemInput{
		TableName:           &c.Name,
		Key:                 map[string]types.AttributeValue{KeyAttribute: &types.AttributeValueMemberS{Value: key}},
		UpdateExpression:    aws.String("SET #expires = :expires, #process = :call ADD #sum :n"),
		ConditionExpression: aws.String(unmade),
		ExpressionAttributeNames: map[string]string{
			"#expires": ExpiryAttribute, "#process": "process-" + c.Process, "#sum": SumAttribute,
		},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":call": decimal(c.last.Add(1)), ":expires": unix(expires), ":n": decimal(int64(n)),
		},
		ReturnValues: types.ReturnValueUpdatedNew,
		// If the call was made, the row has the sum. Others may have added to it since.
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	var err error
	for range claimAttempts {
		var row map[string]types.AttributeValue
		if row, err = c.update(ctx, in); err == nil {
			return sum(row)
		}
	}
	return 0, fmt.Errorf("dynamodb.UpdateItem: %w", reason.Safe(err))
}

// update returns attributes of the row after the call.
func (c *Counts) update(ctx context.Context, in *dynamodb.UpdateItemInput) (map[string]types.AttributeValue, error) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	out, err := c.Table.UpdateItem(ctx, in)
	var made *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &made):
		return made.Item, nil
	case err != nil:
		return nil, err
	}
	return out.Attributes, nil
}

func sum(row map[string]types.AttributeValue) (int, error) {
	n, ok := row[SumAttribute].(*types.AttributeValueMemberN)
	if !ok {
		return 0, errors.New("dynamodb.UpdateItem: no sum in the answer")
	}
	total, err := strconv.Atoi(n.Value)
	if err != nil {
		return 0, errors.New("dynamodb.UpdateItem: the sum is not a number")
	}
	return total, nil
}

func decimal(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
