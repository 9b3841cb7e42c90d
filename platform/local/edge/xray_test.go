package edge

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/platform/local/xray"
)

const (
	testTrace   = "1-5759e988-bd862e3fe1be46a994272793"
	testSegment = `{"trace_id":"` + testTrace + `","id":"70de5b6f19ff9a0a","name":"n","start_time":1.0,"end_time":2.0}`
)

// callXRay makes a call signed with a key.
func callXRay(t *testing.T, origin, key, path, body string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, origin+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20261122/us-east-1/xray/aws4_request, SignedHeaders=host, Signature=s")
	return do(t, req)
}

func TestXRayIsTheOperators(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	_, origin := edgeBefore(t, f)
	put := `{"TraceSegmentDocuments":[` + quote(testSegment) + `]}`
	for _, path := range []string{"/TraceSegments", "/Traces", "/TraceSummaries"} {
		if status, header, _ := callXRay(t, origin, "ASIAGUEST", path, put); status != 403 || header.Get("X-Amzn-Errortype") != "AccessDeniedException" {
			t.Errorf("%s with another key: status %d, %v", path, status, header)
		}
	}
	if status, _, body := callXRay(t, origin, "test", "/TraceSegments", put); status != 200 {
		t.Errorf("put: %d %s", status, body)
	}
	if status, _, body := callXRay(t, origin, "test", "/Traces", `{"TraceIds":["`+testTrace+`"]}`); status != 200 || !strings.Contains(body, "70de5b6f19ff9a0a") {
		t.Errorf("get: %d %s", status, body)
	}
	if calls := f.calls(); len(calls) != 0 {
		t.Errorf("the emulator got %v", calls)
	}
}

// The paths are ordinary words: without X-Ray's scope they are the emulator's.
func TestOtherServicesKeepTheirPaths(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	_, origin := edgeBefore(t, f)
	req, err := http.NewRequest(http.MethodPost, origin+"/Traces", nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, _, _ := do(t, req); status != 200 {
		t.Errorf("status %d", status)
	}
	if diff := cmp.Diff([]string{"/Traces"}, f.calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func quote(s string) string {
	raw, _ := json.Marshal(s)
	return string(raw)
}

// The daemon listens on the number of the edge's port.
func TestDaemon(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := probe.Addr().String()
	if err := probe.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- Run(ctx, Config{
			Listen: address, Upstream: f.server.URL, Region: "us-east-1",
			AccessKeyID: "test", SecretAccessKey: "test", Log: slog.New(slog.DiscardHandler),
		}, func() { close(ready) })
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	sender, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	if _, err := sender.Write([]byte(`{"format": "json", "version": 1}` + "\n" + testSegment)); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(10 * time.Second)
	for body := ""; !strings.Contains(body, `"documents":1`); {
		if time.Now().After(until) {
			t.Fatalf("counts %s", body)
		}
		req, err := http.NewRequest(http.MethodGet, "http://"+address+"/_gatehouse/traces", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _, body = do(t, req)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// stageCall makes one call through a stage whose function answers by serve; it
// returns the answer and the one segment, if there is one.
func stageCall(t *testing.T, inbound string, serve http.HandlerFunc) (http.Header, *segment) {
	t.Helper()
	h, err := newHandler(Config{Upstream: "http://127.0.0.1:1", AccessKeyID: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h.proxy = serve
	at := restStage{API: "a1", Name: "gatehouse", Stage: "live", Account: "000000000000", Region: "us-east-1"}
	server := newServer(t, func(w http.ResponseWriter, r *http.Request) { h.throughStage(w, r, at) })
	req, err := http.NewRequest(http.MethodGet, server+"/guest?email=a@x.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	if inbound != "" {
		req.Header.Set(traceHeader, inbound)
	}
	_, header, _ := do(t, req)
	answered, ok := xray.ParseHeader(header.Get(traceHeader))
	if !ok {
		t.Fatalf("the answer names no trace: %v", header)
	}
	_, _, body := callXRay(t, newServer(t, h.ServeHTTP), "test", "/Traces", `{"TraceIds":["`+answered.Root+`"]}`)
	var found struct {
		Traces []struct{ Segments []struct{ Document string } }
	}
	if err := json.Unmarshal([]byte(body), &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Traces) == 0 {
		return header, nil
	}
	if strings.Contains(body, "a@x.example") {
		t.Errorf("the query is in the trace: %s", body)
	}
	var s segment
	if err := json.Unmarshal([]byte(found.Traces[0].Segments[0].Document), &s); err != nil {
		t.Fatal(err)
	}
	return header, &s
}

func TestThroughStage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		inbound      string
		root, parent string // wanted; an empty root is a new one
		unsampled    bool
	}{
		"none":       {"", "", "", false},
		"root":       {"Root=" + testTrace, testTrace, "", false},
		"parent":     {"Root=" + testTrace + ";Parent=53995c3f42cd8ad8;Sampled=1", testTrace, "53995c3f42cd8ad8", false},
		"unsampled":  {"Root=" + testTrace + ";Sampled=0", testTrace, "", true},
		"malformed":  {"Root=1-1-1;Parent=53995c3f42cd8ad8", "", "", false},
		"bad_parent": {"Root=" + testTrace + ";Parent=x", testTrace, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var passed xray.Header
			_, got := stageCall(t, tc.inbound, func(w http.ResponseWriter, r *http.Request) {
				passed, _ = xray.ParseHeader(r.Header.Get(traceHeader))
				w.WriteHeader(http.StatusOK)
			})
			if passed.Unsampled != tc.unsampled || tc.root != "" && passed.Root != tc.root || strings.HasPrefix(passed.Root, "1-1-") {
				t.Errorf("passed on %+v", passed)
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
		_, s := stageCall(t, "", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte("abc"))
		})
		if got := (flags{s.Error, s.Throttle, s.Fault}); got != want || s.HTTP.Response["status"] != float64(status) {
			t.Errorf("status %d: %+v", status, s)
		}
		if s.Start == 0 || s.End < s.Start || s.Origin != "AWS::ApiGateway::Stage" || s.Name != "gatehouse/live" || s.Metadata["gatehouse"]["made_by"] != "edge" {
			t.Errorf("segment %+v", s)
		}
	}
}

// An id that the function put on its answer stays.
func TestStageKeepsTheFunctionsHeader(t *testing.T) {
	t.Parallel()
	own := "Root=" + testTrace + ";Sampled=1;Self=own"
	header, _ := stageCall(t, "Root="+testTrace, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(traceHeader, own)
		_, _ = w.Write([]byte("{}"))
	})
	if got := header.Values(traceHeader); len(got) != 1 || got[0] != own {
		t.Errorf("answered with %q", got)
	}
}
