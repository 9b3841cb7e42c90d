package telemetry

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parsed is what a document gives, in a trace of its own if one is named.
func parsed(t *testing.T, raw string) []Document {
	t.Helper()
	documents, err := parseDocument([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

func traceNo(n int) string { return fmt.Sprintf("1-5759e988-%024x", n) }

func TestStoreReplaces(t *testing.T) {
	t.Parallel()
	s := NewStore(DefaultLimits())
	s.Add(parsed(t, doc(id(1), "in_progress", true, "end_time", nil))...)
	whole := doc(id(1))
	s.Add(parsed(t, whole)...)
	got, found := s.get(testTrace)
	if !found || len(got.documents) != 1 || string(got.documents[0]) != whole {
		t.Errorf("kept %s", got.documents)
	}
	if c := s.Counts(); c.Documents != 1 || c.Bytes != len(whole) {
		t.Errorf("counts %+v", c)
	}
}

func TestStoreIsBounded(t *testing.T) {
	t.Parallel()
	size := len(doc(id(1)))
	for name, tc := range map[string]struct {
		limits Limits
		add    int // traces of one document each
		want   Counts
	}{
		"traces": {Limits{2, 1 << 20, 1 << 20}, 5, Counts{Traces: 2, Documents: 2, Bytes: 2 * size, Evicted: 3}},
		"bytes":  {Limits{9, 3*size + 1, 1 << 20}, 5, Counts{Traces: 3, Documents: 3, Bytes: 3 * size, Evicted: 2}},
		"one":    {Limits{9, 1, 1 << 20}, 2, Counts{Traces: 1, Documents: 1, Bytes: size, Evicted: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewStore(tc.limits)
			for n := range tc.add {
				s.Add(parsed(t, doc(id(1), "trace_id", traceNo(n)))...)
			}
			if diff := cmp.Diff(tc.want, s.Counts()); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if _, found := s.get(traceNo(tc.add - 1)); !found {
				t.Error("the newest trace is gone")
			}
			if _, found := s.get(traceNo(0)); found {
				t.Error("the oldest trace is there")
			}
		})
	}
}

func TestOneTraceIsBounded(t *testing.T) {
	t.Parallel()
	size := len(doc(id(1)))
	s := NewStore(Limits{9, 1 << 20, 2 * size})
	for n := range 3 {
		s.Add(parsed(t, doc(id(n+1)))...)
	}
	got, _ := s.get(testTrace)
	if c := s.Counts(); len(got.documents) != 2 || !got.exceeded || c.Refused != 1 {
		t.Errorf("%d documents, exceeded %v, counts %+v", len(got.documents), got.exceeded, c)
	}
}

func TestStoreTogether(t *testing.T) {
	t.Parallel()
	s := NewStore(Limits{10, 1 << 20, 1 << 20})
	var together sync.WaitGroup
	for worker := range 4 {
		together.Go(func() {
			for n := range 100 {
				s.Add(parsed(t, doc(id(n+1), "trace_id", traceNo(n%20), "type", "subsegment", "parent_id", id(worker+1)))...)
				if _, err := s.batchGetTraces([]byte(`{"TraceIds":["` + traceNo(n%20) + `"]}`)); err != nil {
					t.Error(err)
				}
				s.all()
				s.Counts()
			}
		})
	}
	together.Wait()
	if c := s.Counts(); c.Traces != 10 {
		t.Errorf("counts %+v", c)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewStore(DefaultLimits())
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, conn) }()
	sender, err := net.Dial("udp", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	for _, packet := range []string{"junk", line + doc(id(1)), line + "{}", line + doc(id(2), "note", strings.Repeat("x", 60000))} {
		if _, err := sender.Write([]byte(packet)); err != nil {
			t.Fatal(err)
		}
	}
	until := time.After(10 * time.Second)
	for again := time.NewTicker(time.Millisecond); ; {
		c := s.Counts()
		if c.Documents == 2 && c.Malformed == 2 {
			again.Stop()
			break
		}
		select {
		case <-again.C:
		case <-until:
			t.Fatalf("counts %+v", c)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
