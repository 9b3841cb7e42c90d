package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
)

// maxPacket is the most that fits into a UDP packet.
const maxPacket = 64 << 10

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

	mu     sync.Mutex
	traces map[string]*trace
	order  []string // ids of traces, the oldest first
	linked backlinks
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
	order    []string // of documents by id
	raw      map[string]json.RawMessage
	bytes    int
	exceeded bool
}

// NewStore makes an empty store.
func NewStore(limits Limits) *Store {
	return &Store{limits: limits, traces: map[string]*trace{}, linked: newBacklinks()}
}

// Add keeps documents. One with an id that is there already replaces it: an SDK
// sends a segment that takes long first as begun and then as a whole.
func (s *Store) Add(documents ...Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range documents {
		s.add(d)
	}
	for len(s.order) > s.limits.Traces || s.counts.Bytes > s.limits.Bytes && len(s.order) > 1 {
		s.evict()
	}
}

func (s *Store) add(d Document) {
	t := s.traces[d.TraceID]
	if t == nil {
		t = &trace{raw: map[string]json.RawMessage{}}
		s.traces[d.TraceID] = t
		s.order = append(s.order, d.TraceID)
		s.counts.Traces++
	}
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
	s.linked.add(d, s.limits.Traces)
	t.bytes += grown
	s.counts.Bytes += grown
}

func (s *Store) evict() {
	t := s.traces[s.order[0]]
	delete(s.traces, s.order[0])
	s.order = s.order[1:]
	s.counts.Traces--
	s.counts.Documents -= len(t.order)
	s.counts.Bytes -= t.bytes
	s.counts.Evicted++
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
	exceeded  bool
	documents []json.RawMessage
	// children are the links to other traces by the parts that they lead from.
	children map[string][]link
}

// get returns one trace.
func (s *Store) get(id string) (snapshot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot(id)
}

// all returns every trace, the newest first.
func (s *Store) all() []snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	var traces []snapshot
	for _, id := range slices.Backward(s.order) {
		one, _ := s.snapshot(id)
		traces = append(traces, one)
	}
	return traces
}

func (s *Store) snapshot(id string) (snapshot, bool) {
	t := s.traces[id]
	if t == nil {
		return snapshot{}, false
	}
	one := snapshot{id: id, exceeded: t.exceeded}
	if linked := s.linked.traces[id]; len(linked) > 0 {
		one.children = map[string][]link{}
		for part, children := range linked {
			one.children[part] = slices.Clone(children)
		}
	}
	for _, document := range t.order {
		one.documents = append(one.documents, t.raw[document])
	}
	return one, true
}

// Serve receives what tracing SDKs send by UDP until ctx is done. Nothing is answered:
// a sender never learns whether anybody listens.
func (s *Store) Serve(ctx context.Context, conn net.PacketConn) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	packet := make([]byte, maxPacket)
	for {
		n, _, err := conn.ReadFrom(packet)
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("net.PacketConn.ReadFrom: %w", err)
		}
		documents, err := parsePacket(packet[:n])
		if err != nil {
			s.mu.Lock()
			s.counts.Malformed++
			s.mu.Unlock()
			continue
		}
		s.Add(documents...)
	}
}
