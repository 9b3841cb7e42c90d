package trace

import (
	"cmp"
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
		start: moment(d.Start), end: moment(max(d.End, d.Start)), inferred: d.Inferred,
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
