package queuetest

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Counts is a table in memory that adds up. It understands the update of metrics.Counts alone.
type Counts struct {
	// Rows have the numbers of each row, by attribute.
	Rows map[string]map[string]int64
	// Lost is how many of the next answers are lost: the row is written, and the caller gets
	// an error.
	Lost int
	// Repeat is how often the SDK sends each call again by itself, because the answer of AWS
	// was lost.
	Repeat int
	// Err is the error of each call, and Odd the sum in each answer.
	Err error
	Odd types.AttributeValue

	mu sync.Mutex
}

// UpdateItem adds.
func (c *Counts) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Err != nil {
		return nil, c.Err
	}
	out, err := c.update(in)
	for range c.Repeat {
		out, err = c.update(in)
	}
	if c.Lost > 0 {
		c.Lost--
		return nil, errors.New("the answer is lost")
	}
	return out, err
}

func (c *Counts) update(in *dynamodb.UpdateItemInput) (*dynamodb.UpdateItemOutput, error) {
	key, _ := in.Key["event"].(*types.AttributeValueMemberS)
	update := aws.ToString(in.UpdateExpression)
	if key == nil || !strings.HasPrefix(update, "SET #expires = :expires, #process = :call") || !strings.Contains(update, " ADD #sum ") {
		return nil, errors.New("queuetest: another update")
	}
	value := func(name string) int64 {
		n, _ := in.ExpressionAttributeValues[name].(*types.AttributeValueMemberN)
		if n == nil {
			return 0
		}
		i, _ := strconv.ParseInt(n.Value, 10, 64)
		return i
	}
	row, process := maps.Clone(c.Rows[key.Value]), in.ExpressionAttributeNames["#process"]
	if last, is := row[process]; is && strings.Contains(aws.ToString(in.ConditionExpression), "#process < :call") && last >= value(":call") {
		return nil, &types.ConditionalCheckFailedException{Item: c.item(row)}
	}
	if row == nil {
		row = map[string]int64{}
	}
	row["expires"], row[process] = value(":expires"), value(":call")
	row["sum"] += value(":n")
	if c.Rows == nil {
		c.Rows = map[string]map[string]int64{}
	}
	c.Rows[key.Value] = row
	return &dynamodb.UpdateItemOutput{Attributes: c.item(row)}, nil
}

func (c *Counts) item(row map[string]int64) map[string]types.AttributeValue {
	out := map[string]types.AttributeValue{}
	for name, n := range row {
		out[name] = &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
	}
	if c.Odd != nil {
		out["sum"] = c.Odd
	}
	return out
}
