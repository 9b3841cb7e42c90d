package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/terminal"
)

// index of the table by day and type.
const index = "by-day"

// prefix that all types of Gatehouse have.
const prefix = "gatehouse."

type reader struct {
	client dynamodb.QueryAPIClient
	table  string
	now    time.Time
}

// read returns the newest rows that o asks for, oldest first.
func (r *reader) read(ctx context.Context, o options) ([]actors.Row, error) {
	in := r.byDay(o)
	if o.user != "" {
		in = r.byUser(o)
	}
	// A user's rows come in the order of time, a day's in that of types first.
	ordered := o.user != ""
	var rows []actors.Row
	pages := dynamodb.NewQueryPaginator(r.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("dynamodb.Query: %w", err)
		}
		for _, item := range page.Items {
			row := actors.ReadRow(item)
			if row.Expired(r.now) || !contracts.TypeMatches(row.Type, o.typ) {
				continue
			}
			rows = append(rows, row)
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

func newestFirst(rows []actors.Row) {
	slices.SortStableFunc(rows, func(a, b actors.Row) int { return strings.Compare(b.Time+b.ID, a.Time+a.ID) })
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// listing is how rows are printed.
func listing(rows []actors.Row) terminal.Listing {
	l := terminal.Listing{
		Header: []string{"TIME", "TYPE", "USER", "CLIENT", "WHAT"},
		Empty:  "no rows; rows appear within seconds, --day and --user widen the search",
	}
	for _, r := range rows {
		fields := map[string]any{"id": r.ID, "type": r.Type, "time": r.Time, "pool": r.Pool, "receivedAt": r.ReceivedAt}
		if r.Synthetic {
			fields["synthetic"] = true
		}
		if json.Valid([]byte(r.Data)) {
			fields["data"] = json.RawMessage(r.Data)
		}
		l.Lines = append(l.Lines, terminal.Line{
			Cells:    []string{seconds(r.Time), short(r.Type), r.Sub, r.Client, what(r)},
			Fields:   fields,
			Optional: map[string]string{"client": r.Client, "ip": r.IP, "sub": r.Sub, "userAgent": r.UserAgent},
		})
	}
	return l
}

// seconds leaves out the fraction of a time.
func seconds(stamp string) string {
	t, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return stamp
	}
	return t.UTC().Format(time.RFC3339)
}

// short leaves out the prefix and the version of a type.
func short(typ string) string {
	typ = strings.TrimPrefix(typ, prefix)
	if i := strings.LastIndex(typ, ".v"); i > 0 && strings.Trim(typ[i+2:], "0123456789") == "" {
		return typ[:i]
	}
	return typ
}

// longestAgent is how much of a user agent is printed: the caller can send any text.
const longestAgent = 40

// what returns the data as name=value, or unchanged if it is not an object. A mark
// before it means a synthetic user. The caller of a failed sign-in is after it.
func what(r actors.Row) string {
	said := data(r)
	if r.IP != "" {
		said += " ip=" + r.IP
	}
	if agent := []rune(r.UserAgent); len(agent) > longestAgent {
		said += " userAgent=" + string(agent[:longestAgent]) + "…"
	} else if len(agent) > 0 {
		said += " userAgent=" + r.UserAgent
	}
	return strings.TrimSpace(said)
}

func data(r actors.Row) string {
	var words []string
	if r.Synthetic {
		words = append(words, "synthetic")
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(r.Data), &fields) != nil {
		return strings.TrimSpace(strings.Join(append(words, r.Data), " "))
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		words = append(words, name+"="+strings.Trim(string(fields[name]), `"`))
	}
	return strings.Join(words, " ")
}
