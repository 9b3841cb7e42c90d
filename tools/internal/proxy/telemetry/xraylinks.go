package telemetry

import (
	"encoding/json"
	"strings"
)

// maxLinks is how many links a trace can have
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-tracelinking.html).
const maxLinks = 100

// link leads from a part of one trace to a part of another. Lambda writes those of a run for a
// batch of SQS; they lead to the senders, which are the parents. X-Ray answers them with the
// run's segment, and the same links the other way, to children, with the senders' parts.
type link struct {
	TraceID    string         `json:"trace_id"`
	ID         string         `json:"id"`
	Attributes linkAttributes `json:"attributes"`
}

type linkAttributes struct {
	Reference string `json:"aws.xray.reserved.reference_type"`
}

// linksOf are those of a document that can be followed.
func linksOf(raw json.RawMessage) []link {
	var all, valid []link
	if len(raw) == 0 || json.Unmarshal(raw, &all) != nil {
		return nil
	}
	for _, l := range all {
		if isTraceID(l.TraceID) && isSegmentID(l.ID) {
			l.TraceID = strings.ToLower(l.TraceID)
			valid = append(valid, l)
		}
	}
	return valid
}

// backlinks are the links to children, by the ids of their parents' traces and then of the
// parents. A parent's own document may arrive later.
type backlinks struct {
	traces map[string]map[string][]link
	counts map[string]int
	order  []string // ids of traces, the oldest first
}

func newBacklinks() backlinks {
	return backlinks{traces: map[string]map[string][]link{}, counts: map[string]int{}}
}

// add turns a document's links to parents round. It keeps those of the newest traces.
func (b *backlinks) add(d Document, most int) {
	for _, l := range d.links {
		if l.Attributes.Reference != "parent" || b.counts[l.TraceID] >= maxLinks || b.has(l, d) {
			continue
		}
		if b.traces[l.TraceID] == nil {
			b.traces[l.TraceID] = map[string][]link{}
			b.order = append(b.order, l.TraceID)
		}
		b.counts[l.TraceID]++
		b.traces[l.TraceID][l.ID] = append(b.traces[l.TraceID][l.ID], link{d.TraceID, d.ID, linkAttributes{"child"}})
	}
	for len(b.order) > most {
		delete(b.traces, b.order[0])
		delete(b.counts, b.order[0])
		b.order = b.order[1:]
	}
}

// has reports whether the link from d is there: a document may arrive twice.
func (b *backlinks) has(l link, d Document) bool {
	for _, child := range b.traces[l.TraceID][l.ID] {
		if child.TraceID == d.TraceID && child.ID == d.ID {
			return true
		}
	}
	return false
}
