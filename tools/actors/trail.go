package actors

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

// Trail reads the audit table. services/signin-audit/README.md describes its keys.
type Trail struct {
	Table dynamodb.QueryAPIClient
	Name  string
}

// Row is an audit row. Expires is in seconds since 1970; 0 means never.
type Row struct {
	Partition, Time, Type, ID, Pool, Client, Sub, Data, ReceivedAt string
	Synthetic                                                      bool
	Expires                                                        int64
}

// ReadRow reads a row as services/signin-audit writes it.
func ReadRow(item map[string]types.AttributeValue) Row {
	text := func(name string) string {
		s, _ := item[name].(*types.AttributeValueMemberS)
		if s == nil {
			return ""
		}
		return s.Value
	}
	row := Row{
		Partition: text("pk"), Time: text("time"), Type: text("type"), ID: text("id"), Pool: text("pool"),
		Client: text("client"), Sub: text("sub"), Data: text("data"), ReceivedAt: text("receivedAt"),
	}
	mark, _ := item[contracts.SyntheticExtension].(*types.AttributeValueMemberBOOL)
	row.Synthetic = mark != nil && mark.Value
	if n, _ := item["expiresAt"].(*types.AttributeValueMemberN); n != nil {
		row.Expires, _ = strconv.ParseInt(n.Value, 10, 64)
	}
	return row
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
			rows = append(rows, ReadRow(item))
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
