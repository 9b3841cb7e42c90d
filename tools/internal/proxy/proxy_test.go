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

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// start serves the proxy in front of the fake.
func start(t *testing.T, f *upstreamtest.Fake) (h *handler, origin string) {
	t.Helper()
	return serve(t, f.Server.URL)
}

// startBefore serves the proxy in front of an emulator.
func startBefore(t *testing.T, emulator string) (origin string) {
	t.Helper()
	_, origin = serve(t, emulator)
	return origin
}

func serve(t *testing.T, emulator string) (h *handler, origin string) {
	t.Helper()
	h, err := newHandler(Config{
		Root: "../../..", Upstream: emulator, Region: "us-east-1", Environment: "local",
		AccessKeyID: "test", SecretAccessKey: "test", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		h.faults.clear()
		server.Close()
	})
	return h, server.URL
}

// What needs no help passes as it came: path, query, host, headers, body, answer.
func TestPassesUntouched(t *testing.T) {
	t.Parallel()
	type seen struct{ Method, URI, Host, Body, Custom, Encoding string }
	var got seen
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.RequestURI, r.Host, string(body), r.Header.Get("X-Custom"), r.Header.Get("Accept-Encoding")}
		w.Header().Set("X-Answer", "1")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "answer")
	}))
	t.Cleanup(server.Close)
	origin := startBefore(t, server.URL)
	const uri = "/bucket//a%2Fb%20c/../d?x=1;y=2&empty&sig=%2B"
	body := strings.Repeat("\x00\xff", 3<<20) // larger than any inspected body
	req, err := http.NewRequest(http.MethodPut, origin+uri, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "localhost:" + req.URL.Port()
	req.Header.Set("X-Custom", "v")
	req.Header.Set("Accept-Encoding", "identity")
	status, header, answer := upstreamtest.Do(t, req)
	if status != http.StatusTeapot || header.Get("X-Answer") != "1" || answer != "answer" {
		t.Errorf("answer %d %v %q", status, header, answer)
	}
	want := seen{"PUT", uri, "localhost:" + req.URL.Port(), body, "v", "identity"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%.2000s", diff)
	}
}

// The first byte of a long answer must not wait for the last.
func TestStreams(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-release
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	origin := startBefore(t, server.URL)
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
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	status, _, body := upstreamtest.CallCognito(t, origin, "InitiateAuth", map[string]string{"ClientId": strings.Repeat("x", upstream.MaxBody)})
	if status != 400 || !strings.Contains(body, "SerializationException") || len(f.Calls()) != 0 {
		t.Errorf("%d %s %v", status, body, f.Calls())
	}
}

func TestMalformedCallsGoThrough(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{", "[]", `{"ClientId":1}`, `{"AuthParameters":"x","ClientId":"c1"}`, "null"} {
		f := upstreamtest.New(t)
		_, origin := start(t, f)
		req, err := http.NewRequest(http.MethodPost, origin, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Target", upstream.CognitoTarget+"InitiateAuth")
		upstreamtest.Do(t, req)
		if len(f.Bodies()) != 1 || f.Bodies()[0] != body {
			t.Errorf("%q arrived as %q", body, f.Bodies())
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	if res, err := http.Get(origin + "/_gatehouse/health"); err != nil || res.StatusCode != 200 {
		t.Errorf("%v %v", res, err)
	}
	f.Server.Close()
	if res, err := http.Get(origin + "/_gatehouse/health"); err != nil || res.StatusCode != 503 {
		t.Errorf("without emulator: %v %v", res, err)
	}
	status, _, body := upstreamtest.CallCognito(t, origin, "SignUp", map[string]string{"ClientId": "c1"})
	if status < 400 || !strings.Contains(body, "__type") {
		t.Errorf("without emulator: %d %s", status, body)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg := Config{Root: "../../..", Listen: address, Upstream: f.Server.URL, Region: "us-east-1", AccessKeyID: "test", SecretAccessKey: "test", Log: slog.New(slog.DiscardHandler)}
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- Run(ctx, cfg, func() { close(ready) }) }()
	<-ready
	if res, err := http.Get("http://" + address + "/_gatehouse/health"); err != nil || res.StatusCode != 200 {
		t.Errorf("%v %v", res, err)
	}
	if err := Run(ctx, cfg, func() {}); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("second proxy on one port: %v", err)
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

// The daemon listens on the number of the proxy's port.
func TestDaemon(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
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
			Listen: address, Upstream: f.Server.URL, Region: "us-east-1",
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
	if _, err := sender.Write([]byte(`{"format": "json", "version": 1}` + "\n" + `{"trace_id":"1-5759e988-bd862e3fe1be46a994272793","id":"70de5b6f19ff9a0a","name":"n","start_time":1.0,"end_time":2.0}`)); err != nil {
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
		_, _, body = upstreamtest.Do(t, req)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A page of another site reaches neither the faults nor the emulator, whatever host it
// names.
func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	for _, path := range []string{"/", "/_gatehouse/faults", "/_gatehouse/traces", "/2015-03-31/functions", "/_ministack/reset"} {
		for name, header := range map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", "Host": "evil.example"} {
			req := upstreamtest.Request(t, http.MethodPost, origin+path, `{"service":"sns","mode":"hang"}`)
			req.Header.Set(name, header)
			if name == "Host" {
				req.Host = header
			}
			if status, _, body := upstreamtest.Do(t, req); status != http.StatusForbidden || strings.Contains(strings.Join(f.Bodies(), ""), "hang") {
				t.Errorf("%s with %s %s: status %d, %s", path, name, header, status, body)
			}
		}
	}
}
