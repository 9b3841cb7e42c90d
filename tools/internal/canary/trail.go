package canary

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

// querier is what trail needs of DynamoDB.
type querier interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// trail reads the audit table, whose keys services/signin-audit/README.md tells.
type trail struct {
	table querier
	name  string
}

// recorded tells whether an event has its row, and wants the mark on it.
func (t *trail) recorded(ctx context.Context, ev event.Event) (bool, error) {
	pages := dynamodb.NewQueryPaginator(t.table, &dynamodb.QueryInput{
		TableName: &t.name, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :day)"),
		FilterExpression:          aws.String("id = :id"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(partition(ev)), ":day": text(day(ev)), ":id": text(ev.ID())},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, fmt.Errorf("dynamodb.Query: %w", err)
		}
		for _, row := range page.Items {
			if mark, _ := row[contracts.SyntheticExtension].(*types.AttributeValueMemberBOOL); mark == nil || !mark.Value {
				return false, errors.New("the audit row is there and not marked synthetic")
			}
			return true, nil
		}
	}
	return false, nil
}

func day(ev event.Event) string { return ev.Time().UTC().Format(time.DateOnly) }

func partition(ev event.Event) string {
	if ev.Subject() != "" {
		return "user#" + ev.Subject()
	}
	_, pool, _ := strings.Cut(ev.Source(), ":userpool/")
	return "none#" + pool + "#" + day(ev)
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
