package telemetry

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// summary is an element of GetTraceSummaries' answer, as far as there is
// something to say about it.
type summary struct {
	ID           string             `json:"Id"`
	StartTime    float64            `json:"StartTime"`
	Duration     float64            `json:"Duration"`
	ResponseTime float64            `json:"ResponseTime"`
	HasFault     bool               `json:"HasFault"`
	HasError     bool               `json:"HasError"`
	HasThrottle  bool               `json:"HasThrottle"`
	IsPartial    bool               `json:"IsPartial"`
	HTTP         *httpSummary       `json:"Http,omitempty"`
	Annotations  map[string][]value `json:"Annotations"`
	ServiceIDs   []serviceID        `json:"ServiceIds"`
	EntryPoint   *serviceID         `json:"EntryPoint,omitempty"`
}

type httpSummary struct {
	URL       string `json:"HttpURL,omitempty"`
	Status    int    `json:"HttpStatus,omitempty"`
	Method    string `json:"HttpMethod,omitempty"`
	UserAgent string `json:"UserAgent,omitempty"`
	ClientIP  string `json:"ClientIp,omitempty"`
}

// value is one that an annotation has had in the trace.
type value struct {
	AnnotationValue map[string]any
	ServiceIds      []serviceID
}

type serviceID struct {
	Name  string
	Names []string
	Type  string `json:",omitempty"`
}

// seen is what the summary reads of a segment, nested ones included.
type seen struct {
	fields
	Origin   string
	Fault    bool
	Error    bool
	Throttle bool
	HTTP     struct {
		Request struct {
			Method    string
			URL       string
			UserAgent string `json:"user_agent"`
			ClientIP  string `json:"client_ip"`
		}
		Response struct{ Status int }
	}
	Annotations map[string]any
	Subsegments []seen
}

func (t snapshot) summary() summary {
	out := summary{ID: t.id, Annotations: map[string][]value{}, ServiceIDs: []serviceID{}}
	first, last := 0.0, 0.0
	var entry *seen
	for _, raw := range t.documents {
		var s seen
		if json.Unmarshal(raw, &s) != nil {
			continue // of a field that nobody asks for; the document itself was checked
		}
		if first == 0 || *s.Start < first {
			first = *s.Start
		}
		last = max(last, *s.Start)
		if s.End != nil {
			last = max(last, *s.End)
		}
		if s.Type != "subsegment" {
			out.ServiceIDs = append(out.ServiceIDs, s.service())
			if entry == nil || *s.Start < *entry.Start {
				entry = &s
			}
		}
		out.collect(s, s.service())
	}
	out.StartTime, out.Duration = first, last-first
	if entry == nil {
		return out
	}
	id := entry.service()
	out.EntryPoint = &id
	if entry.End != nil {
		out.ResponseTime = *entry.End - *entry.Start
	}
	q, status := entry.HTTP.Request, entry.HTTP.Response.Status
	if q.Method != "" || status != 0 {
		out.HTTP = &httpSummary{URL: q.URL, Status: status, Method: q.Method, UserAgent: q.UserAgent, ClientIP: q.ClientIP}
	}
	return out
}

// collect takes in what a segment and those below it say.
func (out *summary) collect(s seen, of serviceID) {
	out.HasFault = out.HasFault || s.Fault
	out.HasError = out.HasError || s.Error
	out.HasThrottle = out.HasThrottle || s.Throttle
	out.IsPartial = out.IsPartial || s.InProgress
	for _, name := range slices.Sorted(maps.Keys(s.Annotations)) {
		one := map[string]any{}
		switch v := s.Annotations[name].(type) {
		case string:
			one["StringValue"] = v
		case float64:
			one["NumberValue"] = v
		case bool:
			one["BooleanValue"] = v
		default:
			continue // X-Ray keeps no other kind
		}
		out.Annotations[name] = append(out.Annotations[name], value{one, []serviceID{of}})
	}
	for _, child := range s.Subsegments {
		out.collect(child, of)
	}
}

func (s seen) service() serviceID {
	return serviceID{Name: s.Name, Names: []string{s.Name}, Type: s.Origin}
}

// getTraceSummaries answers all of a time range on one page. Filter expressions
// are refused, because ignoring one would answer another question.
func (a api) getTraceSummaries(body []byte) (any, error) {
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
	case in.TimeRangeType != "" && in.TimeRangeType != "TraceId" && in.TimeRangeType != "Event":
		return nil, badRequest("TimeRangeType must be TraceId or Event.")
	}
	from, to := instant(*in.StartTime), instant(*in.EndTime)
	out := []summary{}
	for _, t := range a.Store.all() {
		at := began(t.id)
		if in.TimeRangeType == "Event" {
			at = t.arrived
		}
		// A trace's id has whole seconds.
		if !at.Before(from.Truncate(time.Second)) && !at.After(to) {
			out = append(out, t.summary())
		}
	}
	return map[string]any{
		"TraceSummaries": out, "ApproximateTime": float64(a.Store.now().Unix()), "TracesProcessedCount": len(out),
	}, nil
}

// instant reads a timestamp of this protocol: seconds with a fraction.
func instant(seconds float64) time.Time { return time.UnixMilli(int64(seconds * 1000)) }
