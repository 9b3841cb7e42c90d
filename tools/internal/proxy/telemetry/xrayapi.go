package telemetry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// maxTraceIDs is how many traces one BatchGetTraces may ask for
// (https://docs.aws.amazon.com/xray/latest/api/API_BatchGetTraces.html).
const maxTraceIDs = 5

// badRequest is an InvalidRequestException.
type badRequest string

func (b badRequest) Error() string { return string(b) }

// operation finds the call that reads traces at a path, in the shapes of
// https://docs.aws.amazon.com/xray/latest/api/API_Operations.html.
func (s *Store) operation(path string) func(body []byte) (any, error) {
	switch path {
	case "/Traces":
		return s.batchGetTraces
	case "/TraceSummaries":
		return s.getTraceSummaries
	}
	return nil
}

func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return badRequest("The request is not valid JSON of this operation.")
	}
	return nil
}

type traceAnswer struct {
	ID            string    `json:"Id"`
	Duration      float64   `json:"Duration"`
	LimitExceeded bool      `json:"LimitExceeded"`
	Segments      []segment `json:"Segments"`
}

type segment struct {
	ID       string `json:"Id"`
	Document string `json:"Document"`
}

// batchGetTraces leaves out ids that nothing is known of, as X-Ray does;
// UnprocessedTraceIds are those that it could not look up, so it stays empty here.
func (s *Store) batchGetTraces(body []byte) (any, error) {
	var in struct {
		TraceIDs []string `json:"TraceIds"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if len(in.TraceIDs) == 0 || len(in.TraceIDs) > maxTraceIDs {
		return nil, badRequest(fmt.Sprintf("TraceIds must have 1 to %d members.", maxTraceIDs))
	}
	found := []traceAnswer{}
	for _, id := range in.TraceIDs {
		if !isTraceID(id) {
			return nil, badRequest("Invalid trace id.")
		}
		t, known := s.get(strings.ToLower(id))
		if !known {
			continue
		}
		one, err := t.answer()
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return map[string]any{"Traces": found, "UnprocessedTraceIds": []string{}}, nil
}

func (t snapshot) answer() (traceAnswer, error) {
	segments, err := merge(t.documents, t.children)
	if err != nil {
		return traceAnswer{}, fmt.Errorf("trace %s: %w", t.id, err)
	}
	return traceAnswer{ID: t.id, Duration: t.summary().Duration, LimitExceeded: t.exceeded, Segments: segments}, nil
}

// node is a segment or subsegment.
type node = map[string]any

// merge adds subsegments that came by themselves to their parents, as X-Ray answers them, and
// links to the parts that they lead from. A subsegment whose parent is missing stays a separate
// document.
func merge(documents []json.RawMessage, children map[string][]link) ([]segment, error) {
	known := map[string]node{}
	tops := make([]node, len(documents))
	for i, raw := range documents {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber() // keeps every digit
		if err := decoder.Decode(&tops[i]); err != nil {
			return nil, fmt.Errorf("json.Decode: %w", err)
		}
		walk(tops[i], func(n node) {
			if id, ok := n["id"].(string); ok {
				known[id] = n
				addLinks(n, children[id])
			}
		})
	}
	var separate []node
	for _, n := range tops {
		parentID, _ := n["parent_id"].(string)
		parent, found := known[parentID]
		if n["type"] != "subsegment" || !found || contains(n, parentID) {
			separate = append(separate, n)
			continue
		}
		for _, name := range []string{"type", "trace_id", "parent_id"} {
			delete(n, name)
		}
		below, _ := parent["subsegments"].([]any)
		parent["subsegments"] = append(below, n)
	}
	segments := make([]segment, 0, len(separate))
	for _, n := range separate {
		document, err := json.Marshal(n)
		if err != nil {
			return nil, fmt.Errorf("json.Marshal: %w", err)
		}
		id, _ := n["id"].(string)
		segments = append(segments, segment{ID: id, Document: string(document)})
	}
	return segments, nil
}

// addLinks adds links to those that a part has.
func addLinks(n node, more []link) {
	if len(more) == 0 {
		return
	}
	all, _ := n["links"].([]any)
	for _, l := range more {
		all = append(all, l)
	}
	n["links"] = all
}

// walk visits n and everything below it.
func walk(n node, visit func(node)) {
	visit(n)
	below, _ := n["subsegments"].([]any)
	for _, one := range below {
		if child, ok := one.(node); ok {
			walk(child, visit)
		}
	}
}

// contains reports whether n or anything below it has the id. If it has the id of a
// parent, n cannot be below that parent.
func contains(n node, id string) bool {
	found := false
	walk(n, func(one node) { found = found || one["id"] == id })
	return found
}

// getTraceSummaries answers all of a time range on one page. Filter expressions
// are refused, because ignoring one would answer another question.
func (s *Store) getTraceSummaries(body []byte) (any, error) {
	var in struct {
		StartTime, EndTime *float64
		TimeRangeType      string
		FilterExpression   string
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	switch {
	case in.StartTime == nil || in.EndTime == nil || *in.StartTime > *in.EndTime:
		return nil, badRequest("StartTime and EndTime must be given, in this order.")
	case in.FilterExpression != "":
		return nil, badRequest("Filter expressions are not supported by the local system.")
	case in.TimeRangeType != "" && in.TimeRangeType != "TraceId":
		return nil, badRequest("TimeRangeType must be TraceId.")
	}
	from := time.UnixMilli(int64(*in.StartTime * 1000)).Truncate(time.Second) // a trace's id has whole seconds
	to := time.UnixMilli(int64(*in.EndTime * 1000))
	out := []summary{}
	for _, t := range s.all() {
		if at := began(t.id); !at.Before(from) && !at.After(to) {
			out = append(out, t.summary())
		}
	}
	return map[string]any{"TraceSummaries": out, "TracesProcessedCount": len(out)}, nil
}

// summary is an element of GetTraceSummaries' answer, with the fields that `gatehouse
// trace list` reads.
type summary struct {
	ID          string  `json:"Id"`
	StartTime   float64 `json:"StartTime"`
	Duration    float64 `json:"Duration"`
	HasFault    bool    `json:"HasFault"`
	HasError    bool    `json:"HasError"`
	HasThrottle bool    `json:"HasThrottle"`
	IsPartial   bool    `json:"IsPartial"`
	// HTTP and EntryPoint are of the first segment.
	HTTP       map[string]any    `json:"Http,omitempty"`
	EntryPoint map[string]string `json:"EntryPoint,omitempty"`
}

// summarized is what the summary reads of a segment, nested ones included.
type summarized struct {
	fields
	Fault, Error, Throttle bool

	HTTP struct {
		Request  struct{ Method, URL string }
		Response struct{ Status int }
	}
	Subsegments []summarized
}

func (t snapshot) summary() summary {
	out := summary{ID: t.id}
	first, last, entry := math.Inf(1), 0.0, math.Inf(1)
	for _, raw := range t.documents {
		var s summarized
		if json.Unmarshal(raw, &s) != nil {
			continue // of a field that nobody asks for; the document itself was checked
		}
		first, last = min(first, *s.Start), max(last, *s.Start)
		if s.End != nil {
			last = max(last, *s.End)
		}
		if s.Type != "subsegment" && *s.Start < entry {
			entry = *s.Start
			out.EntryPoint, out.HTTP = map[string]string{"Name": s.Name}, nil
			if q := s.HTTP.Request; q.Method != "" {
				out.HTTP = map[string]any{"HttpMethod": q.Method, "HttpURL": q.URL, "HttpStatus": s.HTTP.Response.Status}
			}
		}
		out.collect(s)
	}
	if last > 0 {
		out.StartTime, out.Duration = first, last-first
	}
	return out
}

// collect adds what a segment and those below it say.
func (out *summary) collect(s summarized) {
	out.HasFault = out.HasFault || s.Fault
	out.HasError = out.HasError || s.Error
	out.HasThrottle = out.HasThrottle || s.Throttle
	out.IsPartial = out.IsPartial || s.InProgress
	for _, child := range s.Subsegments {
		out.collect(child)
	}
}
