package usermigration

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/lambdakit/reason"
)

// ErrLimited is the error of one try too many.
var ErrLimited = errors.New("usermigration: limited")

const (
	// addressWindow and totalWindow are the times in which tries are counted.
	addressWindow = 15 * time.Minute
	totalWindow   = time.Minute

	limitPrefix      = "limit#"
	sumAttribute     = "sum"
	expiresAttribute = "expires"
)

// Updater is what Limit needs of DynamoDB.
type Updater interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Limit counts tries in a table that all instances share. Cognito's own lockout counts
// for users of the pool only, so without it the trigger would be a way to guess the
// passwords of the old system. A repeated call counts again: too many is on the safe side.
// If the table does not answer, nobody is asked about.
type Limit struct {
	DynamoDB Updater
	Name     string
	// PerAddress and Total are the tries that are allowed in a window.
	PerAddress, Total int
	// Key makes an address unreadable in the table.
	Key func(context.Context) ([]byte, error)
	Now func() time.Time
}

// Try counts one try. The address is counted first: tries on one address that is locked do
// not use up what all others have together.
func (l *Limit) Try(ctx context.Context, address string) error {
	key, err := l.Key(ctx)
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte("limit\n" + address))
	of := hex.EncodeToString(mac.Sum(nil)[:16])
	if err := l.add(ctx, "address#"+of, addressWindow, l.PerAddress); err != nil {
		return err
	}
	return l.add(ctx, "total", totalWindow, l.Total)
}

func (l *Limit) add(ctx context.Context, what string, window time.Duration, most int) error {
	ctx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	begin := l.Now().Truncate(window)
	out, err := l.DynamoDB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &l.Name,
		Key:                      map[string]types.AttributeValue{KeyAttribute: &types.AttributeValueMemberS{Value: limitPrefix + what + "#" + strconv.FormatInt(begin.Unix(), 10)}},
		UpdateExpression:         aws.String("SET #expires = :expires ADD #sum :one"),
		ExpressionAttributeNames: map[string]string{"#expires": expiresAttribute, "#sum": sumAttribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":expires": number(begin.Add(window + time.Hour).Unix()), ":one": number(1),
		},
		ReturnValues: types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return fmt.Errorf("dynamodb.UpdateItem: %w", reason.Safe(err))
	}
	sum, is := out.Attributes[sumAttribute].(*types.AttributeValueMemberN)
	if !is {
		return errors.New("dynamodb.UpdateItem: no sum in the answer")
	}
	n, err := strconv.Atoi(sum.Value)
	switch {
	case err != nil:
		return errors.New("dynamodb.UpdateItem: the sum is not a number")
	case n > most:
		return ErrLimited
	}
	return nil
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
