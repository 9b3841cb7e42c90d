package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
)

// otlpMetrics makes another function of the metrics function's code, which sends its counts
// as OpenTelemetry metrics, too. It has no queue.
func (s *system) otlpMetrics(t *testing.T) (name string) {
	t.Helper()
	client := s.clients(t).lambda
	deployed := must(client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("gatehouse-local-user-events-metrics")}))(t)
	answer := must(http.Get(*deployed.Code.Location))(t)
	defer func() { _ = answer.Body.Close() }()
	code, is := must(io.ReadAll(answer.Body))(t), deployed.Configuration
	environment := is.Environment.Variables
	environment["OTLP_METRICS_URL"] = "https://monitoring.us-east-1.amazonaws.com/v1/metrics"
	name = "e2e-otlp-" + uuid.NewString()[:8]
	must(client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: is.Runtime, Handler: is.Handler, Role: is.Role, Architectures: is.Architectures, Timeout: is.Timeout,
		Environment: &lambdatypes.Environment{Variables: environment}, Code: &lambdatypes.FunctionCode{ZipFile: code},
		LoggingConfig: &lambdatypes.LoggingConfig{LogFormat: is.LoggingConfig.LogFormat, LogGroup: is.LoggingConfig.LogGroup},
	}))(t)
	t.Cleanup(func() {
		_, _ = client.DeleteFunction(context.WithoutCancel(t.Context()), &lambda.DeleteFunctionInput{FunctionName: &name})
	})
	return name
}

// otlpSum adds up what arrived with these labels, all of them in one series.
func (s *system) otlpSum(t *testing.T, metric string, labels map[string]string) float64 {
	t.Helper()
	in := &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("OpenTelemetry"), MetricName: &metric, Period: aws.Int32(60),
		StartTime: aws.Time(began.Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)),
		Statistics: []cloudwatchtypes.Statistic{cloudwatchtypes.StatisticSum},
	}
	for name, value := range labels {
		in.Dimensions = append(in.Dimensions, cloudwatchtypes.Dimension{Name: aws.String(name), Value: aws.String(value)})
	}
	sum := 0.0
	for _, d := range must(s.clients(t).cloudwatch.GetMetricStatistics(t.Context(), in))(t).Datapoints {
		sum += *d.Sum
	}
	return sum
}

// TestOpenTelemetryMetrics: two refusals of one client, one of which comes twice, are counted
// with the labels together that the other metrics have one by one.
func TestOpenTelemetryMetrics(t *testing.T) {
	t.Parallel()
	s := start(t)
	name, client := s.otlpMetrics(t), "e2eclient"+uuid.NewString()[:8]
	refused := func() []byte {
		ev := must(contracts.NewSignupRejected(contracts.Act{
			PoolARN: "arn:aws:cognito-idp:us-east-1:000000000000:userpool/" + s.env["USER_POOL_ID"], ClientID: client, Time: time.Now(),
		}, contracts.SignupRejected{Via: contracts.ViaSignup, Domain: "d.example", Reason: "domain-disposable", Rule: "disposable-list", ListVersion: "2026-08-21"}))(t)
		return must(contracts.Encode(ev))(t)
	}
	first, second := refused(), refused()
	for _, batch := range [][][]byte{{first, second}, {first}} {
		var in events.SQSEvent
		for body := range slices.Values(batch) {
			in.Records = append(in.Records, events.SQSMessage{MessageId: uuid.NewString(), Body: string(body)})
		}
		out := must(s.clients(t).lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: must(json.Marshal(in))(t)}))(t)
		var answer events.SQSEventResponse
		check(t, json.Unmarshal(out.Payload, &answer))
		if out.FunctionError != nil || answer.BatchItemFailures == nil || len(answer.BatchItemFailures) > 0 {
			t.Fatalf("the function answers %s", out.Payload)
		}
	}
	for metric, want := range map[string]float64{"SignUpsRejected": 2, "SignUpsAllowed": 0} {
		if got := s.otlpSum(t, metric, map[string]string{"reason": "domain-disposable", "client": client}); got != want {
			t.Errorf("%s is %g with reason and client, want %g", metric, got, want)
		}
	}
}
