package failures

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kind says who calls a function, and so what a failed call means.
type kind int

const (
	trigger   kind = iota // Cognito
	consumer              // SQS
	endpoint              // API Gateway
	sweeper               // EventBridge
	scheduled             // EventBridge, again and again
)

// subject is a function.
type subject struct {
	kind        kind
	stack, name string
	// payload is a file of the stack's events/, or for a consumer the body of a message.
	payload string
	// refused is what a person gets if a call fails that a person waits for.
	refused string
	// missed is the consequence if a scheduled call fails, or a consumer for which people wait.
	missed string
	// proof is a metric that each run writes: an alarm fires when it is missing.
	proof string
	// queue and source are those of a consumer: the name of the queue without its
	// beginning, and the ARN of the message's queue.
	queue, source string
	// done is where the events of a consumer belong.
	done string
	// depth says that alarms watch the depth of the queue, which is empty while all is well.
	depth  bool
	silent bool // it calls nothing
}

const (
	event    = `{"specversion":"1.0","id":"9a1c8a52-3f0e-4a6f-9d0b-0c9f1f0f7a11","source":"arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse","type":"gatehouse.user.signin.attempted.v1","subject":"7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a","datacontenttype":"application/json","dataschema":"https://gatehouse.example/schemas/gatehouse.user.signin.attempted.v1.json","time":"2026-11-22T12:00:00Z","data":{},"clientid":"1example23456789example0001"}`
	changed  = `{"specversion":"1.0","id":"9a1c8a52-3f0e-4a6f-9d0b-0c9f1f0f7a13","source":"arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse","type":"gatehouse.user.attributes.changed.v1","subject":"7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a","datacontenttype":"application/json","dataschema":"https://gatehouse.example/schemas/gatehouse.user.attributes.changed.v1.json","time":"2026-11-22T12:00:00Z","data":{"by":{"kind":"user"},"change":"updated"}}`
	arrival  = `{"pool":"arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse","address":"eve@mailinator.com","at":"2026-11-22T09:30:00Z"}`
	appEvent = `{"name":"cart.opened"}`
	mail     = `{"id":"k3J2yX0mQh6b1RrG9vTzWw","expiresAt":9999999999,"sealed":"c2VhbGVk"}`
	record   = `{"detail":{"eventVersion":"1.11","userIdentity":{"type":"Root"},"eventTime":"2026-11-22T12:00:00Z","eventSource":"cognito-idp.amazonaws.com","eventName":"AdminDisableUser","awsRegion":"eu-central-1","requestParameters":{"userPoolId":"eu-central-1_Gatehouse"},"additionalEventData":{"sub":"7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a"},"eventID":"9a1c8a52-3f0e-4a6f-9d0b-0c9f1f0f7a12","eventType":"AwsApiCall","recipientAccountId":"123456789012"}}`
	// failedSignin is CloudTrail's record of a wrong password.
	failedSignin = `{"detail":{"eventSource":"cognito-idp.amazonaws.com","eventType":"AwsApiCall","eventName":"InitiateAuth","eventID":"9a1c8a52-3f0e-4a6f-9d0b-0c9f1f0f7a12","eventTime":"2026-11-22T12:00:00Z","errorCode":"NotAuthorizedException","errorMessage":"Incorrect username or password.","requestParameters":{"authFlow":"USER_PASSWORD_AUTH","clientId":"1example23456789example12"}}}`
)

func subjects() []subject {
	return []subject{
		{stack: "signup-guard", name: "presignup", payload: "presignup-signup.json", refused: "Cognito refuses the sign-up"},
		{stack: "messages", name: "custommessage", payload: "custommessage-signup.json", refused: "Cognito refuses the request and sends no message", silent: true},
		{stack: "migration", name: "usermigration", payload: "usermigration-authentication.json", refused: "Cognito refuses people that the pool does not know yet"},
		{kind: consumer, stack: "migration", name: "announcer", payload: arrival, queue: "announcer", done: "the topic"},
		{stack: "passwordless", name: "challenge", payload: "challenge-verify.json", refused: "Cognito refuses the sign-in"},
		{kind: consumer, stack: "passwordless", name: "sender", payload: mail, queue: "sender", done: "the topic", missed: "people get no mail"},
		{kind: consumer, stack: "signup-guard", name: "address-changed", payload: changed, queue: "address-changed", done: "the topic"},
		{
			kind: consumer, stack: "messages", name: "notices", queue: "notices", done: "a mail",
			payload: strings.Replace(changed, "2026-11-22T12:00:00Z", time.Now().UTC().Format(time.RFC3339), 1), // nobody is mailed news of yesterday
		},
		{stack: "signin-audit", name: "preauthentication", payload: "preauthentication.json", refused: "Cognito refuses the sign-in"},
		{stack: "signin-audit", name: "postauthentication", payload: "postauthentication.json", refused: "Cognito refuses the sign-in"},
		{
			stack: "user-events", name: "postconfirmation", payload: "postconfirmation-confirm-sign-up.json",
			refused: "an error after the code, although the user is confirmed",
		},
		{kind: consumer, stack: "user-events", name: "drain", payload: event, queue: "outbox", done: "the topic", depth: true},
		{kind: consumer, stack: "user-events", name: "metrics", payload: event, queue: "metrics", done: "the metrics"},
		{kind: consumer, stack: "user-events", name: "bridge", payload: event, queue: "bridge", done: "the bus"},
		{
			kind: consumer, stack: "user-events", name: "client-events", payload: appEvent, queue: "client-events-guest", done: "the topic",
			source: "arn:aws:sqs:eu-central-1:123456789012:guest",
		},
		{kind: consumer, stack: "user-events", name: "account-records", payload: record, queue: "account-records", done: "the topic"},
		{
			kind: scheduled, stack: "user-events", name: "reconciler", payload: "reconciler-start.json",
			missed: "an unannounced user stays without an event until it works again", proof: "ReconcilerHours",
		},
		{kind: consumer, stack: "signin-audit", name: "recorder", payload: event, queue: "recorder", done: "the audit table"},
		{
			kind: scheduled, stack: "signin-audit", name: "findings", payload: "findings.json",
			missed: "findings come with the next run", proof: "FindingsRowsRead",
		},
		{
			kind: consumer, stack: "signin-audit", name: "signin-records", payload: failedSignin, queue: "signin-records",
			done: "the topic",
		},
		{kind: endpoint, stack: "signin-audit", name: "activity", payload: "activity.json", refused: "callers of the API get an error"},
		{kind: endpoint, stack: "api", name: "handler", payload: "guest.json", refused: "callers of the API get an error", silent: true},
		{kind: sweeper, stack: "log-encryptor", name: "encryptor", payload: "log-group-created.json"},
	}
}

// fault is one thing that fails.
type fault struct {
	name string
	down []string // what the stub refuses
	// notCalled: Lambda does not run the function.
	notCalled bool
	// signal ends or stops the function while it works.
	signal syscall.Signal
	bare   bool // it starts without its environment
}

func faults() []fault {
	return []fault{
		{name: "crash at init", bare: true},
		{name: "crash in a call", signal: syscall.SIGKILL},
		{name: "timeout", signal: syscall.SIGSTOP},
		{name: "throttle", notCalled: true},
		{name: "permission gone", notCalled: true},
		{name: "topic down", down: []string{"sns"}},
		{name: "topic and outbox down", down: []string{"sns", "sqs"}},
		{name: "table down", down: []string{"table"}},
		{name: "key disabled", down: []string{"topic key", "audit key", "log key", "secrets key"}},
	}
}

// outcome is the consequence of a fault.
type outcome struct {
	person, event string
	alarms        string
}

const (
	unnoticed = "people notice nothing"
	nowhere   = "nowhere"
	none      = "none"
	unswept   = unnoticed + "; the log group has no key until the next sweep"
	deadLater = "in its queue, then in the dead-letter queue"
	stays     = "in its queue, for up to 14 days"
)

// cause makes a fault and returns its outcome, and the metrics that it raises.
func cause(t *testing.T, bin string, s subject, f fault) (outcome, []metric) {
	t.Helper()
	name := s.stack + "-" + s.name
	var got invocation
	accepted, raised := []string(nil), []metric(nil)
	if f.notCalled {
		if f.name == "throttle" {
			raised = append(raised, metric{"Throttles", name})
		}
	} else {
		stub := newStub(t, f.signal != 0, f.down...)
		l := lambda{binary: filepath.Join(bin, s.name), env: stub.environment(), silent: s.silent}
		if f.bare {
			l.env = nil
		}
		got = l.invoke(t, s.invocation(t), stub.begun, f.signal)
		accepted = stub.taken()
		// A counted refusal is taken away from the errors.
		if got.answer == nil && !strings.Contains(got.output, `"MigrationsRefused":1`) {
			raised = append(raised, metric{"Errors", name})
		}
		if f.signal == syscall.SIGSTOP {
			raised = append(raised, metric{"Duration", name})
		}
	}
	for m, of := range map[string]string{"EventsFellBack": "", "EventsUndelivered": "", "EventsRetried": name, "MigrationsFailed": ""} {
		if regexp.MustCompile(`"` + m + `":[1-9]`).MatchString(got.output) { // consumers write zeros
			raised = append(raised, metric{m, of})
		}
	}
	if s.proof != "" && !strings.Contains(got.output, `"`+s.proof+`":`) {
		raised = append(raised, metric{s.proof, ""})
	}
	o, more := s.follows(t, f, got, accepted)
	return o, append(raised, more...)
}

// follows is what the caller of a function makes of a call, and the metrics of that.
func (s subject) follows(t *testing.T, f fault, got invocation, accepted []string) (outcome, []metric) {
	t.Helper()
	switch s.kind {
	case consumer:
		return s.consumer(t, f, got, accepted)
	case endpoint:
		return s.endpoint(t, got)
	case sweeper:
		if got.answer != nil {
			return outcome{person: unnoticed, event: none}, nil
		}
		if f.name == "permission gone" { // no sweep counts either
			return outcome{person: unswept, event: none}, []metric{{"LogGroupsUnencrypted", ""}}
		}
		return outcome{person: unswept, event: none}, []metric{{"ApproximateNumberOfMessagesVisible", s.stack + "-failed"}}
	case scheduled:
		if got.answer == nil { // Lambda calls it again, and so does the schedule
			return outcome{person: unnoticed + "; " + s.missed, event: none}, nil
		}
		return outcome{person: unnoticed, event: place(got, accepted)}, nil
	case trigger:
	}
	return s.trigger(got, accepted), nil
}

// endpoint is what API Gateway makes of a call.
func (s subject) endpoint(t *testing.T, got invocation) (outcome, []metric) {
	t.Helper()
	var response struct {
		StatusCode int `json:"statusCode"`
	}
	if got.answer != nil {
		if err := json.Unmarshal(got.answer, &response); err != nil {
			t.Fatalf("%s: answer %s: %v", s.name, got.answer, err)
		}
	}
	switch {
	case got.answer == nil || response.StatusCode >= 500:
		return outcome{person: s.refused, event: none}, []metric{{"5XXError", "api"}}
	case response.StatusCode != 200:
		t.Errorf("%s: answer %s", s.name, got.answer)
	}
	return outcome{person: unnoticed, event: none}, nil
}

// trigger is what Cognito makes of a call.
func (s subject) trigger(got invocation, accepted []string) outcome {
	o := outcome{person: unnoticed, event: place(got, accepted)}
	if s.silent {
		o.event = none
	}
	if got.answer == nil {
		o.person = s.refused
	}
	return o
}

func place(got invocation, accepted []string) string {
	switch {
	case slices.Contains(accepted, "topic"):
		return "on the topic"
	case slices.Contains(accepted, "announcer"):
		return "in the queue of announcer"
	case slices.Contains(accepted, "outbox"):
		return "in the outbox"
	case strings.Contains(got.output, `"gatehouseUndelivered":`):
		return "in a log line"
	}
	return nowhere
}

// consumer is what SQS makes of a call: a message that was not handled comes again.
func (s subject) consumer(t *testing.T, f fault, got invocation, accepted []string) (outcome, []metric) {
	t.Helper()
	queue, late := s.stack+"-"+s.queue, cmp.Or(s.missed, unnoticed)
	if f.name == "permission gone" { // nothing is received, so no attempt counts
		return outcome{person: late, event: stays}, []metric{{"ApproximateAgeOfOldestMessage", queue}, {"ApproximateNumberOfMessagesVisible", queue}}
	}
	var response struct {
		Failures []json.RawMessage `json:"batchItemFailures"`
	}
	if got.answer != nil {
		if err := json.Unmarshal(got.answer, &response); err != nil {
			t.Fatalf("%s: answer %s: %v", s.name, got.answer, err)
		}
	}
	if got.answer == nil || len(response.Failures) > 0 {
		raised := []metric{{"ApproximateNumberOfMessagesVisible", queue + "-dlq"}}
		if s.depth {
			raised = append(raised, metric{"ApproximateAgeOfOldestMessage", queue}, metric{"ApproximateNumberOfMessagesVisible", queue})
		}
		return outcome{person: late, event: deadLater}, raised
	}
	where := "in " + s.done
	if s.done == "the topic" || s.done == "the bus" {
		where = place(got, append(accepted, "nothing"))
	}
	if slices.Contains(accepted, "bus") {
		where = "on the bus"
	}
	return outcome{person: unnoticed, event: where}, nil
}

// invocation is the payload of a call.
func (s subject) invocation(t *testing.T) []byte {
	t.Helper()
	if s.kind != consumer {
		raw, err := os.ReadFile(filepath.Join("../../services", s.stack, "events", s.payload))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	raw, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"messageId": "1", "body": s.payload, "eventSource": "aws:sqs", "eventSourceARN": s.source,
		"attributes": map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": fmt.Sprint(time.Now().UnixMilli())},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// build makes the binaries of all subjects, with the flags of a deployment, so that compiled
// packages are shared.
func build(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-tags=lambda.norpc,nethttpomithttp2", "-o", bin + "/"}
	for _, s := range subjects() {
		args = append(args, "./services/"+s.stack+"/cmd/"+s.name)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, msg)
	}
	return bin
}
