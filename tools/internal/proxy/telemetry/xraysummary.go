package telemetry

import (
	"encoding/json"
	"math"
)

// summary is an element of GetTraceSummaries' answer, with the fields that `gatehouse
// trace list` reads.
type summary struct {
	ID          string       `json:"Id"`
	StartTime   float64      `json:"StartTime"`
	Duration    float64      `json:"Duration"`
	HasFault    bool         `json:"HasFault"`
	HasError    bool         `json:"HasError"`
	HasThrottle bool         `json:"HasThrottle"`
	IsPartial   bool         `json:"IsPartial"`
	HTTP        *httpSummary `json:"Http,omitempty"`
	EntryPoint  *serviceID   `json:"EntryPoint,omitempty"`
}

type httpSummary struct {
	URL    string `json:"HttpURL,omitempty"`
	Status int    `json:"HttpStatus,omitempty"`
	Method string `json:"HttpMethod,omitempty"`
}

type serviceID struct{ Name string }

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
			out.EntryPoint, out.HTTP = &serviceID{s.Name}, nil
			if q, status := s.HTTP.Request, s.HTTP.Response.Status; q.Method != "" || status != 0 {
				out.HTTP = &httpSummary{URL: q.URL, Status: status, Method: q.Method}
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
