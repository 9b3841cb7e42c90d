package signinrecords

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/services/signin-audit/internal/recorder"
)

const (
	poolARN  = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse"
	clientID = "3n4b5urk1ft4fl3mg5e62d9ado"
	userID   = "5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11"
)

var act = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// account is all that an Intake needs of AWS.
type account struct {
	mu sync.Mutex
	// rows are the items of the audit table.
	rows map[string]map[string]types.AttributeValue
	// steps are the calls, in their order: put, publish.
	steps []string
	sent  []event.Event
	dead  []string
	logs  strings.Builder
	out   strings.Builder

	table, topic, queue, platform, cognito error
	outcome                                publish.Outcome
	// takes is how long a call takes.
	takes time.Duration
}

func (a *account) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	<-time.After(a.takes)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.steps = append(a.steps, "put")
	if a.table != nil {
		return nil, a.table
	}
	key := value(in.Item, "pk") + " " + value(in.Item, "sk")
	if old, exists := a.rows[key]; exists {
		return nil, &types.ConditionalCheckFailedException{Item: old}
	}
	a.rows[key] = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

// Query answers what Marks asks, and nothing else.
func (a *account) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	<-time.After(a.takes)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.table != nil {
		return nil, a.table
	}
	if *in.TableName != "audit" || *in.KeyConditionExpression != "pk = :user" || *in.ProjectionExpression != "synthetic" ||
		*in.Limit != 1 || in.Select != types.SelectSpecificAttributes || in.ScanIndexForward != nil {
		return nil, errors.New("asked for something else")
	}
	out := &dynamodb.QueryOutput{}
	for _, key := range slices.Sorted(maps.Keys(a.rows)) {
		if row := a.rows[key]; value(row, "pk") == value(in.ExpressionAttributeValues, ":user") && len(out.Items) == 0 {
			item := map[string]types.AttributeValue{}
			if mark, ok := row["synthetic"]; ok {
				item["synthetic"] = mark
			}
			out.Items = append(out.Items, item)
		}
	}
	return out, nil
}

func value(item map[string]types.AttributeValue, name string) string {
	if v, ok := item[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func (a *account) Publish(_ context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	<-time.After(a.takes)
	outcomes := make([]publish.Outcome, len(evs))
	for n, ev := range evs {
		a.steps = append(a.steps, "publish")
		outcomes[n] = a.outcome
		if a.outcome == publish.Published {
			a.sent = append(a.sent, ev)
		}
	}
	return outcomes, a.topic
}

func (a *account) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if a.queue != nil {
		return nil, a.queue
	}
	a.dead = append(a.dead, *in.MessageAttributes[consume.ReasonAttribute].StringValue)
	return &sqs.SendMessageOutput{MessageId: aws.String("dead")}, nil
}

func (a *account) Values(context.Context) ([]string, error) {
	return []string{poolARN, clientID}, a.platform
}

func (a *account) Has(ctx context.Context, _, client string) (bool, error) {
	switch client {
	case "slow":
		<-ctx.Done()
		return false, ctx.Err()
	case "panics":
		panic("ada@example.com")
	}
	return client == "added", a.cognito
}

// newIntake returns an Intake of an empty account.
func newIntake() (*Intake, *account) {
	a := &account{rows: map[string]map[string]types.AttributeValue{}, outcome: publish.Published}
	now := func() time.Time { return act.Add(4 * time.Minute) }
	return &Intake{
		Parameters: a, Owner: &cloudtrail.Owner{Platform: a, Clients: a, Now: now},
		Rows: &recorder.Table{Client: a, Name: "audit"}, Users: &Marks{Client: a, Name: "audit"}, Publisher: a, Environment: "test",
		Dead: &consume.DeadLetters{Queue: a, URL: "dead"}, Retention: 24 * time.Hour,
		Log: slog.New(slog.NewJSONHandler(&a.logs, nil)), Out: &a.out, Now: now,
	}, a
}

// handle gives an Intake messages, whose ids are m0, m1 and so on, and returns the ids of
// those that failed.
func handle(t *testing.T, i *Intake, bodies ...string) []string {
	t.Helper()
	var in events.SQSEvent
	for n, body := range bodies {
		in.Records = append(in.Records, events.SQSMessage{MessageId: "m" + string(rune('0'+n)), Body: body})
	}
	out, err := i.Handle(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	failed := []string{}
	for _, f := range out.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

// fixture is a record of testdata.
func fixture(t *testing.T, name string) string {
	t.Helper()
	body, ok := fixtures(t)[name+".json"]
	if !ok {
		t.Fatalf("testdata/records has no %s.json", name)
	}
	return string(body)
}

var errDown = errors.New("down")

// record writes the events of an account as the recorder does, and returns what it logs.
func (a *account) record(t *testing.T) string {
	t.Helper()
	var log strings.Builder
	r := &recorder.Recorder{
		Store: &recorder.Table{Client: a, Name: "audit"}, Environment: "test", Retention: 24 * time.Hour,
		Log: slog.New(slog.NewJSONHandler(&log, nil)), Out: io.Discard, Now: func() time.Time { return act.Add(5 * time.Minute) },
	}
	var in events.SQSEvent
	for n, ev := range a.sent {
		in.Records = append(in.Records, events.SQSMessage{MessageId: "r" + string(rune('0'+n)), Body: encoded(t, ev)})
	}
	if out, err := r.Handle(t.Context(), in); err != nil || len(out.BatchItemFailures) > 0 {
		t.Fatalf("the recorder: %v, %v", out, err)
	}
	return log.String()
}
