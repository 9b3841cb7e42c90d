package actors

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

// Table is what a trail needs of DynamoDB.
type Table interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Trail reads the audit table. services/signin-audit/README.md describes its keys.
type Trail struct {
	Table Table
	Name  string
}

// Row is an audit row.
type Row struct {
	Partition, Time, Type, ID string
	Synthetic                 bool
}

// Find returns the rows of an event: one, or none as long as it is not recorded.
func (t *Trail) Find(ctx context.Context, ev event.Event) ([]Row, error) {
	return t.query(ctx, &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :day)"),
		FilterExpression:          aws.String("id = :id"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(Partition(ev)), ":day": text(day(ev)), ":id": text(ev.ID())},
	})
}

// Of returns all rows of a user.
func (t *Trail) Of(ctx context.Context, sub string) ([]Row, error) {
	return t.query(ctx, &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text("user#" + sub)},
	})
}

func (t *Trail) query(ctx context.Context, in *dynamodb.QueryInput) ([]Row, error) {
	in.TableName, in.ConsistentRead = &t.Name, aws.Bool(true)
	var rows []Row
	for pages := dynamodb.NewQueryPaginator(t.Table, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("dynamodb.Query: %w", err)
		}
		for _, item := range page.Items {
			mark, _ := item[contracts.SyntheticExtension].(*types.AttributeValueMemberBOOL)
			rows = append(rows, Row{
				Partition: value(item, "pk"), Time: value(item, "time"), Type: value(item, "type"), ID: value(item, "id"),
				Synthetic: mark != nil && mark.Value,
			})
		}
	}
	return rows, nil
}

// Partition is the key of an event's row: the user's, or that of a pool's day
// where the event names no user.
func Partition(ev event.Event) string {
	if ev.Subject() != "" {
		return "user#" + ev.Subject()
	}
	_, pool, _ := strings.Cut(ev.Source(), ":userpool/")
	return "none#" + pool + "#" + day(ev)
}

func day(ev event.Event) string { return ev.Time().UTC().Format(time.DateOnly) }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func value(item map[string]types.AttributeValue, name string) string {
	if s, ok := item[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
