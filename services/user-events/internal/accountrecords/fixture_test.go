package accountrecords_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/services/user-events/internal/accountrecords"
	"gatehouse.example/services/user-events/internal/queuetest"
)

const (
	client = "1example23456789example0001"
	sub    = "7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a"
	// person is in every record where AWS or a caller can put personal data.
	person = "erika"
)

func poolID() string { return contracts.PoolID(queuetest.Pool) }

// fixture is a fake of all that a Consumer needs.
type fixture struct {
	queuetest.Letters
	// users are those that are known, with their marks; others are those that Cognito has.
	users  map[string]bool
	others map[string]bool
	// forgot and remembered are the subs of the calls.
	forgot, remembered []string
	fail               map[string]error // by what fails
	sent               []event.Event
	outcome            publish.Outcome
	lines, logs        strings.Builder
}

func (f *fixture) Values(context.Context) ([]string, error) {
	return []string{queuetest.Pool, client}, f.fail["platform"]
}

func (f *fixture) Publish(_ context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	outcomes := make([]publish.Outcome, len(evs))
	for i, ev := range evs {
		f.sent, outcomes[i] = append(f.sent, ev), f.outcome
	}
	return outcomes, f.fail["publish"]
}

func (f *fixture) Find(_ context.Context, pool, sub string, ask bool) (found, synthetic bool, err error) {
	if pool != poolID() || f.fail["find"] != nil {
		return false, false, f.fail["find"]
	}
	mark, known := f.users[sub]
	return known || ask && f.others[sub], mark, nil
}

func (f *fixture) Remember(_ context.Context, pool, sub string, _ bool) error {
	f.remembered = append(f.remembered, pool+"#"+sub)
	return f.fail["remember"]
}

func (f *fixture) Forget(_ context.Context, pool, sub string) error {
	f.forgot = append(f.forgot, pool+"#"+sub)
	return f.fail["forget"]
}

func (f *fixture) SendMessage(ctx context.Context, in *sqs.SendMessageInput, o ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if err := f.fail["dead"]; err != nil {
		return nil, err
	}
	return f.Letters.SendMessage(ctx, in, o...)
}

func newFixture() *fixture {
	return &fixture{users: map[string]bool{sub: false}, others: map[string]bool{}, fail: map[string]error{}, outcome: publish.Published}
}

func (f *fixture) consumer() *accountrecords.Consumer {
	dead := f.DeadLetters()
	dead.Queue = f
	return &accountrecords.Consumer{
		Platform: f, Users: f, Publisher: f, Dead: dead,
		Pools:       &cloudtrail.Owner{Platform: f, Clients: accountrecords.NoOtherClients{}, Now: queuetest.Time},
		Environment: "test", Out: &f.lines, Log: slog.New(slog.NewJSONHandler(&f.logs, nil)), Now: queuetest.Time,
	}
}

// handle gives the bodies to a consumer. It checks that nothing of a person came out, and
// that every event is one of its schema.
func (f *fixture) handle(t *testing.T, bodies ...string) events.SQSEventResponse {
	t.Helper()
	out, err := f.consumer().Handle(t.Context(), queuetest.Batch(bodies...))
	if err != nil {
		t.Fatalf("Handle: %v", err)
	}
	for _, ev := range f.sent {
		body := queuetest.Body(t, ev)
		if strings.Contains(strings.ToLower(body), person) {
			t.Errorf("an event has personal data: %s", body)
		}
		if err := valid(ev.Type(), []byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	if text := strings.ToLower(f.lines.String() + f.logs.String()); strings.Contains(text, person) {
		t.Errorf("a line has personal data: %s", text)
	}
	return out
}

// only is the one event, or nil.
func (f *fixture) only(t *testing.T) *event.Event {
	t.Helper()
	if len(f.sent) > 1 {
		t.Fatalf("%d events, want one at most", len(f.sent))
	}
	if len(f.sent) == 0 {
		return nil
	}
	return &f.sent[0]
}

// count is a metric of the consumer.
func (f *fixture) count(t *testing.T, name string) float64 {
	t.Helper()
	return queuetest.Sums(t, f.lines.String())[name+"/user-events-account-records"]
}

// compiled are the strict schemas, by type.
var compiled = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	out := map[string]*jsonschema.Schema{}
	for _, eventType := range contracts.Types() {
		raw, err := schemas.Of(eventType)
		if err != nil {
			return nil, fmt.Errorf("schemas.Of: %w", err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("jsonschema.UnmarshalJSON: %w", err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource(eventType, doc); err != nil {
			return nil, fmt.Errorf("AddResource: %w", err)
		}
		if out[eventType], err = c.Compile(eventType); err != nil {
			return nil, fmt.Errorf("Compile: %w", err)
		}
	}
	return out, nil
})

// valid says what is wrong with an event.
func valid(eventType string, body []byte) error {
	all, err := compiled()
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("jsonschema.UnmarshalJSON: %w", err)
	}
	if err := all[eventType].Validate(doc); err != nil {
		return fmt.Errorf("Validate: %w", err)
	}
	return nil
}

// fields of a record; a dotted name is a path.
type fields map[string]any

// call is a record of an API call, as EventBridge delivers it, with what changes. A nil
// removes a field.
func call(operation string, change fields) string {
	request := fields{
		"accessToken": hidden, "username": hidden, "userAttributes": hidden, "password": hidden, "groupName": "auditors",
		"clientMetadata": fields{"note": person},
	}
	if strings.HasPrefix(operation, "Admin") {
		request["userPoolId"] = poolID()
	}
	return envelope("AWS API Call via CloudTrail", fields{
		"eventVersion": "1.11", "eventType": "AwsApiCall", "eventName": operation,
		"userIdentity": fields{"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/Support/Erika",
			"sessionContext": fields{"sessionIssuer": fields{"arn": "arn:aws:iam::111122223333:role/team/Support", "userName": "Support"}}},
		"requestParameters": request, "responseElements": nil, "additionalEventData": fields{"sub": sub},
	}, change)
}

// page is a record of a request to Cognito's endpoints, as AWS documents it.
func page(operation string, change fields) string {
	return envelope("AWS Service Event via CloudTrail", fields{
		"eventVersion": "1.08", "eventType": "AwsServiceEvent", "eventName": operation,
		"userIdentity": fields{"accountId": "111122223333"}, "requestParameters": nil, "responseElements": nil,
		"additionalEventData": fields{
			"responseParameters": fields{"status": 200.0}, "userPoolId": poolID(), "userPoolDomain": "example.auth.eu-central-1.amazoncognito.com",
			"requestParameters": fields{"grant_type": []string{"client_credentials"}, "client_id": []string{client}, "username": []string{person}},
		},
		"serviceEventDetails": fields{"serviceAccountId": "444455556666"},
	}, change)
}

const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

func envelope(detailType string, record, change fields) string {
	for name, value := range map[string]any{
		"eventSource": "cognito-idp.amazonaws.com", "eventID": "0e0f6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11", "requestID": "r",
		"eventTime": "2026-11-22T12:00:00Z", "awsRegion": "eu-central-1", "recipientAccountId": "111122223333",
		"sourceIPAddress": "192.0.2.44-" + person, "userAgent": "Mozilla/5.0 " + person, "readOnly": false, "managementEvent": true, "eventCategory": "Management",
	} {
		record[name] = value
	}
	for path, value := range change {
		at, names := record, strings.Split(path, ".")
		for _, name := range names[:len(names)-1] {
			next, ok := at[name].(fields)
			if !ok {
				next = fields{}
				at[name] = next
			}
			at = next
		}
		if at[names[len(names)-1]] = value; value == nil {
			delete(at, names[len(names)-1])
		}
	}
	body, err := json.Marshal(fields{"version": "0", "id": "envelope", "detail-type": detailType, "source": "aws.cognito-idp", "resources": []string{}, "detail": record})
	if err != nil {
		panic(err)
	}
	return string(body)
}

var errNo = errors.New("no")
