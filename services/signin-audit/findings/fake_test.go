package findings

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// index is the table's index by day in memory. It answers two rows a page, and knows the
// one key condition of this package.
type index struct {
	items []map[string]types.AttributeValue
	err   error
	days  []string
	read  int
}

func value(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// add adds a row of a type at a time, with attributes.
func (x *index) add(typ, stamp string, more map[string]types.AttributeValue) {
	id := strconv.Itoa(len(x.items))
	item := map[string]types.AttributeValue{
		"day": value(stamp[:10]), "typeTime": value(typ + "#" + stamp + "#" + id), "id": value(id), "time": value(stamp),
		"pool": value(dayPool), "client": value(web), "data": value("{}"),
	}
	for name, v := range more {
		item[name] = v
	}
	x.items = append(x.items, item)
}

func (x *index) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if x.err != nil {
		return nil, x.err
	}
	arg := func(name string) string { return text(in.ExpressionAttributeValues, name) }
	x.days = append(x.days, arg(":day"))
	var hits []map[string]types.AttributeValue
	for _, item := range x.items {
		key := text(item, "typeTime")
		if *in.IndexName == "by-day" && *in.KeyConditionExpression == "#day = :day AND typeTime BETWEEN :from AND :to" &&
			text(item, "day") == arg(":day") && key >= arg(":from") && key <= arg(":to") {
			hits = append(hits, item)
		}
	}
	slices.SortFunc(hits, func(a, b map[string]types.AttributeValue) int {
		return strings.Compare(text(a, "typeTime"), text(b, "typeTime"))
	})
	start, _ := strconv.Atoi(text(in.ExclusiveStartKey, "n"))
	end := min(start+2, len(hits))
	out := &dynamodb.QueryOutput{Items: hits[start:end]}
	if end < len(hits) {
		out.LastEvaluatedKey = map[string]types.AttributeValue{"n": value(strconv.Itoa(end))}
	}
	x.read += end - start
	return out, nil
}
