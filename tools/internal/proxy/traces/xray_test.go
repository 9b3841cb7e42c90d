package proxy

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
	if status, _, body := callXRay(t, origin, "test", "/Traces", `{"TraceIds":["`+testRoot+`"]}`); status != 200 || !strings.Contains(body, "70de5b6f19ff9a0a") {
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
		ended <- Run(ctx, Config{Root: "../../..",
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
