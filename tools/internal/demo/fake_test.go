package demo

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

const (
	poolARN = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_Test"
	soon    = 5 * time.Second
)

// fakeStatistics answers with one list of sums per request, then with the last one.
type fakeStatistics struct{ answers [][]float64 }

func (f *fakeStatistics) GetMetricStatistics(context.Context, *cloudwatch.GetMetricStatisticsInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error) {
	out := &cloudwatch.GetMetricStatisticsOutput{}
	for _, sum := range f.answers[0] {
		out.Datapoints = append(out.Datapoints, cwtypes.Datapoint{Sum: aws.Float64(sum)})
	}
	if len(f.answers) > 1 {
		f.answers = f.answers[1:]
	}
	return out, nil
}

// fakeTable holds rows by partition; nothing shows before the request numbered after.
type fakeTable struct {
	rows  map[string][]string // ids
	asked int
	after int
}

func (f *fakeTable) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	f.asked++
	out := &dynamodb.QueryOutput{}
	if f.asked <= f.after {
		return out, nil
	}
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	value := func(name string) string {
		v, _ := in.ExpressionAttributeValues[name].(*types.AttributeValueMemberS)
		if v == nil {
			return ""
		}
		return v.Value
	}
	pk := value(":pk")
	_, inKey, _ := strings.Cut(value(":sk"), "#")
	for _, id := range f.rows[pk] {
		if id == value(":id") || id == inKey {
			out.Items = append(out.Items, map[string]types.AttributeValue{"pk": text(pk), "id": text(id), "time": text("now"), "type": text("t")})
		}
	}
	return out, nil
}

func anAct(id, sub string) contracts.Act {
	return contracts.Act{ID: id, PoolARN: poolARN, Subject: sub, Time: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
}

func rejected(t *testing.T, id, domain string) event.Event {
	t.Helper()
	return must(t)(contracts.NewSignupRejected(anAct(id, ""), contracts.SignupRejected{
		Via: contracts.ViaSignup, Domain: domain, Reason: "domain-disposable", Rule: "disposable-list", ListVersion: "2026-11-01",
	}))
}

func attempted(t *testing.T, id, sub string) event.Event {
	t.Helper()
	return must(t)(contracts.NewSigninAttempted(anAct(id, sub), contracts.SigninAttempted{}))
}

func must(t *testing.T) func(event.Event, error) event.Event {
	return func(ev event.Event, err error) event.Event {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return ev
	}
}
