package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

// tracePart is what `gatehouse trace show --json` outputs for one part.
type tracePart struct {
	Name, Origin, Status, Did, MadeBy string
	MissingParent                     string
	Annotations                       map[string]any
	Exceptions                        []string
	Links                             []struct{ Trace, Kind string }
	Parts                             []tracePart
}

// linksTo reports whether a link of that kind leads from the part to a trace.
func (p tracePart) linksTo(kind, trace string) bool {
	return slices.ContainsFunc(p.Links, func(l struct{ Trace, Kind string }) bool { return l.Trace == trace && l.Kind == kind })
}

// askTraced calls the API with a trace header, or without one; it returns the
// status and the trace header of the answer.
func (s *system) askTraced(t *testing.T, path, token, trace string) (int, string) {
	t.Helper()
	answer := must(s.api().Do(t.Context(), http.MethodGet, path, token, actors.TraceHeader, trace))(t)
	header := answer.Header.Get(actors.TraceHeader)
	if header == "" {
		t.Fatalf("%s answers %d without %s", path, answer.Status, actors.TraceHeader)
	}
	return answer.Status, header
}

// trace runs `gatehouse trace show`.
func (s *system) trace(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return s.run(t, filepath.Join(s.root, "bin", "gatehouse"), append([]string{"trace", "show"}, args...)...)
}

// tracedParts waits until a trace has these parts, from the API down to the function's
// own, which has the function's calls. Segments arrive one by one.
func (s *system) tracedParts(t *testing.T, header string, want ...string) []tracePart {
	t.Helper()
	var way []tracePart
	progress(t, func() (string, bool) {
		way = s.traceNow(t, header)
		got := origins(way)
		return fmt.Sprintf("trace %s has the parts %v, want %v", header, got, want), slices.Equal(got, want)
	})
	return way
}

// traceNow are the parts that have arrived.
func (s *system) traceNow(t *testing.T, header string) []tracePart {
	t.Helper()
	out, err := s.trace(t, header, "--json")
	if err != nil {
		t.Logf("%v: %s", err, out)
		return nil
	}
	var tree struct {
		ID    string
		Parts []tracePart
	}
	if err := json.Unmarshal([]byte(out), &tree); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.Contains(header, tree.ID) {
		t.Fatalf("got %s, asked for %s:\n%s", tree.ID, header, out)
	}
	if len(tree.Parts) != 1 {
		return nil
	}
	way := tree.Parts
	for last := way[0]; len(last.Parts) == 1 && len(way) < 4; last = last.Parts[0] {
		way = append(way, last.Parts[0])
	}
	return way
}

// gateway are the parts that every call has above the function's own.
var gateway = []string{"AWS::ApiGateway::Stage", "AWS::Lambda", "AWS::Lambda::Function"}

// withOwn adds the function's own part.
func withOwn(name string) []string { return append(slices.Clone(gateway), name) }

// origins are those of the parts, or their names where they have none.
func origins(parts []tracePart) []string {
	var all []string
	for _, p := range parts {
		if p.Origin == "" {
			p.Origin = p.Name
		}
		all = append(all, p.Origin)
	}
	return all
}

// TestTraceOfACall follows calls from the API to the last call of the SDK.
func TestTraceOfACall(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	token := p.tokens(t).id

	t.Run("guest", func(t *testing.T) {
		_, header := s.askTraced(t, "/guest", "", "")
		for i, part := range s.tracedParts(t, header, withOwn("GET /guest")...) {
			if madeHere := i < len(gateway); madeHere != (part.MadeBy == "proxy") {
				t.Errorf("%s is made by %q", part.Name, part.MadeBy)
			}
		}
		if out, err := s.trace(t, header); err != nil || !strings.Contains(out, "made by the proxy instead of AWS") {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("activity", func(t *testing.T) {
		status, header := s.askTraced(t, "/activity", token, "")
		way := s.tracedParts(t, header, withOwn("activity")...)
		if status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		function := way[len(way)-1]
		if function.Annotations["route"] != "/activity" || function.Annotations["client"] != s.env["NATIVE_CLIENT_ID"] {
			t.Errorf("annotations %v", function.Annotations)
		}
		if calls := function.Parts; len(calls) == 0 || calls[len(calls)-1].Name != "DynamoDB" || calls[len(calls)-1].Did != "Query" {
			t.Errorf("calls %+v", calls)
		}
		if out, _ := s.trace(t, header); strings.Contains(out, p.local) {
			t.Errorf("the address is in the trace: %s", out)
		}
	})
	t.Run("refused_by_the_gateway", func(t *testing.T) {
		status, header := s.askTraced(t, "/user", "", "")
		way := s.tracedParts(t, header, gateway[:1]...)
		if status != http.StatusUnauthorized || way[0].Status != "error" {
			t.Errorf("status %d, %+v", status, way[0])
		}
	})
}

// TestTraceOfAFailure breaks what all tests share.
func TestTraceOfAFailure(t *testing.T) {
	t.Parallel()
	s := alone(t)
	token := s.member(t).tokens(t).id
	s.disturb(t, fault{Service: "dynamodb", Action: "Query", Mode: "error", Status: http.StatusBadRequest})
	status, header := s.askTraced(t, "/activity", token, "")
	s.undisturb(t)
	way := s.tracedParts(t, header, withOwn("activity")...)
	function := way[len(way)-1]
	if status != http.StatusServiceUnavailable || way[0].Status != "fault" || function.Status != "fault" || len(function.Exceptions) == 0 {
		t.Errorf("status %d, gateway %s, function %s %v", status, way[0].Status, function.Status, function.Exceptions)
	}
}

// A caller's trace is continued; one that is not sampled is not kept.
func TestTraceOfTheCallerIsContinued(t *testing.T) {
	t.Parallel()
	s := start(t)
	id := func() string { return "1-6921f8c0-" + strings.ReplaceAll(uuid.NewString(), "-", "")[:24] }
	root, parent := id(), "53995c3f42cd8ad8"
	if _, header := s.askTraced(t, "/guest", "", "Root="+root+";Parent="+parent+";Sampled=1"); !strings.Contains(header, root) {
		t.Errorf("answered %s, want the caller's trace %s", header, root)
	}
	if way := s.tracedParts(t, "Root="+root, withOwn("GET /guest")...); way[0].MissingParent != parent {
		t.Errorf("parts %+v", way)
	}
	root = id()
	if _, header := s.askTraced(t, "/guest", "", "Root="+root+";Sampled=0"); !strings.Contains(header, root) || !strings.Contains(header, "Sampled=0") {
		t.Errorf("answered %s, want the caller's trace %s", header, root)
	}
	if out, err := s.trace(t, root, "--wait", "1s"); err == nil || !strings.Contains(out, "no trace "+root) {
		t.Errorf("%v: %s", err, out)
	}
	if _, header := s.askTraced(t, "/guest", "", "Root=1-2-3"); strings.Contains(header, "1-2-3") {
		t.Errorf("an invalid root came back: %s", header)
	}
}

// AWS's own tool reads the same trace.
func TestTraceByTheCLI(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, header := s.askTraced(t, "/guest", "", "")
	s.tracedParts(t, header, withOwn("GET /guest")...) // waits until it is complete
	root := strings.TrimPrefix(strings.Split(header, ";")[0], "Root=")
	out, err := s.run(t, "aws", "xray", "batch-get-traces", "--trace-ids", root)
	var answer struct {
		Traces []struct {
			ID       string `json:"Id"`
			Segments []struct{ Document json.RawMessage }
		}
	}
	if err != nil || json.NewDecoder(bytes.NewBufferString(out)).Decode(&answer) != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(answer.Traces) != 1 || answer.Traces[0].ID != root || len(answer.Traces[0].Segments) != 3 {
		t.Errorf("%s", out)
	}
}

// A consumer's run is a trace too, though no call caused it.
func TestTracesOfConsumers(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	p := s.member(t)
	eventually(t, "traces of all who take part in a sign-up", func() bool {
		out := must(s.run(t, filepath.Join(s.root, "bin", "gatehouse"), "trace", "list", "--limit", "1000"))(t)
		for _, function := range []string{"signup-guard-presignup", "user-events-postconfirmation", "user-events-bridge", "user-events-metrics", "signin-audit-recorder"} {
			if !strings.Contains(out, function) {
				return false
			}
		}
		return true
	})
	s.joined(t, inbox.wait(t, 1, of(contracts.TypeUserCreated, p.Sub))[0].Event, "user-events-postconfirmation", "")
}

// An app's message is joined to the run that makes an event of it, and to the consumers' runs.
func TestTraceOfAnAppEvent(t *testing.T) {
	t.Parallel()
	hold(t, &appEvents)
	s := start(t)
	inbox := s.subscribe(t)
	app := "1-6921f8c0-" + strings.ReplaceAll(uuid.NewString(), "-", "")[:24]
	out := must(s.guest(t).clients(t).sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(s.env[guestQueue]), MessageBody: aws.String(`{"name":"app.traced"}`),
		MessageSystemAttributes: map[string]sqstypes.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=" + app + ";Parent=53995c3f42cd8ad8;Sampled=1")},
		},
	}))(t)
	s.joined(t, inbox.wait(t, 1, id(aws.ToString(out.MessageId)))[0].Event, "user-events-client-events", app)
}

// run is a trace, with those that it leads to.
type run struct {
	ID     string
	Parts  []tracePart
	Linked []run
}

// led waits until an event's trace leads to runs of these functions, which end their names.
func (s *system) led(t *testing.T, ev event.Event, functions ...string) run {
	t.Helper()
	parent, _ := ev.Extensions()[contracts.TraceParentExtension].(string)
	var first run
	progress(t, func() (string, bool) {
		out, err := s.trace(t, parent, "--json")
		first = run{}
		if err != nil || json.Unmarshal([]byte(out), &first) != nil || len(first.Parts) != 1 {
			return fmt.Sprintf("trace %q: %v: %s", parent, err, out), false
		}
		missing := slices.Clone(functions)
		for _, one := range first.Linked {
			missing = slices.DeleteFunc(missing, func(name string) bool {
				return len(one.Parts) == 1 && strings.HasSuffix(one.Parts[0].Name, name)
			})
		}
		return fmt.Sprintf("trace %s leads to no runs of %v: %s", first.ID, missing, out), len(missing) == 0
	})
	return first
}

// joined waits until an event's trace leads from the run of the function that published it,
// and from the trace of what it was made of, over the topic to the runs of the consumers.
func (s *system) joined(t *testing.T, ev event.Event, publisher, sender string) {
	t.Helper()
	all := s.led(t, ev, "user-events-bridge", "user-events-metrics", "signin-audit-recorder")
	for _, one := range all.Linked {
		if !one.Parts[0].linksTo("parent", all.ID) {
			t.Errorf("the run %+v has no link to trace %s", one.Parts, all.ID)
		}
	}
	first := all.Parts[0]
	if !strings.HasSuffix(first.Name, publisher) || sender != "" && !first.linksTo("parent", sender) {
		t.Errorf("the event was published by %+v, want %s, with a link to %q", first, publisher, sender)
	}
	topic := first
	for len(topic.Parts) > 0 {
		topic = topic.Parts[len(topic.Parts)-1]
	}
	if topic.Origin != "AWS::SNS" || topic.MadeBy != "proxy" || len(topic.Links) == 0 {
		t.Errorf("the last part is %+v, want the topic's", topic)
	}
}
