package challenge

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/services/passwordless/internal/letter"
)

// Limits say how many challenges may begin.
type Limits struct {
	// PerAddress is how many within [window] for one user or address.
	PerAddress int
	// PerClient is how many within a minute for one app client.
	PerClient int
}

// window is what PerAddress counts in.
const window = 15 * time.Minute

// kept is how long after its end a row may stay. DynamoDB deletes it some time later, so the
// end is also checked here.
const kept = time.Hour

// DynamoDB is what Store needs of the service: the role may do nothing else.
type DynamoDB interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Store keeps challenges and counts in one table.
type Store struct {
	Client DynamoDB
	Table  string
}

// Challenge is a row.
type Challenge struct {
	letter.Envelope

	Answers int
	Used    bool
}

// Begin keeps a new challenge.
func (s *Store) Begin(ctx context.Context, e letter.Envelope) error {
	_, err := s.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.Table, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		Item: map[string]types.AttributeValue{
			"pk": of(challengeKey(e.ID)), "sealed": &types.AttributeValueMemberB{Value: e.Sealed},
			"validUntil": number(e.ExpiresAt), "expiresAt": number(e.ExpiresAt + int64(kept.Seconds())),
		},
	})
	if err != nil {
		return fmt.Errorf("dynamodb.PutItem: %w", reason.Safe(err))
	}
	return nil
}

// Count adds one to the answers of a challenge and returns it. found is false if there is
// none.
func (s *Store) Count(ctx context.Context, id string) (c Challenge, found bool, err error) {
	out, err := s.update(ctx, challengeKey(id), "ADD answers :one", "attribute_exists(pk)", map[string]types.AttributeValue{":one": number(1)})
	if err != nil || out == nil {
		return Challenge{}, false, err
	}
	sealed, _ := out["sealed"].(*types.AttributeValueMemberB)
	if sealed == nil {
		return Challenge{}, false, errors.New("challenge: the row has no letter")
	}
	_, used := out["used"]
	return Challenge{
		Envelope: letter.Envelope{ID: id, ExpiresAt: integer(out["validUntil"]), Sealed: sealed.Value},
		Answers:  int(integer(out["answers"])), Used: used,
	}, true, nil
}

// Use marks a challenge as used and reports whether this call was the first to do so.
func (s *Store) Use(ctx context.Context, id string) (first bool, err error) {
	out, err := s.update(ctx, challengeKey(id), "SET used = :yes", "attribute_exists(pk) AND attribute_not_exists(used)",
		map[string]types.AttributeValue{":yes": &types.AttributeValueMemberBOOL{Value: true}})
	return out != nil, err
}

// Exceeded counts a request and says which limit it exceeds, in the words of the events. It
// counts for both limits, whatever it finds.
func (s *Store) Exceeded(ctx context.Context, l Limits, name, client string, now time.Time) (string, error) {
	ofAddress, err := s.add(ctx, "address#"+name, now, window)
	if err != nil {
		return "", err
	}
	ofClient, err := s.add(ctx, "client#"+client, now, time.Minute)
	switch {
	case err != nil:
		return "", err
	case ofAddress > int64(l.PerAddress):
		return contracts.ChallengeTooManyForUser, nil
	case ofClient > int64(l.PerClient):
		return contracts.ChallengeTooManyForClient, nil
	}
	return "", nil
}

// add counts one within a period that begins at a multiple of its length.
func (s *Store) add(ctx context.Context, key string, now time.Time, period time.Duration) (int64, error) {
	begins := now.Truncate(period)
	out, err := s.update(ctx, "count#"+key+"#"+strconv.FormatInt(begins.Unix(), 10), "ADD requests :one SET expiresAt = :end", "",
		map[string]types.AttributeValue{":one": number(1), ":end": number(begins.Add(period + kept).Unix())})
	if err != nil {
		return 0, err
	}
	return integer(out["requests"]), nil
}

// update changes a row and returns all of it, or nil if it is not as the condition says.
func (s *Store) update(ctx context.Context, key, expression, condition string, values map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: map[string]types.AttributeValue{"pk": of(key)}, UpdateExpression: &expression,
		ExpressionAttributeValues: values, ReturnValues: types.ReturnValueAllNew,
	}
	if condition != "" {
		in.ConditionExpression = &condition
	}
	out, err := s.Client.UpdateItem(ctx, in)
	var otherwise *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &otherwise):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("dynamodb.UpdateItem: %w", reason.Safe(err))
	case out.Attributes == nil:
		return nil, errors.New("dynamodb.UpdateItem: the answer has no row")
	}
	return out.Attributes, nil
}

func challengeKey(id string) string { return "challenge#" + id }

func of(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// integer is a number of a row; zero for anything else.
func integer(v types.AttributeValue) int64 {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0
	}
	return i
}
