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
	// IP and UserAgent are the caller's, of a failed sign-in.
	IP, UserAgent string
	Synthetic     bool
	Expires       int64
}

// Expired reports whether a row has expired: DynamoDB deletes it within days, not at once.
func (r Row) Expired(now time.Time) bool { return r.Expires > 0 && r.Expires <= now.Unix() }

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
		IP: text("ip"), UserAgent: text("userAgent"),
	}
	mark, _ := item[contracts.SyntheticExtension].(*types.AttributeValueMemberBOOL)
	row.Synthetic = mark != nil && mark.Value
	if n, _ := item["expiresAt"].(*types.AttributeValueMemberN); n != nil {
		row.Expires, _ = strconv.ParseInt(n.Value, 10, 64)
	}
	return row
}

// sortTime is the time in a sort key, in UTC.
const sortTime = "2006-01-02T15:04:05.000000000Z"

// Find returns the rows of an event: one, or none as long as it is not recorded. It reads
// rows of the event's user only, or the one row of an event without a user, however many
// others there are.
func (t *Trail) Find(ctx context.Context, ev event.Event) ([]Row, error) {
	in := &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String("pk = :pk AND sk = :sk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(Partition(ev)), ":sk": text(ev.Time().UTC().Format(sortTime) + "#" + ev.ID())},
	}
	if ev.Subject() != "" {
		// A derived id has the time of the copy that was recorded first.
		in.KeyConditionExpression, in.FilterExpression = aws.String("pk = :pk"), aws.String("id = :id")
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":pk": text(Partition(ev)), ":id": text(ev.ID())}
	}
	return t.query(ctx, in)
}

// Between returns the rows of a pool's events without a user that happened between two
// moments. Strangers make such rows, so the moments should be close.
func (t *Trail) Between(ctx context.Context, pool string, from, to time.Time) ([]Row, error) {
	from, to = from.UTC(), to.UTC()
	var rows []Row
	for day := from.Truncate(24 * time.Hour); !day.After(to); day = day.Add(24 * time.Hour) {
		found, err := t.query(ctx, &dynamodb.QueryInput{
			KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :from AND :to"),
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":pk": text("none#" + pool + "#" + day.Format(time.DateOnly)), ":from": text(from.Format(sortTime)), ":to": text(to.Format(sortTime) + "~"),
			},
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

// Of returns all rows of a user.
func (t *Trail) Of(ctx context.Context, sub string) ([]Row, error) {
	return t.query(ctx, &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text("user#" + sub)},
	})
}

// On returns the rows with an event's id on some days, YYYY-MM-DD in UTC. It reads all rows
// of these days, so it is for a person who knows no more.
func (t *Trail) On(ctx context.Context, days []string, id string) ([]Row, error) {
	var rows []Row
	for _, day := range days {
		found, err := t.pages(ctx, &dynamodb.QueryInput{
			TableName: &t.Name, IndexName: aws.String("by-day"),
			KeyConditionExpression: aws.String("#day = :day"), FilterExpression: aws.String("id = :id"),
			ExpressionAttributeNames:  map[string]string{"#day": "day"},
			ExpressionAttributeValues: map[string]types.AttributeValue{":day": text(day), ":id": text(id)},
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

func (t *Trail) query(ctx context.Context, in *dynamodb.QueryInput) ([]Row, error) {
	in.TableName, in.ConsistentRead = &t.Name, aws.Bool(true)
	return t.pages(ctx, in)
}

func (t *Trail) pages(ctx context.Context, in *dynamodb.QueryInput) ([]Row, error) {
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
