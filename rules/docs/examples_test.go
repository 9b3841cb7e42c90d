package docs

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/trigger"
	"gatehouse.example/rules/repository"
	"gatehouse.example/services/passwordless/passwordlesstest"
	"gatehouse.example/services/signin-audit/findings"
	"gatehouse.example/services/signin-audit/signinaudittest"
	"gatehouse.example/services/signup-guard/signupguardtest"
	"gatehouse.example/services/user-events/usereventstest"
)

// What all examples share. The payload files differ in it.
const (
	examplePool   = "eu-central-1_Gatehouse"
	exampleARN    = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/" + examplePool
	exampleClient = "3n4b5urk1ft4fl3mg5e62d9ado"
	exampleSub    = "5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11"
	exampleTrace  = "Root=1-69217a28-b0f3c1d2e4f5a6b7c8d9e0f1;Parent=53995c3f42cd8ad8;Sampled=1"
	// exampleMessage is what an app sends to a client-events queue.
	exampleMessage = `{"name":"checkout.step_done","time":"2026-11-22T09:29:58Z",
		"data":{"cart_items":3,"express":true,"step":"payment"}}`
)

// sink is a publisher that keeps the events.
type sink struct{ sent []event.Event }

func (s *sink) Publish(_ context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	s.sent = append(s.sent, evs...)
	outcomes := make([]publish.Outcome, len(evs))
	for i := range outcomes {
		outcomes[i] = publish.Published
	}
	return outcomes, nil
}

// Values gives the consumer of app events the ARN of the user pool.
func (s *sink) Values(context.Context) ([]string, error) { return []string{exampleARN}, nil }

// Has knows the client of the examples, which the platform did not make.
func (s *sink) Has(_ context.Context, _, client string) (bool, error) {
	return client == exampleClient, nil
}

// IsSynthetic says that every user is a person.
func (*sink) IsSynthetic(context.Context, string) (bool, error) { return false, nil }

// Keep admits every row.
func (s *sink) Keep(_ context.Context, r signinaudittest.Row) (signinaudittest.Row, error) {
	return r, nil
}

// Take admits every event.
func (s *sink) Take(_ context.Context, _ string, n int, _ time.Time) (int, error) { return n, nil }

// published returns what the services publish for their payload files, by type.
func published(t *testing.T) map[string]event.Event {
	t.Helper()
	s, log := &sink{}, slog.New(slog.DiscardHandler)
	guard, err := signupguardtest.PreSignUp(s, log)
	if err != nil {
		t.Fatalf("signupguardtest.PreSignUp: %v", err)
	}
	confirmed := (&usereventstest.Confirmer{Publisher: s}).Run
	for _, call := range []struct {
		file string
		run  trigger.Func
	}{
		{"signup-guard/events/presignup-signup.json", guard},
		{"signup-guard/events/presignup-signup-disposable.json", guard},
		{"user-events/events/postconfirmation-confirm-sign-up.json", confirmed},
		{"user-events/events/postconfirmation-confirm-forgot-password.json", confirmed},
		{"signin-audit/events/preauthentication.json", signinaudittest.Attempted(s)},
		{"signin-audit/events/postauthentication-new-device.json", signinaudittest.Succeeded(s)},
	} {
		h := &trigger.Handler{Run: call.run, Log: log, Now: exampleTime}
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{
			InvokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:f:live",
		})
		//nolint:revive,staticcheck // aws-lambda-go uses this plain string as the key.
		ctx = context.WithValue(ctx, "x-amzn-trace-id", exampleTrace)
		before := len(s.sent)
		_, _ = h.Invoke(ctx, examplePayload(t, call.file)) // an error is the refusal of a sign-up
		if len(s.sent) != before+1 {
			t.Errorf("%s: %d events, want one", call.file, len(s.sent)-before)
		}
	}
	appEvent(t, s, log)
	failedSignin(t, s, log)
	finding(t, s, log)
	accountEvents(t, s, log)
	challenges(t, s, log)
	byType := map[string]event.Event{}
	for _, ev := range s.sent {
		byType[ev.Type()] = ev
	}
	return byType
}

func exampleTime() time.Time { return time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC) }

// finding publishes what a rule finds after ten failures and a success.
func finding(t *testing.T, s *sink, log *slog.Logger) {
	t.Helper()
	const minute = time.Minute
	row := findings.Row{Pool: examplePool, Client: exampleClient, Sub: exampleSub}
	var rows []findings.Row
	add := func(typ, reason string, before time.Duration) {
		row.ID, row.Type, row.Reason, row.Time = strconv.Itoa(len(rows)), typ, reason, exampleTime().Add(-before)
		row.IP = netip.MustParseAddr("192.0.2.7")
		rows = append(rows, row)
	}
	for i := range 11 {
		add(contracts.TypeSigninFailed, contracts.FailedPassword, 50*minute-time.Duration(i)*minute)
	}
	add(contracts.TypeSigninFailed, contracts.FailedLockedOut, 25*minute)
	add(contracts.TypeSigninSucceeded, "", 22*minute)
	h := signinaudittest.Findings(s, rows, exampleTime, log)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{
		InvokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:f:live",
	})
	if _, err := h.Invoke(ctx, []byte(repository.Read(t, filepath.Join(repository.Root, "services/signin-audit/events/findings.json")))); err != nil {
		t.Fatalf("the schedule of findings: %v", err)
	}
}

// challenges publishes the events of a mail, a right answer and a wrong one.
func challenges(t *testing.T, s *sink, log *slog.Logger) {
	t.Helper()
	l := passwordlesstest.Letter{Code: "01234567", Token: "t", Address: "ada.lovelace@example.org", PoolARN: exampleARN, ClientID: exampleClient, Subject: exampleSub}
	var in events.SQSEvent
	if err := json.Unmarshal([]byte(repository.Read(t, filepath.Join(repository.Root, "services/passwordless/events/sender.json"))), &in); err != nil {
		t.Fatalf("json.Unmarshal: %v", err)
	}
	if answer, err := passwordlesstest.Sender(l, s, exampleTime, log).Handle(t.Context(), in); err != nil || len(answer.BatchItemFailures) > 0 {
		t.Fatalf("the letter: %v, %v", answer, err)
	}
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{InvokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:f:live"})
	for range 2 {
		if _, err := passwordlesstest.Challenge(l, s, exampleTime, log).Invoke(ctx, examplePayload(t, "passwordless/events/challenge-verify.json")); err != nil {
			t.Fatalf("the answer: %v", err)
		}
		l.Code = "76543210"
	}
}

// appEvent publishes the event of a message.
func appEvent(t *testing.T, s *sink, log *slog.Logger) {
	t.Helper()
	const queue = "arn:aws:sqs:eu-central-1:123456789012:guests"
	consumer := &usereventstest.ClientEvents{
		Queues: map[string]string{queue: contracts.WhoGuest}, Publisher: s, Platform: s, Limiter: s,
		Environment: "local", Out: io.Discard, Log: log, Now: exampleTime,
	}
	answer, err := consumer.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: "0b1f6d0e-7f0a-4f27-8f35-6f5b1f4b2f09", EventSourceARN: queue, Body: exampleMessage,
		Attributes: map[string]string{"SentTimestamp": "1795339800125", "ApproximateReceiveCount": "1"},
	}}})
	if err != nil || len(answer.BatchItemFailures) > 0 {
		t.Fatalf("the message of an app: %v, %v", answer, err)
	}
}

// failedSignin publishes the event of a record of CloudTrail. The rule's records have the
// pool, client and user of the examples already.
func failedSignin(t *testing.T, s *sink, log *slog.Logger) {
	t.Helper()
	intake := &signinaudittest.Records{
		Parameters: s, Owner: &cloudtrail.Owner{Platform: s, Clients: s, Now: exampleTime},
		Rows: s, Users: s, Publisher: s, Environment: "local", Log: log, Out: io.Discard, Now: exampleTime,
	}
	var in events.SQSEvent
	if err := json.Unmarshal([]byte(repository.Read(t, filepath.Join(repository.Root, "services/signin-audit/events/signin-records.json"))), &in); err != nil {
		t.Fatalf("json.Unmarshal: %v", err)
	}
	answer, err := intake.Handle(t.Context(), in)
	if err != nil || len(answer.BatchItemFailures) > 0 {
		t.Fatalf("the record of a failed sign-in: %v, %v", answer, err)
	}
}

// pool is what the consumer of account records knows of the pool of the examples.
type pool struct{}

// Values are those that the platform stack writes.
func (pool) Values(context.Context) ([]string, error) {
	return []string{exampleARN, exampleClient}, nil
}

// Of says that every record is of the pool.
func (pool) Of(context.Context, cloudtrail.Record) (string, cloudtrail.Ownership, error) {
	return examplePool, cloudtrail.Ours, nil
}

// Client, Find, Remember and Forget know every client and user.
func (pool) Client(_ context.Context, r cloudtrail.Record) (string, error) { return r.ClientID(), nil }
func (pool) Find(context.Context, string, string, bool) (found, synthetic bool, err error) {
	return true, false, nil
}
func (pool) Remember(context.Context, string, string, bool) error { return nil }
func (pool) Forget(context.Context, string, string) error         { return nil }

// accountEvents publishes the events of the records that are fixtures of user-events. That
// of an administrator's new user is not the example of its type.
func accountEvents(t *testing.T, s *sink, log *slog.Logger) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository.Root, "services", "user-events", "internal", "accountrecords", "testdata", "records", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("records: %d files, %v", len(files), err)
	}
	consumer := &usereventstest.AccountRecords{Platform: pool{}, Pools: pool{}, Users: pool{}, Publisher: s, Environment: "local", Out: io.Discard, Log: log, Now: exampleTime}
	for _, file := range files {
		if filepath.Base(file) == "admin-create-user.json" {
			continue
		}
		answer, err := consumer.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: repository.Read(t, file)}}})
		if err != nil || len(answer.BatchItemFailures) > 0 {
			t.Errorf("%s: %v, %v", repository.Short(file), answer, err)
		}
	}
}

// examplePayload is a payload file with the pool, client and user of the examples.
func examplePayload(t *testing.T, file string) []byte {
	t.Helper()
	var payload map[string]any
	if err := json.Unmarshal([]byte(repository.Read(t, filepath.Join(repository.Root, "services", file))), &payload); err != nil {
		t.Fatalf("%s: json.Unmarshal: %v", file, err)
	}
	payload["region"], payload["userPoolId"] = "eu-central-1", examplePool
	payload["callerContext"].(map[string]any)["clientId"] = exampleClient
	attributes := payload["request"].(map[string]any)["userAttributes"].(map[string]any)
	if _, ok := attributes["sub"]; ok {
		attributes["sub"] = exampleSub
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		t.Fatalf("json.Marshal: %v", err)
	}
	return raw
}

// exampleOf is the document of an event. A random id, and the date of a list that is
// replaced every few weeks, are those of the example before.
func exampleOf(t *testing.T, ev event.Event, before []byte) []byte {
	t.Helper()
	former, err := contracts.Decode(before)
	if err != nil {
		t.Fatalf("contracts.Decode: %v", err)
	}
	if _, derived := contracts.ClaimID(ev); !derived {
		ev.SetID(former.ID())
	}
	raw, err := contracts.Encode(ev)
	if err != nil {
		t.Fatalf("contracts.Encode: %v", err)
	}
	var now, then struct{ Data struct{ ListVersion string } }
	for raw, into := range map[*[]byte]any{&raw: &now, &before: &then} {
		if err := json.Unmarshal(*raw, into); err != nil {
			t.Fatalf("json.Unmarshal: %v", err)
		}
	}
	raw = bytes.ReplaceAll(raw, []byte(`"listVersion":"`+now.Data.ListVersion), []byte(`"listVersion":"`+then.Data.ListVersion))
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		t.Fatalf("json.Indent: %v", err)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// TestExamples: the catalogue's example of each type is what its service publishes.
func TestExamples(t *testing.T) {
	t.Parallel()
	sent := published(t)
	for _, eventType := range contracts.Types() {
		ev, ok := sent[eventType]
		if !ok {
			t.Errorf("%s: no payload of this test causes it", eventType)
			continue
		}
		file := filepath.Join(repository.Root, "contracts", "testdata", eventType+".json")
		got := []byte(repository.Read(t, file))
		want := exampleOf(t, ev, got)
		if os.Getenv("UPDATE") == "examples" {
			if err := os.WriteFile(file, want, 0o600); err != nil {
				t.Fatalf("os.WriteFile: %v", err)
			}
			continue
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what the service publishes:\nUPDATE=examples go test ./rules/docs -run TestExamples\n"+
				"go generate -C contracts ./catalogue\n(-service +example)\n%s", repository.Short(file), diff)
		}
	}
}
