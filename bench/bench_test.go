package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	var values []time.Duration
	for i := 100; i > 0; i-- {
		values = append(values, time.Duration(i))
	}
	if p50, p99 := quantile(values, 0.5), quantile(values, 0.99); p50 != 51 || p99 != 100 {
		t.Errorf("p50 %d, p99 %d", p50, p99)
	}
	if quantile(nil, 0.5) != 0 || median(nil) != 0 || median([]float64{3, 1, 2}) != 2 {
		t.Error("medians are wrong")
	}
}

func TestPrintTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	missed := printTable(&out, []row{
		{name: "fast", twin: 100, ours: 10, unit: "ms", gate: 5}, {name: "slow", twin: 100, ours: 50, unit: "ms", gate: 5},
		{name: "small", ours: 1, unit: "MB", gate: 2, isCap: true}, {name: "big", ours: 3, unit: "MB", gate: 2, isCap: true},
	})
	if got := strings.Join(missed, " "); got != "slow big" || strings.Count(out.String(), "MISSED") != 2 {
		t.Errorf("missed %q in\n%s", got, out.String())
	}
}

// TestRuntimeAPI plays a function that answers twice, once with an error.
func TestRuntimeAPI(t *testing.T) {
	t.Parallel()
	api, err := newRuntimeAPI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.server.Close() })
	base := "http://" + api.addr + "/2018-06-01/runtime/invocation/"
	go func() {
		for _, end := range []string{"/response", "/error"} {
			resp, err := http.Get(base + "next")
			if err != nil {
				return
			}
			_ = resp.Body.Close()
			resp, err = http.Post(base+resp.Header.Get("Lambda-Runtime-Aws-Request-Id")+end, "application/json", strings.NewReader("boom"))
			if err != nil {
				return
			}
			_ = resp.Body.Close()
		}
	}()
	if _, err := api.waitReady(); err != nil {
		t.Fatal(err)
	}
	if took, err := api.invoke([]byte("{}")); err != nil || took <= 0 {
		t.Errorf("first call: %v, %v", took, err)
	}
	if _, err := api.invoke([]byte("{}")); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("second call: %v", err)
	}
}

func TestSNSStub(t *testing.T) {
	t.Parallel()
	stub, stop, err := newSNSStub(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	raw, err := os.ReadFile(stub.bundle)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(raw)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	resp, err := client.Post(stub.url, "text/plain", bytes.NewReader(nil))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || stub.published.Load() != 1 {
		t.Errorf("status %d, %d published", resp.StatusCode, stub.published.Load())
	}
}
