package trail

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// eventsFake is the emulator's EventBridge with a page of rules each, whose
// patterns match when the event's text holds them; and Lambda.
type eventsFake struct {
	mu      sync.Mutex
	rules   []rule
	targets map[string][]target
	policy  string
	denies  string // a queue, by its URL
	invoked []json.RawMessage
	kinds   []string
	sent    []string       // the queue's URL, the service and the error code
	asked   map[string]int // by action
}

const (
	ruleARN  = "arn:aws:events:us-east-1:000000000000:rule/created"
	queueARN = "arn:aws:sqs:us-east-1:000000000000:q"
)

func newEventsFake() *eventsFake {
	return &eventsFake{
		rules:   []rule{{Name: "other", State: "ENABLED", EventPattern: "aws.s3"}, {Name: "created", ARN: ruleARN, State: "ENABLED", EventPattern: "CreateLogGroup"}},
		targets: map[string][]target{"created": {{ID: "T", ARN: upstreamtest.Function}}, "other": {{ID: "T", ARN: upstreamtest.Function}}},
		policy: `{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + upstreamtest.Function +
			`","Condition":{"ArnLike":{"AWS:SourceArn":"` + ruleARN + `"}}}]}`,
		asked: map[string]int{},
	}
}

func (f *eventsFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	f.asked[action]++
	switch {
	case strings.HasSuffix(r.URL.Path, "/policy"):
		upstreamtest.WriteJSON(w, 200, map[string]string{"Policy": f.policy})
	case strings.HasSuffix(r.URL.Path, "/invocations"):
		f.invoked, f.kinds = append(f.invoked, body), append(f.kinds, r.Header.Get("X-Amz-Invocation-Type"))
		w.WriteHeader(http.StatusAccepted)
	case action == "ListRules":
		next := len(f.rules) - 1
		if bytes.Contains(body, []byte("NextToken")) {
			upstreamtest.WriteJSON(w, 200, map[string]any{"Rules": f.rules[next:]})
			return
		}
		upstreamtest.WriteJSON(w, 200, map[string]any{"Rules": f.rules[:next], "NextToken": "more"})
	case action == "TestEventPattern":
		var in struct{ EventPattern, Event string }
		_ = json.Unmarshal(body, &in)
		upstreamtest.WriteJSON(w, 200, map[string]bool{"Result": strings.Contains(in.Event, in.EventPattern)})
	case action == "GetQueueUrl":
		var in struct{ QueueName string }
		_ = json.Unmarshal(body, &in)
		upstreamtest.WriteJSON(w, 200, map[string]string{"QueueUrl": "http://" + in.QueueName})
	case action == "SendMessage":
		var in struct {
			URL               string `json:"QueueUrl"`
			MessageAttributes map[string]struct{ StringValue string }
		}
		_ = json.Unmarshal(body, &in)
		if in.URL == f.denies {
			upstreamtest.WriteJSON(w, 403, map[string]string{"__type": "com.amazonaws.sqs#AccessDeniedException"})
			return
		}
		f.sent = append(f.sent, strings.TrimSpace(in.URL+" "+r.Header.Get(serviceHeader)+" "+in.MessageAttributes["ERROR_CODE"].StringValue))
	case action == "ListTargetsByRule":
		var in struct{ Rule string }
		_ = json.Unmarshal(body, &in)
		upstreamtest.WriteJSON(w, 200, map[string]any{"Targets": f.targets[in.Rule]})
	}
}

func (f *eventsFake) start(t *testing.T) *Trail {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return New(upstreamtest.Upstream(t, server.URL), "local", slog.New(slog.DiscardHandler))
}

func createdRecord(trail *Trail) record {
	return trail.groups.record(upstream.LogGroup{Name: "/gatehouse/local/x", ARN: "arn:aws:logs:us-east-1:000000000000:log-group:/gatehouse/local/x:*", Created: 1_795_000_000_000})
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	toQueue := func(f *eventsFake) { f.targets["created"] = []target{{ID: "Q", ARN: queueARN}} }
	for name, tc := range map[string]struct {
		change func(*eventsFake)
		want   int
		err    string
	}{
		"matching":         {nil, 1, ""},
		"disabled":         {func(f *eventsFake) { f.rules[1].State = "DISABLED" }, 0, ""},
		"no_match":         {func(f *eventsFake) { f.rules[1].EventPattern = "DeleteLogGroup" }, 0, ""},
		"a_schedule":       {func(f *eventsFake) { f.rules[1].EventPattern = "" }, 0, ""},
		"all_calls_wanted": {func(f *eventsFake) { f.rules[1].State = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" }, 1, ""},
		"not_allowed":      {func(f *eventsFake) { f.policy = strings.Replace(f.policy, "rule/created", "rule/other", 1) }, 0, "does not allow the rule"},
		"for_cognito_only": {func(f *eventsFake) { f.policy = strings.Replace(f.policy, "events.", "cognito-idp.", 1) }, 0, "does not allow the rule"},
		"two_targets":      {func(f *eventsFake) { f.targets["created"] = append(f.targets["created"], f.targets["created"][0]) }, 2, ""},
		"a_stream_first": {func(f *eventsFake) {
			f.targets["created"] = append([]target{{ID: "S", ARN: "arn:aws:kinesis:us-east-1:000000000000:stream/s"}}, f.targets["created"]...)
		}, 1, "target S: the proxy delivers records to functions and queues only"},
		"a_queue":             {toQueue, 1, ""},
		"a_queue_that_denies": {func(f *eventsFake) { toQueue(f); f.denies = "http://q" }, 0, "target Q: the target's policy does not allow the rule"},
		"an_input_path":       {func(f *eventsFake) { f.targets["created"][0].InputPath = "$.detail" }, 0, "whole"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newEventsFake()
			if tc.change != nil {
				tc.change(f)
			}
			trail := f.start(t)
			err := trail.bus.deliver(t.Context(), createdRecord(trail))
			if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("deliver: %v, want %q", err, tc.err)
			}
			if len(f.invoked)+len(f.sent) != tc.want || len(f.kinds) > 0 && f.kinds[0] != "Event" {
				t.Errorf("%d invocations %v and %d messages, want %d", len(f.invoked), f.kinds, len(f.sent), tc.want)
			}
		})
	}
}

// The record has every key of the payload that log-encryptor keeps, which was taken
// from documentation, and no other.
func TestCreatedRecordHasTheShapeOfThePayload(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../../services/log-encryptor/events/log-group-created.json")
	if err != nil {
		t.Fatal(err)
	}
	f := newEventsFake()
	trail := f.start(t)
	if err := trail.bus.deliver(t.Context(), createdRecord(trail)); err != nil || len(f.invoked) != 1 {
		t.Fatalf("%d invocations, %v", len(f.invoked), err)
	}
	want, got := kinds(t, text), kinds(t, f.invoked[0])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-payload +proxy):\n%s", diff)
	}
}

// kinds are the keys of an event and of its detail, with the kind of each value.
func kinds(t *testing.T, text []byte) map[string]string {
	t.Helper()
	var event map[string]any
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	kind := func(v any) string {
		switch v.(type) {
		case string:
			return "text"
		case bool:
			return "bool"
		case nil:
			return "null"
		case map[string]any:
			return "object"
		case []any:
			return "list"
		default:
			return "number"
		}
	}
	for key, v := range event {
		out[key] = kind(v)
	}
	detail, _ := event["detail"].(map[string]any)
	for key, v := range detail {
		out["detail."+key] = kind(v)
	}
	return out
}

// What a target does not take goes to its dead-letter queue, if that takes it.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	const sender = " events.amazonaws.com " + ruleARN
	for name, tc := range map[string]struct {
		denies, policy string
		want           []string
	}{
		"taken":          {"", "", []string{"http://q" + sender}},
		"denied":         {"http://q", "", []string{"http://dead" + sender + " NO_PERMISSIONS"}},
		"denied_by_both": {"http://dead", "x", nil},
		"function":       {"", "x", []string{"http://dead" + sender + " NO_PERMISSIONS"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newEventsFake()
			to := target{ID: "Q", ARN: queueARN}
			if tc.policy != "" {
				to.ARN, f.policy = upstreamtest.Function, tc.policy
			}
			to.DeadLetterConfig.ARN = "arn:aws:sqs:us-east-1:000000000000:dead"
			f.targets["created"], f.denies = []target{to}, tc.denies
			trail := f.start(t)
			err := trail.bus.deliver(t.Context(), createdRecord(trail))
			if (err == nil) != (name == "taken") {
				t.Errorf("deliver: %v", err)
			}
			if diff := cmp.Diff(tc.want, f.sent); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// A reading call goes only to the rules that ask for all calls, and a pattern of plain texts
// is compared here, so that a record that nobody wants costs no call.
func TestMay(t *testing.T) {
	t.Parallel()
	one := newRecord(apiCall, "cognito-idp", "1", "r", time.Now(), map[string]any{"eventName": "GetUser", "readOnly": true})
	const mine = `{"source":["aws.cognito-idp"],"detail-type":["AWS API Call via CloudTrail"],"detail":{"eventName":["GetUser"]}}`
	for name, tc := range map[string]struct {
		state, pattern string
		want           bool
	}{
		"all":             {stateAll, mine, true},
		"changes_only":    {stateEnabled, mine, false},
		"disabled":        {"DISABLED", mine, false},
		"schedule":        {stateAll, "", false},
		"another_source":  {stateAll, strings.Replace(mine, "cognito-idp", "logs", 1), false},
		"another_kind":    {stateAll, strings.Replace(mine, "API Call", "Service Event", 1), false},
		"another_name":    {stateAll, strings.Replace(mine, "GetUser", "ListUsers", 1), false},
		"a_prefix":        {stateAll, `{"source":[{"prefix":"aws."}],"detail":{"eventName":[{"anything-but":"GetUser"}]}}`, true},
		"without_a_name":  {stateAll, `{"source":["aws.cognito-idp"]}`, true},
		"detail_is_a_lie": {stateAll, `{"source":["aws.cognito-idp"],"detail":7}`, true},
		"unreadable":      {stateAll, `GetUser`, true},
	} {
		if got := (rule{State: tc.state, EventPattern: tc.pattern}).may(one); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// Rules, targets and policies are read once for the records of about a second.
func TestRulesAreHeld(t *testing.T) {
	t.Parallel()
	f := newEventsFake()
	trail := f.start(t)
	for range 3 {
		if err := trail.bus.deliver(t.Context(), createdRecord(trail)); err != nil {
			t.Fatal(err)
		}
	}
	if f.asked["ListRules"] != 2 || f.asked["ListTargetsByRule"] != 1 || len(f.invoked) != 3 { // two pages of rules
		t.Errorf("asked %v, %d invocations", f.asked, len(f.invoked))
	}
}

func TestGroupWatch(t *testing.T) {
	t.Parallel()
	trail := New(upstreamtest.Upstream(t, "http://127.0.0.1:1"), "local", slog.New(slog.DiscardHandler))
	watch := &trail.groups
	group := func(name string, after int64) upstream.LogGroup {
		return upstream.LogGroup{Name: name, Created: watch.start + after}
	}
	step := func(label string, want []string, groups ...upstream.LogGroup) {
		t.Helper()
		watch.see(groups)
		var got []string
		for len(trail.waiting) > 0 {
			got = append(got, groupOf(<-trail.waiting))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", label, diff)
		}
	}
	step("older_than_the_proxy", nil, group("old", -1))
	step("new", []string{"a", "b"}, group("old", -1), group("a", 1), group("b", 1))
	step("seen", nil, group("a", 1), group("b", 1))
	step("deleted", nil, group("b", 1))
	step("made_again", []string{"a"}, group("a", 2), group("b", 1))

	full := make([]upstream.LogGroup, 0, capacity+1)
	for i := range capacity + 1 {
		full = append(full, group("n"+time.Duration(i).String(), 3))
	}
	watch.see(full)
	if len(trail.waiting) != capacity {
		t.Fatalf("%d groups wait", len(trail.waiting))
	}
	for range capacity {
		<-trail.waiting
	}
	step("reported_later_when_it_was_full", []string{full[capacity].Name}, full...)
}

func groupOf(e entry) string {
	parameters, _ := e.record.Detail["requestParameters"].(map[string]any)
	name, _ := parameters["logGroupName"].(string)
	return name
}
