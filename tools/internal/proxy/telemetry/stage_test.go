package telemetry

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// guest is a route of the API that restAPI stands for.
const guest = "/restapis/abc/live/_user_request_/guest"

// start serves the traces in front of an emulator.
func start(t *testing.T, emulator string) (origin string) {
	t.Helper()
	_, origin = startTraces(t, emulator)
	return origin
}

func startTraces(t *testing.T, emulator string) (traces *Traces, origin string) {
	t.Helper()
	up := upstreamtest.Upstream(t, emulator)
	traces = NewTraces(up, slog.New(slog.DiscardHandler))
	return traces, upstreamtest.Serve(t, up, func(r *http.Request) http.HandlerFunc {
		traces.Begin(r)
		return traces.Handler(r)
	})
}

// restAPI stands for an emulator with one REST API.
func restAPI(t *testing.T, serve http.HandlerFunc) (origin string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/restapis/") && strings.Count(r.URL.Path, "/") == 2 {
			upstreamtest.WriteJSON(w, 200, map[string]string{"name": "gatehouse"})
			return
		}
		serve(w, r)
	}))
	t.Cleanup(server.Close)
	return start(t, server.URL)
}

// withTrace is a call of the API that brings a trace.
func withTrace(t *testing.T, method, origin, body string) *http.Request {
	t.Helper()
	req := upstreamtest.Request(t, method, origin+guest, body)
	req.Header.Set(upstream.TraceHeader, "Root="+testRoot+";Parent=53995c3f42cd8ad8;Sampled=1")
	return req
}

// stageDocument is the segment of a stage as readers of a trace find it.
type stageDocument struct {
	TraceID                string  `json:"trace_id"`
	ID                     string  `json:"id"`
	ParentID               string  `json:"parent_id"`
	Name                   string  `json:"name"`
	Origin                 string  `json:"origin"`
	Start                  float64 `json:"start_time"`
	End                    float64 `json:"end_time"`
	Error, Throttle, Fault bool
	HTTP                   struct{ Request, Response map[string]any }
	Metadata               map[string]map[string]any `json:"metadata"`
}

// throughStage makes one call of a REST API; it returns the answer's headers
// and the one segment, if there is one.
func throughStage(t *testing.T, inbound string, serve http.HandlerFunc) (http.Header, *stageDocument) {
	t.Helper()
	origin := restAPI(t, serve)
	req := upstreamtest.Request(t, http.MethodGet, origin+guest+"?email=a@x.example", "")
	req.Header.Set(upstream.TraceHeader, inbound)
	_, answer, _ := upstreamtest.Do(t, req)
	answered, ok := parseHeader(answer.Get(upstream.TraceHeader))
	if !ok {
		t.Fatalf("the answer names no trace: %v", answer)
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
		return answer, nil
	}
	var s stageDocument
	if err := json.Unmarshal([]byte(found.Traces[0].Segments[0].Document), &s); err != nil {
		t.Fatal(err)
	}
	return answer, &s
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
			var passed header
			answer, got := throughStage(t, tc.inbound, func(_ http.ResponseWriter, r *http.Request) {
				passed, _ = parseHeader(r.Header.Get(upstream.TraceHeader))
			})
			if passed.Unsampled != tc.unsampled || tc.root != "" && passed.Root != tc.root || !isSegmentID(passed.Parent) {
				t.Errorf("passed on %+v", passed)
			}
			if want := (header{Root: passed.Root, Unsampled: tc.unsampled}).String(); answer.Get(upstream.TraceHeader) != want {
				t.Errorf("answered %q, want %q", answer.Get(upstream.TraceHeader), want)
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
		if url, _ := s.HTTP.Request["url"].(string); !strings.HasSuffix(url, guest) || s.HTTP.Request["method"] != "GET" {
			t.Errorf("request %v", s.HTTP.Request)
		}
		if s.Start == 0 || s.End < s.Start || s.Origin != "AWS::ApiGateway::Stage" || s.Name != "gatehouse/live" || s.Metadata["gatehouse"]["made_by"] != "proxy" {
			t.Errorf("segment %+v", s)
		}
	}
}

// The API's name is read with the root key, and the id comes from the caller.
func TestStageReadsNoPathOfTheCaller(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a%3Fb", "..", "a%23", "A.B"} {
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.Header.Get("Authorization"), "/apigateway/") {
				t.Errorf("id %s: the proxy asked for %s", id, r.RequestURI)
			}
		}))
		t.Cleanup(server.Close)
		origin := start(t, server.URL)
		upstreamtest.Do(t, upstreamtest.Request(t, http.MethodGet, origin+"/restapis/"+id+"/live/_user_request_/guest", ""))
	}
}

// Each answer names its trace, and an error that the gateway made has it inside.
func TestAPITrace(t *testing.T) {
	t.Parallel()
	const root = "1-5759e988-bd862e3fe1be46a994272793"
	for name, tc := range map[string]struct{ media, body, want string }{
		"gateway_error": {"application/problem+json", `{"status":401,"trace_id":"$context.xrayTraceId"}`, `{"status":401,"trace_id":"` + root + `"}`},
		"plain":         {"application/json", `{"a":1}`, `{"a":1}`},
		"not_json":      {"text/plain", "$context.xrayTraceId", "$context.xrayTraceId"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			origin := restAPI(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.media)
				_, _ = io.WriteString(w, tc.body)
			})
			_, header, body := upstreamtest.Do(t, withTrace(t, http.MethodGet, origin, ""))
			if body != tc.want {
				t.Errorf("body %s, want %s", body, tc.want)
			}
			if want := "Root=" + root + ";Sampled=1"; header.Get(upstream.TraceHeader) != want {
				t.Errorf("%s is %q, want %q", upstream.TraceHeader, header.Get(upstream.TraceHeader), want)
			}
		})
	}
}

func TestAPIBodyLimit(t *testing.T) {
	t.Parallel()
	origin := restAPI(t, func(http.ResponseWriter, *http.Request) { t.Error("the emulator got the request") })
	status, _, _ := upstreamtest.Do(t, withTrace(t, http.MethodPost, origin, strings.Repeat("x", maxAPIBody+1)))
	if status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", status)
	}
}
