package trace

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// tree is a trace as it is shown. Its JSON is what --json prints.
type tree struct {
	ID        string    `json:"id"`
	Start     time.Time `json:"start"`
	Duration  float64   `json:"durationMs"`
	Status    string    `json:"status"`
	Running   int       `json:"inProgress"`
	Orphans   int       `json:"withoutParent"`
	Truncated bool      `json:"truncated"`
	Tops      []*part   `json:"parts"`
	// Linked are the runs that handled what its parts sent, and those that handled what these sent. Each is a trace
	// of its own. Omitted is how many more there are.
	Linked  []tree `json:"linked,omitempty"`
	Omitted int    `json:"omittedLinks,omitempty"`

	parts      int
	unfinished int // parts that say that something has yet to come
}

// part is a segment or subsegment.
type part struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Origin      string         `json:"origin,omitempty"`
	Offset      float64        `json:"offsetMs"`
	Duration    float64        `json:"durationMs"`
	Status      string         `json:"status"`
	Did         string         `json:"did,omitempty"`
	HTTPStatus  int            `json:"httpStatus,omitempty"`
	Annotations map[string]any `json:"annotations,omitempty"`
	Exceptions  []string       `json:"exceptions,omitempty"`
	MadeBy      string         `json:"madeBy,omitempty"`
	Links       []link         `json:"links,omitempty"`
	// Missing is the parent that it hangs below and that is not here.
	Missing string  `json:"missingParent,omitempty"`
	Below   []*part `json:"parts,omitempty"`

	parent   string
	start    float64
	end      float64
	inferred bool
	sub      bool
}

// whole reports whether nothing is known to be missing.
func (t tree) whole() bool { return t.unfinished == 0 }

// grow builds a tree from the documents that X-Ray returned, in any order.
func grow(id string, documents []string) (tree, error) {
	t := tree{ID: id, Status: "ok"}
	known := map[string]*part{}
	var tops []*part
	for _, text := range documents {
		d, err := parse(text)
		if err != nil {
			return tree{}, err
		}
		p := newPart(d, known)
		p.parent, p.sub = d.ParentID, d.Type == "subsegment"
		tops = append(tops, p)
	}
	t.parts = len(known)
	for _, p := range tops {
		t.place(p, known)
	}
	t.measure(known)
	slices.SortStableFunc(t.Tops, byStart)
	return t, nil
}

// newPart converts a document.
func newPart(d document, known map[string]*part) *part {
	p := &part{
		ID: d.ID, Name: d.Name, Origin: d.Origin, Status: d.status(), Did: d.did(), HTTPStatus: d.HTTP.Response.Status,
		Annotations: d.Annotations, Exceptions: d.exceptions(), MadeBy: d.madeBy(),
		Links: d.links(), start: moment(d.Start), end: moment(max(d.End, d.Start)), inferred: d.Inferred,
	}
	known[p.ID] = p
	for _, sub := range d.Subsegments {
		p.Below = append(p.Below, newPart(sub, known))
	}
	return p
}

// moment limits a time to what can be formatted.
func moment(seconds float64) float64 {
	const lastOfYear9999 = 253402300799
	return min(max(seconds, 0), lastOfYear9999)
}

// place adds a top to its parent.
func (t *tree) place(p *part, known map[string]*part) {
	parent, found := known[p.parent]
	switch {
	case p.parent == "":
		t.Tops = append(t.Tops, p)
	case !found || p.holds(parent):
		p.Missing = p.parent
		t.Tops = append(t.Tops, p)
		t.Orphans++
		if p.sub {
			t.unfinished++ // its segment is still to come; a segment's parent may be a client's
		}
	case p.inferred:
		// X-Ray's own guess at what an SDK's call reached; the call itself is there.
		parent.Origin = cmp.Or(parent.Origin, p.Origin)
		parent.Links = append(parent.Links, p.Links...)
	default:
		parent.Below = append(parent.Below, p)
	}
}

// holds reports whether other is p or below it.
func (p *part) holds(other *part) bool {
	return p == other || slices.ContainsFunc(p.Below, func(child *part) bool { return child.holds(other) })
}

// measure sets times relative to the whole trace.
func (t *tree) measure(known map[string]*part) {
	first, last := math.Inf(1), math.Inf(-1)
	for _, p := range known {
		first, last = min(first, p.start), max(last, p.end)
		if p.Status == "in progress" {
			t.Running++
			t.unfinished++
		}
		t.Status = worse(t.Status, p.Status)
	}
	if len(known) == 0 {
		return
	}
	t.Start, t.Duration = time.UnixMicro(int64(first*1e6)).UTC(), millis(last-first)
	for _, p := range known {
		p.Offset, p.Duration = millis(p.start-first), millis(p.end-p.start)
		slices.SortStableFunc(p.Below, byStart)
	}
}

// worse returns the more serious status.
func worse(a, b string) string {
	order := []string{"ok", "in progress", "error", "throttled", "fault"}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

func byStart(a, b *part) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.ID, b.ID)) }

// millis rounds to a tenth, the precision of segments.
func millis(seconds float64) float64 { return math.Round(seconds*1e4) / 10 }

// document is what is read of a segment or subsegment
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html).
type document struct {
	ID         string  `json:"id"`
	ParentID   string  `json:"parent_id"`
	Type       string  `json:"type"`
	Name       string  `json:"name"`
	Origin     string  `json:"origin"`
	Start      float64 `json:"start_time"`
	End        float64 `json:"end_time"`
	InProgress bool    `json:"in_progress"`
	Inferred   bool    `json:"inferred"`
	Fault      bool    `json:"fault"`
	Error      bool    `json:"error"`
	Throttle   bool    `json:"throttle"`
	HTTP       struct {
		Request struct {
			Method string `json:"method"`
			URL    string `json:"url"`
		} `json:"request"`
		Response struct {
			Status int `json:"status"`
		} `json:"response"`
	} `json:"http"`
	AWS         map[string]any            `json:"aws"`
	Annotations map[string]any            `json:"annotations"`
	Metadata    map[string]map[string]any `json:"metadata"`
	Cause       json.RawMessage           `json:"cause"`
	Subsegments []document                `json:"subsegments"`
	Links       []struct {
		TraceID    string `json:"trace_id"`
		ID         string `json:"id"`
		Attributes struct {
			Kind string `json:"aws.xray.reserved.reference_type"`
		} `json:"attributes"`
	} `json:"links"`
}

// parse takes what it can read: a field of an unexpected kind costs that field.
func parse(text string) (document, error) {
	var d document
	err := json.Unmarshal([]byte(text), &d)
	var kind *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &kind) {
		return document{}, fmt.Errorf("a segment of the trace cannot be read: %w", err)
	}
	return d, nil
}

// status is how the part ended.
func (d document) status() string {
	switch {
	case d.InProgress:
		return "in progress"
	case d.Fault:
		return "fault"
	case d.Throttle:
		return "throttled"
	case d.Error:
		return "error"
	}
	return "ok"
}

// exceptions are those that the part itself recorded. A cause may also be the id
// of another part's exception, which is shown there.
func (d document) exceptions() []string {
	var cause struct {
		Exceptions []struct{ Type, Message string }
	}
	if json.Unmarshal(d.Cause, &cause) != nil {
		return nil
	}
	var texts []string
	for _, e := range cause.Exceptions {
		switch {
		case e.Type == "":
			texts = append(texts, e.Message)
		case e.Message == "":
			texts = append(texts, e.Type)
		default:
			texts = append(texts, e.Type+": "+e.Message)
		}
	}
	return texts
}

// did is what was called: a request, or an operation of the SDK and its target.
func (d document) did() string {
	operation, _ := d.AWS["operation"].(string)
	if q := d.HTTP.Request; operation == "" && q.Method != "" && q.URL != "" {
		return q.Method + " " + q.URL
	}
	for _, name := range []string{"table_name", "queue_url", "topic_arn", "function_name", "key_id"} {
		if on, _ := d.AWS[name].(string); on != "" && operation != "" {
			return operation + " " + on
		}
	}
	return operation
}

// madeBy is who made a segment, if AWS did not.
func (d document) madeBy() string {
	who, _ := d.Metadata["gatehouse"]["made_by"].(string)
	return who
}
