package metrics_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/services/user-events/internal/metrics"
)

// memoryTable is a ledger table in memory. It keeps the rows of the ledger and honours the three parts of its condition.
type memoryTable struct {
	mu   sync.Mutex
	rows map[string]row
	// Fail, where set, is asked before each write.
	Fail func(key string) error
}

type row struct {
	expires int64
	claim   string
}

// PutItem writes a row unless an unexpired one is there.
func (t *memoryTable) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	key, ok := in.Item[metrics.KeyAttribute].(*types.AttributeValueMemberS)
	if !ok {
		return nil, errors.New("memoryTable: no key")
	}
	if t.Fail != nil {
		if err := t.Fail(key.Value); err != nil {
			return nil, err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	expires, now := number(in.Item[metrics.ExpiryAttribute]), number(in.ExpressionAttributeValues[":now"])
	condition := aws.ToString(in.ConditionExpression)
	old, taken := t.rows[key.Value]
	if strings.Contains(condition, "#expires <= :now") && old.expires <= now {
		taken = false
	}
	if strings.Contains(condition, "#claim = :claim") && old.claim == text(in.ExpressionAttributeValues[":claim"]) {
		taken = false
	}
	if strings.Contains(condition, "attribute_not_exists(#event)") && taken {
		return nil, &types.ConditionalCheckFailedException{}
	}
	if t.rows == nil {
		t.rows = map[string]row{}
	}
	t.rows[key.Value] = row{expires: expires, claim: text(in.Item[metrics.ClaimAttribute])}
	return &dynamodb.PutItemOutput{}, nil
}

// Rows is how many claims the table holds.
func (t *memoryTable) Rows() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.rows)
}

func number(v types.AttributeValue) int64 {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	i, _ := strconv.ParseInt(n.Value, 10, 64)
	return i
}

func text(v types.AttributeValue) string {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return s.Value
}
