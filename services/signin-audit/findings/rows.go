package findings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/reason"
)

// MaxRows is how many rows one evaluation holds, about 250 bytes each: five hours with
// 100,000 sign-ins each.
const MaxRows = 1_000_000

// ErrTooMany is the error of a part of time with more than MaxRows rows.
var ErrTooMany = fmt.Errorf("findings: more than %d rows to evaluate at once", MaxRows)

// Table reads the audit table by its index of days. It reads the rows of the windows, so
// the cost depends neither on the users nor on the history.
type Table struct {
	Client dynamodb.QueryAPIClient
	Name   string
	Now    func() time.Time
	// Max is MaxRows, or fewer in a test.
	Max int
}

// stampLayout is the time in the keys of the table.
const stampLayout = "2006-01-02T15:04:05.000000000Z"

// Read reads what the rules need for the windows that end after from and not after to.
// Rows of synthetic users are left out, as in all counts. If they are too many, the error is
// [ErrTooMany], and the rows are those of the other types: anybody can cause any number of
// failures, which must not hide a change of the pool. [Rows.Whole] has the rules for them.
func (t *Table) Read(ctx context.Context, rules []Rule, from, to time.Time) (*Rows, error) {
	var all []Row
	spans, cut := reach(rules), map[string]bool{}
	for _, typ := range slices.Sorted(func(yield func(string) bool) {
		for typ := range spans {
			if !yield(typ) {
				return
			}
		}
	}) {
		span, before := spans[typ], len(all)
		err := t.each(ctx, typ, from.Add(-span.Before), to.Add(span.After), func(item map[string]types.AttributeValue) error {
			row, ok := t.row(item, typ)
			if !ok {
				return nil
			}
			if all = append(all, row); len(all) > t.Max {
				return ErrTooMany
			}
			return nil
		})
		switch {
		case errors.Is(err, ErrTooMany):
			all, cut[typ] = all[:before], true
		case err != nil:
			return nil, err
		}
	}
	rows := NewRows(all)
	if rows.cut = cut; len(cut) > 0 {
		return rows, ErrTooMany
	}
	return rows, nil
}

// Known returns the ids of the findings that were published with the end of their window
// in a part of time.
func (t *Table) Known(ctx context.Context, from, to time.Time) (map[string]bool, error) {
	known := map[string]bool{}
	err := t.each(ctx, contracts.TypeSecurityFinding, from, to, func(item map[string]types.AttributeValue) error {
		known[text(item, "id")] = true
		return nil
	})
	return known, err
}

// each reads the rows of a type, day by day.
func (t *Table) each(ctx context.Context, typ string, from, to time.Time, do func(map[string]types.AttributeValue) error) error {
	from, to = from.UTC(), to.UTC()
	for day := from.Truncate(24 * time.Hour); day.Before(to); day = day.Add(24 * time.Hour) {
		in := &dynamodb.QueryInput{
			TableName: &t.Name, IndexName: aws.String("by-day"),
			KeyConditionExpression: aws.String("#day = :day AND typeTime BETWEEN :from AND :to"),
			// Not the whole row: a million rows have to fit into the function's memory.
			ProjectionExpression: aws.String("#id, #time, #pool, #client, #sub, #data, #ip, #expires, #synthetic"),
			ExpressionAttributeNames: map[string]string{
				"#day": "day", "#id": "id", "#time": "time", "#pool": "pool", "#client": "client", "#sub": "sub", "#data": "data",
				"#ip": "ip", "#expires": "expiresAt", "#synthetic": contracts.SyntheticExtension,
			},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":day":  &types.AttributeValueMemberS{Value: day.Format(time.DateOnly)},
				":from": &types.AttributeValueMemberS{Value: typ + "#" + from.Format(stampLayout)},
				// A key has more after its time, so that a row at the very end is not between.
				":to": &types.AttributeValueMemberS{Value: typ + "#" + to.Format(stampLayout)},
			},
		}
		for pages := dynamodb.NewQueryPaginator(t.Client, in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				// Codes only: AWS's own text can quote the request.
				return fmt.Errorf("dynamodb.Query: %w", reason.Safe(err))
			}
			for _, item := range page.Items {
				if err := do(item); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// data is what is read of the data of all types. Fields of another type are left empty.
type data struct {
	UserNotFound bool
	Reason       string
	Domain       string
	By           struct{ Kind, Name string }
}

// row reads a row. One that has expired is not there any longer for anybody.
func (t *Table) row(item map[string]types.AttributeValue, typ string) (Row, bool) {
	if n, ok := item["expiresAt"].(*types.AttributeValueMemberN); ok {
		if at, err := strconv.ParseInt(n.Value, 10, 64); err == nil && at <= t.Now().Unix() {
			return Row{}, false
		}
	}
	if mark, ok := item[contracts.SyntheticExtension].(*types.AttributeValueMemberBOOL); ok && mark.Value {
		return Row{}, false
	}
	at, err := time.Parse(stampLayout, text(item, "time"))
	if err != nil {
		return Row{}, false
	}
	r := Row{ID: text(item, "id"), Type: typ, Time: at, Pool: text(item, "pool"), Client: text(item, "client"), Sub: text(item, "sub")}
	if raw := text(item, "data"); raw != "" && raw != "{}" {
		var d data
		_ = json.Unmarshal([]byte(raw), &d) // what it has of another shape is left empty
		r.Unknown, r.Reason, r.Domain, r.ActorKind, r.Actor = d.UserNotFound, d.Reason, d.Domain, d.By.Kind, d.By.Name
	}
	if ip, err := netip.ParseAddr(text(item, "ip")); err == nil {
		r.IP = ip.Unmap()
	}
	return r, true
}

func text(item map[string]types.AttributeValue, name string) string {
	if s, ok := item[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
