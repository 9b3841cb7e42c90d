package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
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
	if quantile(nil, 0.5) != 0 || median(nil) != 0 || median([]float64{3, 1, 2}) != 2 || least(nil) != 0 || least([]float64{3, 1, 2}) != 1 {
		t.Error("medians are wrong")
	}
}

// TestSummarize: times are those of the process that was disturbed least.
func TestSummarize(t *testing.T) {
	t.Parallel()
	one := func(ms time.Duration) sample {
		d := ms * time.Millisecond
		return sample{init: d, initCPU: d, first: d, warm: []time.Duration{d}, warmCPU: d, spacedCPU: d, rssKB: int64(ms) << 10, slowFirst: d, slow: []time.Duration{d}}
	}
	all := []sample{one(9), one(1), one(2)}
	want := figures{init: 1, initCPU: 1, first: 1, slowFirst: 1, p50: 1, p99: 1, cpu: 1, spacedCPU: 1, rss: 2, slowP50: 1, slowP99: 1}
	if got := summarize(all, all, all); got != want {
		t.Errorf("summarize = %+v, want %+v", got, want)
	}
}

func TestPrintTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	missed := printTable(&out, []row{
		{name: "fast", base: 100, ours: 10, unit: "ms", gate: 5}, {name: "slow", base: 100, ours: 50, unit: "ms", gate: 5},
		{name: "light", base: 1, ours: 2, unit: "ms", limit: 3}, {name: "heavy", base: 1, ours: 4, unit: "ms", limit: 3},
		{name: "small", ours: 1, unit: "MB", limit: 2}, {name: "big", ours: 4, unit: "MB", limit: 2},
		{name: "no_figure", base: 1, unit: "MB", gate: 2}, {name: "informs", base: 1, ours: 100, unit: "ms"},
	})
	if got := strings.Join(missed, " "); got != "slow heavy big no_figure" || strings.Count(out.String(), "MISSED") != 4 {
		t.Errorf("missed %q in\n%s", got, out.String())
	}
	for name, margin := range map[string]string{"fast": "+100%", "slow": "-60%", "light": "+50%", "heavy": "-25%", "small": "+100%", "big": "-50%"} {
		line, _, _ := strings.Cut(out.String()[strings.Index(out.String(), "\n"+name)+1:], "\n")
		if !strings.Contains(line, " "+margin) {
			t.Errorf("%s without its margin %s: %s", name, margin, line)
		}
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
	stub, stop, err := newSNSStub()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(stub.root)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	resp, err := client.Post(stub.url, "text/plain", bytes.NewReader(nil))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || stub.published.Load() != 1 || len(resp.TLS.VerifiedChains[0]) != 3 {
		t.Errorf("status %d, %d published, chains %v", resp.StatusCode, stub.published.Load(), resp.TLS.VerifiedChains)
	}
}

// TestWholeInit limits the CPU time from the start of a trigger to its first request for
// work, with the connection to the topic: the part of a cold start that is ours. The least
// of several starts counts, because a busy machine can only add to it.
func TestWholeInit(t *testing.T) {
	if testing.Short() {
		t.Skip("builds four binaries")
	}
	statSources(t)
	stub, stop, err := newSNSStub()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	functions, err := goFunctions(t.Context(), "..", t.TempDir(), stub)
	if err != nil {
		t.Fatal(err)
	}
	least := map[string]time.Duration{}
	missed := func() (names []string) {
		for name := range triggers {
			if least[name] == 0 || least[name] > initLimit*least[empty] {
				names = append(names, name)
			}
		}
		return names
	}
	const few, many = 5, 40
	for round := range many {
		for name, v := range functions {
			s, err := run(t.Context(), v, stub, plan{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if before, ok := least[name]; !ok || s.initCPU < before {
				least[name] = s.initCPU
			}
		}
		if round >= few && len(missed()) == 0 {
			break
		}
	}
	t.Logf("CPU time of init: %v", least)
	if names := missed(); len(names) > 0 {
		t.Errorf("%v: more than %d times the init of an empty function: %v", names, initLimit, least)
	}
}

// statSources makes Go's test cache notice a changed source: it does not see what
// `go build` reads.
func statSources(t *testing.T) {
	t.Helper()
	for _, dir := range []string{"contracts", "lambdakit", "services/signup-guard", "services/signin-audit", "bench/testdata"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
