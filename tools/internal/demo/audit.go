package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudevents/sdk-go/v2/event"
)

// table is what audit needs of DynamoDB.
type table interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// audit reads the audit table. Its keys are described in services/signin-audit/README.md.
type audit struct {
	table table
	name  string
}

// row is what the demo shows of an audit row.
type row struct{ partition, time, kind, id string }

// find waits for the row of an event.
func (a *audit) find(ctx context.Context, limit time.Duration, ev event.Event) (row, error) {
	var found row
	err := poll(ctx, limit, "the audit row of "+ev.Type(), func(ctx context.Context) (bool, error) {
		pages := dynamodb.NewQueryPaginator(a.table, &dynamodb.QueryInput{
			TableName: &a.name, ConsistentRead: aws.Bool(true),
			KeyConditionExpression:    aws.String("pk = :pk"),
			FilterExpression:          aws.String("id = :id"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(partition(ev)), ":id": text(ev.ID())},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return false, fmt.Errorf("dynamodb.Query: %w", err)
			}
			for _, item := range page.Items {
				found = row{partition: value(item, "pk"), time: value(item, "time"), kind: value(item, "type"), id: value(item, "id")}
				return true, nil
			}
		}
		return false, nil
	})
	return found, err
}

// partition is the key under which signin-audit keeps the rows of a person, or
// of a pool's day where the event names nobody.
func partition(ev event.Event) string {
	if ev.Subject() != "" {
		return "user#" + ev.Subject()
	}
	_, pool, _ := strings.Cut(ev.Source(), ":userpool/")
	return "none#" + pool + "#" + ev.Time().UTC().Format(time.DateOnly)
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func value(item map[string]types.AttributeValue, name string) string {
	if s, ok := item[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
