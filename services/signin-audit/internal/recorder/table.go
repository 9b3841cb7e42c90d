package recorder

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/lambdakit/reason"
)

// DynamoDB is what Table needs of the service: the role may do nothing else.
type DynamoDB interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Table writes rows and never overwrites one.
type Table struct {
	Client DynamoDB
	Name   string
}

// Result says what happened to a row.
type Result int

// The results of Put. An existing row is never changed.
const (
	Written Result = iota
	Repeated
	Contradicted
)

// Put writes a row unless its key exists.
func (t *Table) Put(ctx context.Context, r Row) (Result, error) {
	item := r.item()
	old, written, err := t.putOnce(ctx, item)
	switch {
	case err != nil || written:
		return Written, err
	case same(old, item):
		return Repeated, nil
	}
	return Contradicted, nil
}

// Keep writes a row unless its key exists, and returns the row with the data and the mark
// that are recorded: its own, or those of the row that was there.
func (t *Table) Keep(ctx context.Context, r Row) (Row, error) {
	old, written, err := t.putOnce(ctx, r.item())
	if err != nil || written {
		return r, err
	}
	data, ok := old["data"].(*types.AttributeValueMemberS)
	if !ok {
		return r, errors.New("recorder: the row that exists has no data")
	}
	_, r.Synthetic = old["synthetic"]
	r.Data = data.Value
	return r, nil
}

// same compares the content of two events, not when they were received or expire, and not
// the caller's address, which only the first writer knows.
func same(a, b map[string]types.AttributeValue) bool {
	for _, name := range []string{"id", "type", "time", "pool", "client", "sub", "data"} {
		x, _ := a[name].(*types.AttributeValueMemberS)
		y, _ := b[name].(*types.AttributeValueMemberS)
		if (x == nil) != (y == nil) || x != nil && x.Value != y.Value {
			return false
		}
	}
	_, x := a["synthetic"]
	_, y := b["synthetic"]
	return x == y
}

// Claim decides what the act with this claim is recorded under: the first caller's id
// and time, which every later caller gets too. A claim of version 0.1 has no id, because
// it was the claim.
func (t *Table) Claim(ctx context.Context, claim string, by Claimed, expiresAt int64) (Claimed, error) {
	item := map[string]types.AttributeValue{
		"pk": text("once#" + claim), "sk": text("once"), "time": text(Stamp(by.At)), "eventId": text(by.ID),
	}
	if expiresAt > 0 {
		item["expiresAt"] = number(expiresAt)
	}
	old, written, err := t.putOnce(ctx, item)
	if err != nil || written {
		return by, err
	}
	first := Claimed{ID: claim}
	if id, ok := old["eventId"].(*types.AttributeValueMemberS); ok {
		first.ID = id.Value
	}
	at, _ := old["time"].(*types.AttributeValueMemberS)
	if at == nil {
		return first, errors.New("recorder: claimed id without a time")
	}
	if first.At, err = time.Parse(TimeLayout, at.Value); err != nil {
		return first, fmt.Errorf("time.Parse: %w", err)
	}
	return first, nil
}

// putOnce writes an item unless its key exists. In that case it returns the existing
// item.
func (t *Table) putOnce(ctx context.Context, item map[string]types.AttributeValue) (old map[string]types.AttributeValue, written bool, err error) {
	_, err = t.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &t.Name, Item: item,
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
		// The error contains the old item, so that no permission to read is needed.
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var exists *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &exists):
		return exists.Item, false, nil
	case err != nil:
		// Codes only: AWS's own text can quote the request, which has personal data.
		return nil, false, fmt.Errorf("dynamodb.PutItem: %w", reason.Safe(err))
	}
	return nil, true, nil
}

// item returns the attributes; empty ones are left out.
func (r Row) item() map[string]types.AttributeValue {
	item := map[string]types.AttributeValue{}
	for name, value := range map[string]string{
		"pk": r.PK, "sk": r.SK, "day": r.Day, "typeTime": r.TypeTime,
		"id": r.ID, "type": r.Type, "time": r.Time, "pool": r.Pool, "client": r.Client,
		"sub": r.Sub, "data": r.Data, "receivedAt": r.ReceivedAt, "ip": r.IP, "userAgent": r.UserAgent,
	} {
		if value != "" {
			item[name] = text(value)
		}
	}
	if r.Synthetic {
		item["synthetic"] = &types.AttributeValueMemberBOOL{Value: true}
	}
	if r.ExpiresAt > 0 {
		item["expiresAt"] = number(r.ExpiresAt)
	}
	return item
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
