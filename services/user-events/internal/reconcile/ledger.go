package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/services/user-events/internal/metrics"
)

// Table is what Ledger needs of DynamoDB for many rows at once.
type Table interface {
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
}

// Ledger is the table of what was announced. The metrics consumer claims each event in it,
// and a claim lasts a month; a row of a known user lasts as long as the table.
//
// Such a row must not expire while the user exists. Each pass reads all users: without the row
// it would find neither row nor claim, and announce a user of years ago again, to metrics that
// count the event and to subscribers that no longer know its id. Nor does it end with the user:
// it has a pool's id, a sub that Cognito never gives to another user, and a time, and AWS does
// not promise a record of a deletion. It has about 105 bytes, and DynamoDB bills 100 more for
// each item: 0.2 GB for a million users
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
type Ledger struct {
	Table Table
	State StateTable
	Name  string
}

// knownKey is the key of a known user's row. It is not that of a claim: no source of an
// event begins like this.
func knownKey(poolID, sub string) string { return "announced#" + poolID + "#" + sub }

// Kinds of a known user's row: it was announced, or it is older than what is announced.
const (
	announced = "announced"
	noted     = "noted"
)

// row is a known user to write.
type row struct{ sub, kind string }

// Limits of DynamoDB: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
const (
	mostReads, mostWrites = 100, 25
	// tableTimeout bounds one call, the SDK's retries included.
	tableTimeout = 5 * time.Second
	// attempts is how often the table is asked for what it had no capacity for.
	attempts = 6
)

// known says of which kind the rows of users are, by sub.
func (l *Ledger) known(ctx context.Context, poolID string, subs []string) (map[string]string, error) {
	keys := map[string]string{}
	for _, sub := range subs {
		keys[knownKey(poolID, sub)] = sub
	}
	out := map[string]string{}
	err := l.read(ctx, keys, func(sub string, item map[string]types.AttributeValue) {
		out[sub] = announced
		if _, is := item[noted]; is {
			out[sub] = noted
		}
	})
	return out, err
}

// claimed says which candidates' events were counted within a month, by sub.
func (l *Ledger) claimed(ctx context.Context, now time.Time, found []candidate) (map[string]bool, error) {
	keys := map[string]string{}
	for _, c := range found {
		keys[contracts.ClaimKey(c.ev)] = c.sub
	}
	out := map[string]bool{}
	err := l.read(ctx, keys, func(sub string, item map[string]types.AttributeValue) {
		// DynamoDB deletes an expired row days late.
		out[sub] = number(item[metrics.ExpiryAttribute]) > now.Unix()
	})
	return out, err
}

// read calls f with each row that exists, and with what keys has for it.
func (l *Ledger) read(ctx context.Context, keys map[string]string, f func(string, map[string]types.AttributeValue)) error {
	var batch []map[string]types.AttributeValue
	flush := func() error {
		for attempt := 0; len(batch) > 0; attempt++ {
			if err := l.pause(ctx, attempt); err != nil {
				return err
			}
			call, cancel := context.WithTimeout(ctx, tableTimeout)
			out, err := l.Table.BatchGetItem(call, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{l.Name: {Keys: batch}}})
			cancel()
			if err != nil {
				return fmt.Errorf("dynamodb.BatchGetItem: %w", reason.Safe(err))
			}
			for _, item := range out.Responses[l.Name] {
				if who, is := keys[text(item[metrics.KeyAttribute])]; is {
					f(who, item)
				}
			}
			batch = out.UnprocessedKeys[l.Name].Keys
		}
		return nil
	}
	for key := range keys {
		if batch = append(batch, map[string]types.AttributeValue{metrics.KeyAttribute: &types.AttributeValueMemberS{Value: key}}); len(batch) == mostReads {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// write adds rows of known users. They have no expiry: a user outlives every claim.
func (l *Ledger) write(ctx context.Context, now time.Time, poolID string, rows []row) error {
	at := &types.AttributeValueMemberS{Value: now.UTC().Format(time.RFC3339)}
	for len(rows) > 0 {
		n := min(len(rows), mostWrites)
		batch := make([]types.WriteRequest, n)
		for i, r := range rows[:n] {
			batch[i] = types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{
				metrics.KeyAttribute: &types.AttributeValueMemberS{Value: knownKey(poolID, r.sub)}, r.kind: at,
			}}}
		}
		for attempt := 0; len(batch) > 0; attempt++ {
			if err := l.pause(ctx, attempt); err != nil {
				return err
			}
			call, cancel := context.WithTimeout(ctx, tableTimeout)
			out, err := l.Table.BatchWriteItem(call, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{l.Name: batch}})
			cancel()
			if err != nil {
				return fmt.Errorf("dynamodb.BatchWriteItem: %w", reason.Safe(err))
			}
			batch = out.UnprocessedItems[l.Name]
		}
		rows = rows[n:]
	}
	return nil
}

// pause waits before a further attempt, longer each time.
func (l *Ledger) pause(ctx context.Context, attempt int) error {
	switch attempt {
	case 0:
		return nil
	case attempts:
		return errors.New("reconcile: the table has no capacity")
	}
	const first = 50 * time.Millisecond
	select {
	case <-ctx.Done():
		return fmt.Errorf("reconcile: %w", ctx.Err())
	case <-time.After(first << attempt):
		return nil
	}
}

func text(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func number(v types.AttributeValue) int64 {
	n, _ := v.(*types.AttributeValueMemberN)
	if n == nil {
		return 0
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0
	}
	return i
}
