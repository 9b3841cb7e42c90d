package telemetry

import "encoding/json"

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

type serviceID struct {
	Name string
	Type string `json:",omitempty"`
}

// summarized is what the summary reads of a segment, nested ones included.
type summarized struct {
	fields
	Origin   string
	Fault    bool
	Error    bool
	Throttle bool
	HTTP     struct {
		Request  struct{ Method, URL string }
		Response struct{ Status int }
	}
	Subsegments []summarized
}

func (t snapshot) summary() summary {
	out := summary{ID: t.id}
	last := 0.0
	var entry *summarized
	for _, raw := range t.documents {
		var s summarized
		if json.Unmarshal(raw, &s) != nil {
			continue // of a field that nobody asks for; the document itself was checked
		}
		if out.StartTime == 0 || *s.Start < out.StartTime {
			out.StartTime = *s.Start
		}
		last = max(last, *s.Start)
		if s.End != nil {
			last = max(last, *s.End)
		}
		if s.Type != "subsegment" && (entry == nil || *s.Start < *entry.Start) {
			entry = &s
		}
		out.collect(s)
	}
	out.Duration = last - out.StartTime
	if entry == nil {
		return out
	}
	out.EntryPoint = &serviceID{Name: entry.Name, Type: entry.Origin}
	q, status := entry.HTTP.Request, entry.HTTP.Response.Status
	if q.Method != "" || status != 0 {
		out.HTTP = &httpSummary{URL: q.URL, Status: status, Method: q.Method}
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
