package audit

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/contracts"
)

// index of the table by day and type.
const index = "by-day"

// prefix that all types of Gatehouse have.
const prefix = "gatehouse."

// row is one row of the table as services/signin-audit writes it.
type row struct {
	id, typ, time, pool, client, sub, data, receivedAt string
	synthetic                                          bool
}

type reader struct {
	client dynamodb.QueryAPIClient
	table  string
	now    time.Time
}

// read returns the newest rows that o asks for, oldest first.
func (r *reader) read(ctx context.Context, o options) ([]row, error) {
	in := r.byDay(o)
	if o.user != "" {
		in = r.byUser(o)
	}
	// A user's rows come in the order of time, a day's in that of types first.
	ordered := o.user != ""
	var rows []row
	pages := dynamodb.NewQueryPaginator(r.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("dynamodb.Query: %w", err)
		}
		for _, item := range page.Items {
			// DynamoDB deletes expired rows within days, not at once.
			if at := expiry(item); at > 0 && at <= r.now.Unix() || !contracts.TypeMatches(value(item, "type"), o.typ) {
				continue
			}
			rows = append(rows, toRow(item))
		}
		if !ordered {
			newestFirst(rows)
		}
		if o.limit > 0 && len(rows) >= o.limit {
			rows = rows[:o.limit]
			if ordered {
				break
			}
		}
	}
	slices.Reverse(rows)
	return rows, nil
}

func (r *reader) byUser(o options) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		TableName: &r.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text("user#" + o.user)},
	}
	if o.day != "" {
		in.KeyConditionExpression = aws.String("pk = :pk AND begins_with(sk, :day)")
		in.ExpressionAttributeValues[":day"] = text(o.day + "T")
	}
	return in
}

func (r *reader) byDay(o options) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		TableName: &r.table, IndexName: aws.String(index), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression:    aws.String("#day = :day"),
		ExpressionAttributeNames:  map[string]string{"#day": "day"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":day": text(o.day)},
	}
	if o.typ != "" {
		in.KeyConditionExpression = aws.String("#day = :day AND begins_with(typeTime, :type)")
		in.ExpressionAttributeValues[":type"] = text(prefix + strings.TrimPrefix(o.typ, prefix))
	}
	return in
}

func newestFirst(rows []row) {
	slices.SortStableFunc(rows, func(a, b row) int { return strings.Compare(b.time+b.id, a.time+a.id) })
}

func toRow(item map[string]types.AttributeValue) row {
	mark, _ := item["synthetic"].(*types.AttributeValueMemberBOOL)
	return row{
		synthetic: mark != nil && mark.Value,
		id:        value(item, "id"), typ: value(item, "type"), time: value(item, "time"), pool: value(item, "pool"),
		client: value(item, "client"), sub: value(item, "sub"), data: value(item, "data"), receivedAt: value(item, "receivedAt"),
	}
}

func expiry(item map[string]types.AttributeValue) int64 {
	n, _ := item["expiresAt"].(*types.AttributeValueMemberN)
	if n == nil {
		return 0
	}
	at, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0
	}
	return at
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func value(item map[string]types.AttributeValue, name string) string {
	if s, ok := item[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
