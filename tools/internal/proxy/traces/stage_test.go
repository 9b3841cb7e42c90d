package proxy

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse.example/tools/internal/xray"
)

// throughStage makes one call through the door; it returns the answer's headers
// and the one segment, if there is one.
func throughStage(t *testing.T, inbound string, serve http.HandlerFunc) (http.Header, *segment) {
	t.Helper()
	origin := restAPIs(t, "abc", serve)
	req := request(t, http.MethodGet, origin+"/api/guest?email=a@x.example", "")
	req.Header.Set(traceHeader, inbound)
	_, header, _ := do(t, req)
	answered, ok := xray.ParseHeader(header.Get(traceHeader))
	if !ok {
		t.Fatalf("the answer names no trace: %v", header)
	}
	_, _, body := callXRay(t, origin, "test", "/Traces", `{"TraceIds":["`+answered.Root+`"]}`)
	if strings.Contains(body, "a@x.example") {
		t.Errorf("the query is in the trace: %s", body)
	}
	var found struct {
		Traces []struct{ Segments []struct{ Document string } }
	}
	if err := json.Unmarshal([]byte(body), &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Traces) == 0 {
		return header, nil
	}
	var s segment
	if err := json.Unmarshal([]byte(found.Traces[0].Segments[0].Document), &s); err != nil {
		t.Fatal(err)
	}
	return header, &s
}

func TestStageTrace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		inbound      string
		root, parent string // wanted; an empty root is a new one
		unsampled    bool
	}{
		"none":       {"", "", "", false},
		"root":       {"Root=" + testRoot, testRoot, "", false},
		"parent":     {"Root=" + testRoot + ";Parent=53995c3f42cd8ad8;Sampled=1", testRoot, "53995c3f42cd8ad8", false},
		"unsampled":  {"Root=" + testRoot + ";Sampled=0", testRoot, "", true},
		"malformed":  {"Root=1-1-1;Parent=53995c3f42cd8ad8", "", "", false},
		"bad_parent": {"Root=" + testRoot + ";Parent=x", testRoot, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var passed xray.Header
			header, got := throughStage(t, tc.inbound, func(_ http.ResponseWriter, r *http.Request) {
				passed, _ = xray.ParseHeader(r.Header.Get(traceHeader))
			})
			if passed.Unsampled != tc.unsampled || tc.root != "" && passed.Root != tc.root || !xray.IsSegmentID(passed.Parent) {
				t.Errorf("passed on %+v", passed)
			}
			if want := (xray.Header{Root: passed.Root, Unsampled: tc.unsampled}).String(); header.Get(traceHeader) != want {
				t.Errorf("answered %q, want %q", header.Get(traceHeader), want)
			}
			if tc.unsampled != (got == nil) {
				t.Fatalf("segment %+v", got)
			}
			if got != nil && (got.TraceID != passed.Root || got.ID != passed.Parent || got.ParentID != tc.parent) {
				t.Errorf("segment %+v, passed on %+v", got, passed)
			}
		})
	}
}

func TestStageSegment(t *testing.T) {
	t.Parallel()
	type flags struct{ Error, Throttle, Fault bool }
	for status, want := range map[int]flags{
		200: {}, 302: {}, 401: {Error: true}, 429: {Error: true, Throttle: true}, 500: {Fault: true}, 502: {Fault: true},
	} {
		_, s := throughStage(t, "", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte("abc"))
		})
		if got := (flags{s.Error, s.Throttle, s.Fault}); got != want || s.HTTP.Response["status"] != float64(status) || s.HTTP.Response["content_length"] != 3.0 {
			t.Errorf("status %d: %+v", status, s)
		}
		if url, _ := s.HTTP.Request["url"].(string); !strings.HasSuffix(url, "/api/guest") || s.HTTP.Request["method"] != "GET" {
			t.Errorf("request %v", s.HTTP.Request)
		}
		if s.Start == 0 || s.End < s.Start || s.Origin != "AWS::ApiGateway::Stage" || s.Name != "gatehouse/live" || s.Metadata["gatehouse"]["made_by"] != "edge" {
			t.Errorf("segment %+v", s)
		}
	}
}

// The look for the API's name is made with the root key, the id is a stranger's.
func TestStageAsksForNoStrangersPath(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a%3Fb", "..", "a%23", "A.B"} {
		upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.Header.Get("Authorization"), "/apigateway/") {
				t.Errorf("id %s: the edge asked for %s", id, r.RequestURI)
			}
		}))
		t.Cleanup(upstream.Close)
		_, origin := edgeBefore(t, &fake{server: upstream})
		do(t, request(t, http.MethodGet, origin+"/restapis/"+id+"/live/_user_request_/guest", ""))
	}
}
