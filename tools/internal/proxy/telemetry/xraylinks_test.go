package telemetry

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// child is a document with a link to a part of testTrace.
func child(traceID, of string) string {
	return doc(id(1), "trace_id", traceID, "links", []any{map[string]any{
		"trace_id": testTrace, "id": of, "attributes": map[string]string{"aws.xray.reserved.reference_type": "parent"},
	}})
}

// linksIn are the links of a trace's parts as X-Ray answers them: part, trace, part, kind.
func linksIn(t *testing.T, s *Store, traceID string) []string {
	t.Helper()
	got, found := s.get(traceID)
	if !found {
		t.Fatalf("no trace %s", traceID)
	}
	answer, err := got.answer()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, segment := range answer.Segments {
		var n node
		if err := json.Unmarshal([]byte(segment.Document), &n); err != nil {
			t.Fatal(err)
		}
		walk(n, func(part node) {
			raw, _ := json.Marshal(part["links"])
			for _, l := range linksOf(raw) {
				all = append(all, fmt.Sprint(part["id"], " ", l.TraceID, " ", l.ID, " ", l.Attributes.Reference))
			}
		})
	}
	return all
}

// A link is answered with both of its ends, whichever arrives first.
func TestLinksHaveTwoEnds(t *testing.T) {
	t.Parallel()
	consumer := traceNo(1)
	sender := doc(id(7), "subsegments", []any{map[string]any{"id": id(8), "name": "SNS"}})
	for name, order := range map[string][]string{
		"sender_first":   {sender, child(consumer, id(8))},
		"consumer_first": {child(consumer, id(8)), sender},
		"twice":          {child(consumer, id(8)), sender, child(consumer, id(8)), sender},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewStore(DefaultLimits())
			for _, raw := range order {
				s.Add(parsed(t, raw)...)
			}
			if diff := cmp.Diff([]string{id(8) + " " + consumer + " " + id(1) + " child"}, linksIn(t, s, testTrace)); diff != "" {
				t.Errorf("the sender's (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{id(1) + " " + testTrace + " " + id(8) + " parent"}, linksIn(t, s, consumer)); diff != "" {
				t.Errorf("the consumer's (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLinksAreBounded(t *testing.T) {
	t.Parallel()
	s := NewStore(Limits{Traces: 200, Bytes: 1 << 20, TraceBytes: 1 << 20})
	s.Add(parsed(t, doc(id(1)))...)
	for n := range maxLinks + 10 {
		s.Add(parsed(t, child(traceNo(n+1), id(1)))...)
	}
	if got := len(linksIn(t, s, testTrace)); got != maxLinks {
		t.Errorf("%d links, want %d", got, maxLinks)
	}
	b := newBacklinks()
	for n := range 5 {
		b.add(Document{TraceID: testTrace, ID: id(1), links: []link{{traceNo(n), id(2), linkAttributes{"parent"}}}}, 3)
	}
	if len(b.traces) != 3 || len(b.counts) != 3 || len(b.order) != 3 || b.traces[traceNo(4)] == nil {
		t.Errorf("kept %v", b)
	}
}

// Other links cost neither the document nor the answer.
func TestLinksThatLeadNowhere(t *testing.T) {
	t.Parallel()
	for name, links := range map[string]any{
		"text":       "x",
		"no_list":    map[string]any{"trace_id": testTrace},
		"bad_trace":  []any{map[string]any{"trace_id": "1-2-3", "id": id(1)}},
		"bad_part":   []any{map[string]any{"trace_id": testTrace, "id": "1"}},
		"no_kind":    []any{map[string]any{"trace_id": testTrace, "id": id(1)}},
		"other_kind": []any{map[string]any{"trace_id": testTrace, "id": id(1), "attributes": map[string]string{"aws.xray.reserved.reference_type": "child"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewStore(DefaultLimits())
			s.Add(parsed(t, doc(id(1)))...)
			s.Add(parsed(t, doc(id(2), "trace_id", traceNo(1), "links", links))...)
			if got := linksIn(t, s, testTrace); len(got) != 0 {
				t.Errorf("links %v", got)
			}
			linksIn(t, s, traceNo(1))
		})
	}
}
