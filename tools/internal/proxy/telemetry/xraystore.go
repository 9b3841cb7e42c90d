package telemetry

import (
	"container/list"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// Limits bound the store; the oldest trace goes first.
type Limits struct {
	Traces int
	Bytes  int
	// TraceBytes is the limit of one trace. X-Ray drops what goes beyond its own
	// 500 kB and says so in LimitExceeded.
	TraceBytes int
}

// DefaultLimits are enough for a day of clicking and one load test.
func DefaultLimits() Limits { return Limits{Traces: 5000, Bytes: 64 << 20, TraceBytes: 500 << 10} }

// Store keeps traces in memory; they end with the process.
type Store struct {
	limits Limits
	now    func() time.Time

	mu     sync.Mutex
	traces map[string]*list.Element // of *trace
	order  *list.List               // oldest first
	counts Counts
}

// Counts say what the store holds and what it did not take.
type Counts struct {
	Traces    int `json:"traces"`
	Documents int `json:"documents"`
	Bytes     int `json:"bytes"`
	// Malformed packets and documents were dropped, Evicted traces had to make
	// room, Refused documents belonged to a trace that is full.
	Malformed int `json:"malformed"`
	Evicted   int `json:"evicted"`
	Refused   int `json:"refused"`
}

// trace is what has arrived for one id.
type trace struct {
	id       string
	arrived  time.Time // the first document
	order    []string  // of documents by id
	raw      map[string]json.RawMessage
	bytes    int
	exceeded bool
}

// NewStore makes an empty store.
func NewStore(limits Limits) *Store {
	return &Store{limits: limits, now: time.Now, traces: map[string]*list.Element{}, order: list.New()}
}

// Add keeps documents. One with an id that is there already replaces it: an SDK
// sends a segment that takes long first as begun and then as a whole.
func (s *Store) Add(documents ...Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range documents {
		s.add(d)
	}
	for s.order.Len() > s.limits.Traces || s.counts.Bytes > s.limits.Bytes && s.order.Len() > 1 {
		s.evict()
	}
}

func (s *Store) add(d Document) {
	element, found := s.traces[d.TraceID]
	if !found {
		element = s.order.PushBack(&trace{id: d.TraceID, arrived: s.now(), raw: map[string]json.RawMessage{}})
		s.traces[d.TraceID] = element
		s.counts.Traces++
	}
	t := held(element)
	old, replaces := t.raw[d.ID]
	grown := len(d.Raw) - len(old)
	if t.bytes+grown > s.limits.TraceBytes {
		t.exceeded = true
		s.counts.Refused++
		return
	}
	if !replaces {
		t.order = append(t.order, d.ID)
		s.counts.Documents++
	}
	t.raw[d.ID] = d.Raw
	t.bytes += grown
	s.counts.Bytes += grown
}

func (s *Store) evict() {
	t := held(s.order.Front())
	s.order.Remove(s.order.Front())
	delete(s.traces, t.id)
	s.counts.Traces--
	s.counts.Documents -= len(t.order)
	s.counts.Bytes -= t.bytes
	s.counts.Evicted++
}

// malformed counts a packet or document that was dropped.
func (s *Store) malformed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Malformed++
}

// Counts is a look at the store.
func (s *Store) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// snapshot is a trace as it is now. The documents are shared: nobody changes them.
type snapshot struct {
	id        string
	arrived   time.Time
	exceeded  bool
	documents []json.RawMessage
}

// get returns one trace.
func (s *Store) get(id string) (snapshot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	element, found := s.traces[id]
	if !found {
		return snapshot{}, false
	}
	return held(element).snapshot(), true
}

// all returns every trace, the newest first.
func (s *Store) all() []snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	traces := make([]snapshot, 0, s.order.Len())
	for e := s.order.Front(); e != nil; e = e.Next() {
		traces = append(traces, held(e).snapshot())
	}
	slices.Reverse(traces)
	return traces
}

// held is the list's element as what it is: the list holds nothing else.
func held(e *list.Element) *trace {
	t, _ := e.Value.(*trace)
	return t
}

func (t *trace) snapshot() snapshot {
	documents := make([]json.RawMessage, 0, len(t.order))
	for _, id := range t.order {
		documents = append(documents, t.raw[id])
	}
	return snapshot{id: t.id, arrived: t.arrived, exceeded: t.exceeded, documents: documents}
}
