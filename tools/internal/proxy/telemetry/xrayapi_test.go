package telemetry

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func post(t *testing.T, a *Store, path, body string) (int, string, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return w.Code, w.Header().Get("X-Amzn-Errortype"), answer
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, body string
		status     int
		code       string
	}{
		"not_json":       {"/Traces", `{`, 400, "InvalidRequestException"},
		"no_ids":         {"/Traces", `{"TraceIds":[]}`, 400, "InvalidRequestException"},
		"six_ids":        {"/Traces", `{"TraceIds":["` + strings.Repeat(testTrace+`","`, 5) + testTrace + `"]}`, 400, "InvalidRequestException"},
		"bad_id":         {"/Traces", `{"TraceIds":["1-2-3"]}`, 400, "InvalidRequestException"},
		"no_range":       {"/TraceSummaries", `{}`, 400, "InvalidRequestException"},
		"range_reversed": {"/TraceSummaries", `{"StartTime":2,"EndTime":1}`, 400, "InvalidRequestException"},
		"filter":         {"/TraceSummaries", `{"StartTime":1,"EndTime":2,"FilterExpression":"fault"}`, 400, "InvalidRequestException"},
		"other_range":    {"/TraceSummaries", `{"StartTime":1,"EndTime":2,"TimeRangeType":"Event"}`, 400, "InvalidRequestException"},
		"other_path":     {"/Groups", `{}`, 404, "UnknownOperationException"},
		"too_large":      {"/Traces", `"` + strings.Repeat("x", maxXRay) + `"`, 413, "RequestEntityTooLargeException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, code, _ := post(t, NewStore(DefaultLimits()), tc.path, tc.body)
			if status != tc.status || code != tc.code {
				t.Errorf("got %d %s, want %d %s", status, code, tc.status, tc.code)
			}
		})
	}
}

// Subsegments that came by themselves, in any order, end up below their parents.
func TestBatchGetTracesMerges(t *testing.T) {
	t.Parallel()
	a := NewStore(DefaultLimits())
	for _, raw := range []string{
		doc(id(4), "type", "subsegment", "parent_id", id(3)),
		doc(id(3), "type", "subsegment", "parent_id", id(2)),
		doc(id(1), "subsegments", []any{map[string]any{"id": id(2), "name": "inner"}}),
		doc(id(5), "type", "subsegment", "parent_id", id(9)),
		doc(id(6), "parent_id", id(1)),
		doc(id(7), "type", "subsegment", "parent_id", id(8)), doc(id(8), "type", "subsegment", "parent_id", id(7)),
	} {
		a.Add(parsed(t, raw)...)
	}
	_, _, answer := post(t, a, "/Traces", `{"TraceIds":["`+testTrace+`","`+traceNo(1)+`"]}`)
	traces, _ := answer["Traces"].([]any)
	if len(traces) != 1 || len(answer["UnprocessedTraceIds"].([]any)) != 0 {
		t.Fatalf("answer %v", answer)
	}
	trace, _ := traces[0].(map[string]any)
	var shapes []string
	for _, one := range trace["Segments"].([]any) {
		var tree map[string]any
		if err := json.Unmarshal([]byte(one.(map[string]any)["Document"].(string)), &tree); err != nil {
			t.Fatal(err)
		}
		shapes = append(shapes, shape(tree))
	}
	if got := strings.Join(shapes, " "); got != "1(2(3(4))) 5 6 8(7)" {
		t.Errorf("trees %s", got)
	}
	if d, _ := trace["Duration"].(float64); d < 0.079 || d > 0.081 {
		t.Errorf("duration %v", trace["Duration"])
	}
}

// shape writes a tree of ids.
func shape(tree map[string]any) string {
	text := strings.TrimLeft(tree["id"].(string), "0")
	var below []string
	subs, _ := tree["subsegments"].([]any)
	for _, sub := range subs {
		below = append(below, shape(sub.(map[string]any)))
	}
	if len(below) == 0 {
		return text
	}
	return text + "(" + strings.Join(below, " ") + ")"
}

func TestGetTraceSummaries(t *testing.T) {
	t.Parallel()
	a := NewStore(DefaultLimits())
	a.Add(parsed(t, doc(id(1), "origin", "AWS::ApiGateway::Stage", "error", true, "http", map[string]any{
		"request": map[string]any{"method": "GET", "url": "http://h/p"}, "response": map[string]any{"status": 401},
	}))...)
	a.Add(parsed(t, doc(id(2), "parent_id", id(1), "end_time", nil, "in_progress", true, "subsegments", []any{
		map[string]any{"id": id(3), "fault": true, "annotations": map[string]any{"route": "/p", "n": 1, "b": true, "odd": []any{}}},
	}))...)
	body := func(from, to string) string {
		return `{"StartTime":` + from + `,"EndTime":` + to + `,"TimeRangeType":"TraceId"}`
	}
	_, _, answer := post(t, a, "/TraceSummaries", body("1465510280", "1465510290.5"))
	list, _ := answer["TraceSummaries"].([]any)
	if len(list) != 1 {
		t.Fatalf("answer %v", answer)
	}
	got, _ := list[0].(map[string]any)
	for name, want := range map[string]any{
		"Id": testTrace, "HasFault": true, "HasError": true, "HasThrottle": false, "IsPartial": true, "StartTime": 1480615200.01,
		"EntryPoint": map[string]any{"Name": "n"},
		"Http":       map[string]any{"HttpMethod": "GET", "HttpURL": "http://h/p", "HttpStatus": 401.0},
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, request := range map[string]string{
		"before": body("1465510000", "1465510270"), "after": body("1465510290", "1465510300"),
	} {
		if _, _, answer := post(t, a, "/TraceSummaries", request); len(answer["TraceSummaries"].([]any)) != 0 {
			t.Errorf("%s: %v", name, answer)
		}
	}
}
