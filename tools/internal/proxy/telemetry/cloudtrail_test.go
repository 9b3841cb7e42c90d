package telemetry

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
	rules   []trailRule
	targets map[string][]trailTarget
	policy  string
	invoked []json.RawMessage
	kinds   []string
}

const ruleARN = "arn:aws:events:us-east-1:000000000000:rule/created"

func newEventsFake() *eventsFake {
	return &eventsFake{
		rules:   []trailRule{{Name: "other", State: "ENABLED", EventPattern: "aws.s3"}, {Name: "created", ARN: ruleARN, State: "ENABLED", EventPattern: "CreateLogGroup"}},
		targets: map[string][]trailTarget{"created": {{ID: "T", ARN: upstreamtest.Function}}, "other": {{ID: "T", ARN: upstreamtest.Function}}},
		policy: `{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + upstreamtest.Function +
			`","Condition":{"ArnLike":{"AWS:SourceArn":"` + ruleARN + `"}}}]}`,
	}
}

func (f *eventsFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
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
	case action == "ListTargetsByRule":
		var in struct{ Rule string }
		_ = json.Unmarshal(body, &in)
		upstreamtest.WriteJSON(w, 200, map[string]any{"Targets": f.targets[in.Rule]})
	}
}

func (f *eventsFake) start(t *testing.T) *cloudTrail {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return &cloudTrail{up: upstreamtest.Upstream(t, server.URL), log: slog.New(slog.DiscardHandler)}
}

func createdRecord(trail *cloudTrail) trailRecord {
	return newGroupWatch(trail).record(upstream.LogGroup{Name: "/gatehouse/local/x", ARN: "arn:aws:logs:us-east-1:000000000000:log-group:/gatehouse/local/x:*", Created: 1_795_000_000_000})
}

func TestDeliver(t *testing.T) {
	t.Parallel()
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
		"a_queue_first": {func(f *eventsFake) {
			f.targets["created"] = append([]trailTarget{{ID: "Q", ARN: "arn:aws:sqs:us-east-1:000000000000:q"}}, f.targets["created"]...)
		}, 1, "target Q: the proxy delivers records to functions only"},
		"an_input_path": {func(f *eventsFake) { f.targets["created"][0].InputPath = "$.detail" }, 0, "whole"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newEventsFake()
			if tc.change != nil {
				tc.change(f)
			}
			trail := f.start(t)
			err := trail.deliver(t.Context(), createdRecord(trail))
			if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("deliver: %v, want %q", err, tc.err)
			}
			if len(f.invoked) != tc.want || tc.want > 0 && f.kinds[0] != "Event" {
				t.Errorf("%d invocations %v, want %d", len(f.invoked), f.kinds, tc.want)
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
	if err := trail.deliver(t.Context(), createdRecord(trail)); err != nil || len(f.invoked) != 1 {
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

func TestGroupWatch(t *testing.T) {
	t.Parallel()
	watch := newGroupWatch(nil)
	group := func(name string, after int64) upstream.LogGroup {
		return upstream.LogGroup{Name: name, Created: watch.start + after}
	}
	step := func(label string, want []string, groups ...upstream.LogGroup) {
		t.Helper()
		watch.see(groups)
		var got []string
		for len(watch.added) > 0 {
			got = append(got, (<-watch.added).Name)
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

	full := make([]upstream.LogGroup, 0, createdBuffer+1)
	for i := range createdBuffer + 1 {
		full = append(full, group("n"+time.Duration(i).String(), 3))
	}
	watch.see(full)
	if len(watch.added) != createdBuffer {
		t.Fatalf("%d groups wait", len(watch.added))
	}
	for range createdBuffer {
		<-watch.added
	}
	step("reported_later_when_it_was_full", []string{full[createdBuffer].Name}, full...)
}
