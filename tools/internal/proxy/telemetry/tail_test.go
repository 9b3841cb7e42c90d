package telemetry

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// logsFake keeps one log group and the metrics that were put.
type logsFake struct {
	mu      sync.Mutex
	lines   []logLine
	reads   int
	refuse  bool
	short   bool // reads return nothing
	metrics float64
}

func (f *logsFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch action {
	case "DescribeLogGroups":
		size := 0
		for _, l := range f.lines {
			size += len(l.Message)
		}
		upstreamtest.WriteJSON(w, 200, map[string]any{"logGroups": []upstream.LogGroup{{Name: "/gatehouse/local/signin-audit/recorder", Bytes: int64(size)}, {Name: "/aws/codebuild/x", Bytes: 1}}})
	case "FilterLogEvents":
		f.reads++
		var in struct {
			StartTime int64 `json:"startTime"`
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		var out []logLine
		for _, l := range f.lines {
			if l.Timestamp >= in.StartTime && !f.short {
				out = append(out, l)
			}
		}
		upstreamtest.WriteJSON(w, 200, map[string]any{"events": out})
	case "PutMetricData":
		if f.refuse {
			w.WriteHeader(500)
			return
		}
		var in metricBatch
		_ = json.NewDecoder(r.Body).Decode(&in)
		for _, d := range in.MetricData {
			for i, v := range d.Values {
				f.metrics += v * d.Counts[i]
			}
		}
		upstreamtest.WriteJSON(w, 200, map[string]string{})
	}
}

func TestEveryLineOnce(t *testing.T) {
	t.Parallel()
	const emf = `{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"G","Metrics":[{"Name":"N"}]}]},"N":1}`
	f := &logsFake{}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	tl := newTail(upstreamtest.Upstream(t, server.URL), dir, slog.New(slog.DiscardHandler))
	at := tl.start
	step := func(wantMetrics float64, wantReads int, lines ...logLine) {
		t.Helper()
		f.mu.Lock()
		f.lines = append(f.lines, lines...)
		f.mu.Unlock()
		_ = tl.look(context.Background())
		if f.metrics != wantMetrics || f.reads != wantReads {
			t.Fatalf("metrics %v reads %d, want %v %d", f.metrics, f.reads, wantMetrics, wantReads)
		}
	}
	step(0, 1, logLine{"s1", at - 1, emf}) // from before the proxy began
	step(2, 2, logLine{"s1", at + 1, emf}, logLine{"s1", at + 1, emf})
	step(2, 2)                             // nothing new: not even a read
	step(3, 3, logLine{"s1", at + 1, emf}) // a third equal line of that millisecond
	step(4, 4, logLine{"s2", at + 1, emf}) // another stream
	step(5, 5, logLine{"s1", at + 60_000, emf})
	step(6, 6, logLine{"s3", at + 56_000, emf}) // late, within the overlap
	f.lines, f.short = f.lines[1:], true        // a read that misses lines makes none new
	step(6, 7)
	f.lines, f.short = append([]logLine{{"s0", at - 1, "x"}}, f.lines...), false
	step(6, 8)
	f.refuse = true
	step(6, 9, logLine{"s1", at + 61_000, emf}) // CloudWatch is down
	f.refuse = false
	step(7, 9) // and takes it later
	text, err := os.ReadFile(filepath.Join(dir, "signin-audit-recorder.log"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Repeat(emf+"\n", 7), string(text)); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
}

func TestLogFile(t *testing.T) {
	t.Parallel()
	for group, want := range map[string]string{
		"/gatehouse/local/user-events/metrics": "user-events-metrics.log",
		"/gatehouse/x":                         "x.log",
		"/gatehouse/local/../../etc/passwd":    "------etc-passwd.log",
	} {
		if got := logFile(group); got != want {
			t.Errorf("%s: %s, want %s", group, got, want)
		}
	}
}
