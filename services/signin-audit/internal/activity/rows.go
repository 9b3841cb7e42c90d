package activity

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/services/signin-audit/internal/recorder"
)

// maxQueries bounds the queries of one request. The response to each has 1 MB at
// most, and that of a function 6 MB.
const maxQueries = 4

// filteredPage is how many rows a query reads if a filter applies.
const filteredPage = 250

// Item is a row as the caller sees it.
type Item struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Time   string `json:"time"`
	Pool   string `json:"pool"`
	Client string `json:"client,omitempty"`
	Sub    string `json:"sub,omitempty"`
	// Data is the event's data; absent if it has none.
	Data       json.RawMessage `json:"data,omitempty"`
	ReceivedAt string          `json:"receivedAt"`
	// IP and UserAgent are the caller's, of a failed sign-in.
	IP        string `json:"ip,omitempty"`
	UserAgent string `json:"userAgent,omitempty"`
	// Synthetic is set on the rows of synthetic users.
	Synthetic bool `json:"synthetic,omitempty"`
}

// Page is one response, newest row first.
type Page struct {
	Items []Item `json:"items"`
	// Next is the cursor of the next page; absent on the last page. A page may have
	// fewer items than requested, even none, and still have a next page.
	Next string `json:"next,omitempty"`
}

// DynamoDB is what Table needs of the service: the role may do nothing else.
type DynamoDB interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Table reads the audit table. It queries and never scans: the cost of a page does
// not depend on the size of the table.
type Table struct {
	Client DynamoDB
	Name   string
	Now    func() time.Time
}

// Read returns a page of a person's rows.
func (t *Table) Read(ctx context.Context, sub string, q Query) (Page, error) {
	page := Page{Items: []Item{}}
	in := t.query(sub, q)
	for range maxQueries {
		out, err := t.Client.Query(ctx, in)
		if err != nil {
			// Codes only: AWS's own text can quote the request.
			return Page{}, fmt.Errorf("dynamodb.Query: %w", reason.Safe(err))
		}
		for i, row := range out.Items {
			if !t.wanted(row, q) {
				continue
			}
			page.Items = append(page.Items, item(row))
			if len(page.Items) == q.Limit {
				if i < len(out.Items)-1 || len(out.LastEvaluatedKey) > 0 {
					page.Next = encodeCursor(text(row, "sk"))
				}
				return page, nil
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return page, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
	page.Next = encodeCursor(text(in.ExclusiveStartKey, "sk"))
	return page, nil
}

// query is the first request of a page.
func (t *Table) query(sub string, q Query) *dynamodb.QueryInput {
	value := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	in := &dynamodb.QueryInput{
		TableName: &t.Name, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		Limit:                     aws.Int32(int32(q.Limit)),
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": value(recorder.UserKey(sub))},
	}
	if q.Type != "" {
		in.Limit = aws.Int32(filteredPage)
	}
	// A row's key has more after the stamp, so that the first row that is not
	// included sorts after To: BETWEEN, which includes both ends, omits it.
	switch {
	case q.From != "" && q.To != "":
		in.KeyConditionExpression = aws.String("pk = :pk AND sk BETWEEN :from AND :to")
	case q.From != "":
		in.KeyConditionExpression = aws.String("pk = :pk AND sk >= :from")
	case q.To != "":
		in.KeyConditionExpression = aws.String("pk = :pk AND sk < :to")
	}
	for name, bound := range map[string]string{":from": q.From, ":to": q.To} {
		if bound != "" {
			in.ExpressionAttributeValues[name] = value(bound)
		}
	}
	if q.After != "" {
		in.ExclusiveStartKey = map[string]types.AttributeValue{"pk": value(recorder.UserKey(sub)), "sk": value(q.After)}
	}
	return in
}

// wanted removes rows of other types, and rows that have expired, which DynamoDB
// deletes within days.
func (t *Table) wanted(row map[string]types.AttributeValue, q Query) bool {
	if n, ok := row["expiresAt"].(*types.AttributeValueMemberN); ok {
		at, err := strconv.ParseInt(n.Value, 10, 64)
		if err == nil && at > 0 && at <= t.Now().Unix() {
			return false
		}
	}
	return contracts.TypeMatches(text(row, "type"), q.Type)
}

func item(row map[string]types.AttributeValue) Item {
	it := Item{
		ID: text(row, "id"), Type: text(row, "type"), Time: text(row, "time"), Pool: text(row, "pool"),
		Client: text(row, "client"), Sub: text(row, "sub"), ReceivedAt: text(row, "receivedAt"),
		IP: text(row, "ip"), UserAgent: text(row, "userAgent"),
	}
	if data := text(row, "data"); json.Valid([]byte(data)) {
		it.Data = json.RawMessage(data)
	}
	if mark, ok := row["synthetic"].(*types.AttributeValueMemberBOOL); ok {
		it.Synthetic = mark.Value
	}
	return it
}

func text(row map[string]types.AttributeValue, name string) string {
	if s, ok := row[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
