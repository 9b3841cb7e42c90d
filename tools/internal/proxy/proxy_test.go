package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is no gap passes as it came: path, query, host, headers, body, answer.
func TestPassesUntouched(t *testing.T) {
	t.Parallel()
	type seen struct{ Method, URI, Host, Body, Custom, Encoding string }
	var got seen
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.RequestURI, r.Host, string(body), r.Header.Get("X-Custom"), r.Header.Get("Accept-Encoding")}
		w.Header().Set("X-Answer", "1")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "answer")
	}))
	t.Cleanup(upstream.Close)
	_, origin := edgeBefore(t, &fake{server: upstream})
	const uri = "/bucket//a%2Fb%20c/../d?x=1;y=2&empty&sig=%2B"
	body := strings.Repeat("\x00\xff", 3<<20) // larger than any inspected body
	req, err := http.NewRequest(http.MethodPut, origin+uri, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "bucket.s3.example"
	req.Header.Set("X-Custom", "v")
	req.Header.Set("Accept-Encoding", "identity")
	status, header, answer := do(t, req)
	if status != http.StatusTeapot || header.Get("X-Answer") != "1" || answer != "answer" {
		t.Errorf("answer %d %v %q", status, header, answer)
	}
	want := seen{"PUT", uri, "bucket.s3.example", body, "v", "identity"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%.2000s", diff)
	}
}

func TestTraceHeader(t *testing.T) {
	t.Parallel()
	var got string
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get(traceHeader) }))
	t.Cleanup(upstream.Close)
	_, origin := edgeBefore(t, &fake{server: upstream})
	for _, brought := range []string{"", "Root=1-5759e988-bd862e3fe1be46a994272793"} {
		req, err := http.NewRequest(http.MethodGet, origin+"/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		if brought != "" {
			req.Header.Set(traceHeader, brought)
		}
		do(t, req)
		if brought != "" && got != brought || !strings.HasPrefix(got, "Root=1-") || len(got) < 40 {
			t.Errorf("brought %q, emulator got %q", brought, got)
		}
	}
}

// The first byte of a long answer must not wait for the last.
func TestStreams(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-release
	}))
	t.Cleanup(upstream.Close)
	t.Cleanup(func() { close(release) })
	_, origin := edgeBefore(t, &fake{server: upstream})
	res, err := http.Get(origin + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	first := make([]byte, 5)
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "first" {
		t.Errorf("%q %v", first, err)
	}
}

func TestTooLargeWhereInspected(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	_, origin := edgeBefore(t, f)
	status, _, body := callCognito(t, origin, "InitiateAuth", map[string]string{"ClientId": strings.Repeat("x", cognitoBodyLimit)})
	if status != 400 || !strings.Contains(body, "SerializationException") || len(f.calls()) != 0 {
		t.Errorf("%d %s %v", status, body, f.calls())
	}
}

func TestMalformedCallsGoThrough(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{", "[]", `{"ClientId":1}`, `{"AuthParameters":"x","ClientId":"c1"}`, "null"} {
		f := newFake(t)
		_, origin := edgeBefore(t, f)
		req, err := http.NewRequest(http.MethodPost, origin, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Target", cognitoTarget+"InitiateAuth")
		do(t, req)
		if len(f.bodies) != 1 || f.bodies[0] != body {
			t.Errorf("%q arrived as %q", body, f.bodies)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	_, origin := edgeBefore(t, f)
	if res, err := http.Get(origin + "/_gatehouse/health"); err != nil || res.StatusCode != 200 {
		t.Errorf("%v %v", res, err)
	}
	f.server.Close()
	if res, err := http.Get(origin + "/_gatehouse/health"); err != nil || res.StatusCode != 503 {
		t.Errorf("without emulator: %v %v", res, err)
	}
	status, _, body := callCognito(t, origin, "SignUp", map[string]string{"ClientId": "c1"})
	if status < 400 || !strings.Contains(body, "__type") {
		t.Errorf("without emulator: %d %s", status, body)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg := Config{Root: "../../..", Listen: address, Upstream: f.server.URL, Region: "us-east-1", AccessKeyID: "test", SecretAccessKey: "test", Log: slog.New(slog.DiscardHandler)}
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- Run(ctx, cfg, func() { close(ready) }) }()
	<-ready
	if res, err := http.Get("http://" + address + "/_gatehouse/health"); err != nil || res.StatusCode != 200 {
		t.Errorf("%v %v", res, err)
	}
	if err := Run(ctx, cfg, func() {}); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("second edge on one port: %v", err)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("does not end")
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	for name, cfg := range map[string]Config{
		"all_interfaces": {Listen: "0.0.0.0:0", Upstream: "http://127.0.0.1:1", Log: log},
		"a_name":         {Listen: "localhost:0", Upstream: "http://127.0.0.1:1", Log: log},
		"no_port":        {Listen: "127.0.0.1", Upstream: "http://127.0.0.1:1", Log: log},
		"no_origin":      {Listen: "127.0.0.1:0", Upstream: "127.0.0.1:1", Log: log},
		"no_logger":      {Listen: "127.0.0.1:0", Upstream: "http://127.0.0.1:1"},
	} {
		if err := Run(context.Background(), cfg, func() { t.Errorf("%s: ready", name) }); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
