package telemetry

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

const (
	testRoot    = "1-5759e988-bd862e3fe1be46a994272793"
	testSegment = `{"trace_id":"` + testRoot + `","id":"70de5b6f19ff9a0a","name":"n","start_time":1.0,"end_time":2.0}`
)

// callXRay makes a call signed with a key.
func callXRay(t *testing.T, origin, key, path, body string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, origin+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20261122/us-east-1/xray/aws4_request, SignedHeaders=host, Signature=s")
	return upstreamtest.Do(t, req)
}

func TestXRayIsTheOperators(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	traces, origin := startTraces(t, f.Server.URL)
	traces.Add(parsed(t, testSegment)...)
	for _, path := range []string{"/Traces", "/TraceSummaries"} {
		if status, header, _ := callXRay(t, origin, "ASIAGUEST", path, "{}"); status != 403 || header.Get("X-Amzn-Errortype") != "AccessDeniedException" {
			t.Errorf("%s with another key: status %d, %v", path, status, header)
		}
	}
	if status, _, body := callXRay(t, origin, "test", "/Traces", `{"TraceIds":["`+testRoot+`"]}`); status != 200 || !strings.Contains(body, "70de5b6f19ff9a0a") {
		t.Errorf("get: %d %s", status, body)
	}
	if calls := f.Calls(); len(calls) != 0 {
		t.Errorf("the emulator got %v", calls)
	}
}

// The paths are ordinary words: without X-Ray's scope they are the emulator's.
func TestOtherServicesKeepTheirPaths(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	origin := start(t, f.Server.URL)
	req, err := http.NewRequest(http.MethodPost, origin+"/Traces", nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, _, _ := upstreamtest.Do(t, req); status != 200 {
		t.Errorf("status %d", status)
	}
	if diff := cmp.Diff([]string{"/Traces"}, f.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestTraceHeader(t *testing.T) {
	t.Parallel()
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get(upstream.TraceHeader) }))
	t.Cleanup(server.Close)
	origin := start(t, server.URL)
	for _, brought := range []string{"", "Root=1-5759e988-bd862e3fe1be46a994272793"} {
		req := upstreamtest.Request(t, http.MethodGet, origin+"/x", "")
		if brought != "" {
			req.Header.Set(upstream.TraceHeader, brought)
		}
		upstreamtest.Do(t, req)
		if brought != "" && got != brought || !strings.HasPrefix(got, "Root=1-") || len(got) < 40 {
			t.Errorf("brought %q, emulator got %q", brought, got)
		}
	}
}
