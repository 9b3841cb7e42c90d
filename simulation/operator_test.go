package simulation

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/lambdakit/publish"
)

// operatorsLedger is DynamoDB as the operator sees it.
type operatorsLedger struct{ *universe }

func (o operatorsLedger) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	invocationOf(ctx).live()
	o.mu.Lock()
	defer o.mu.Unlock()
	key := text(in.Key["event"])
	found := o.ledger.items[key+"\n"]
	if c := o.byClaim[key[strings.LastIndex(key, "#")+1:]]; found != nil && c != nil {
		// What the metrics have counted has come through the topic, acknowledged or not.
		c.acknowledged = true
	}
	if found == nil && o.bug.arrived {
		found = item{"event": in.Key["event"], "expires": &types.AttributeValueMemberN{Value: strconv.FormatInt(math.MaxInt64, 10)}}
	}
	return &dynamodb.GetItemOutput{Item: found}, nil
}

func (o operatorsLedger) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	invocationOf(ctx).live()
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ledger.put(in); err != nil {
		return nil, err
	}
	return &dynamodb.PutItemOutput{}, nil
}

// alarmClient is CloudWatch as the operator sees it. The value that ends the alarm is that
// of a moment: what was logged before it must not be in a log line only.
type alarmClient struct{ *universe }

func (a alarmClient) PutMetricData(ctx context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	invocationOf(ctx).live()
	a.mu.Lock()
	defer a.mu.Unlock()
	until := in.MetricData[0].Timestamp.Sub(a.began)
	for _, lines := range a.logs {
		for _, l := range lines {
			var kept map[string]json.RawMessage
			if l.at > until || !strings.Contains(l.text, publish.UndeliveredKey) || json.Unmarshal([]byte(l.text), &kept) != nil {
				continue
			}
			if c := a.copies[string(kept[publish.UndeliveredKey])]; c != nil && !a.acknowledged(c.name) {
				a.violate("the alarm ends when nothing is left", "the event %q is in a log line only", c.name)
			}
		}
	}
	return &cloudwatch.PutMetricDataOutput{}, nil
}
