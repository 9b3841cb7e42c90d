package telemetry

import (
	"encoding/json"
	"fmt"
)

// node is a segment or subsegment with those below it.
type node struct {
	id     string
	fields map[string]json.RawMessage
	below  []*node
}

// segment is one of a trace's answer.
type segment struct {
	ID       string `json:"Id"`
	Document string `json:"Document"`
}

// merge hangs subsegments that came by themselves below their parents, as X-Ray
// answers them. One whose parent is missing stays a separate document.
func merge(documents []json.RawMessage) ([]segment, error) {
	known := map[string]*node{}
	tops := make([]*node, 0, len(documents))
	for _, raw := range documents {
		n, err := read(raw, known)
		if err != nil {
			return nil, err
		}
		tops = append(tops, n)
	}
	var left []*node
	for _, n := range tops {
		parent, found := known[n.text("parent_id")]
		if n.text("type") != "subsegment" || !found || n.holds(parent) {
			left = append(left, n)
			continue
		}
		for _, name := range []string{"type", "trace_id", "parent_id"} {
			delete(n.fields, name)
		}
		parent.below = append(parent.below, n)
	}
	segments := make([]segment, 0, len(left))
	for _, n := range left {
		document, err := json.Marshal(n)
		if err != nil {
			return nil, fmt.Errorf("json.Marshal: %w", err)
		}
		segments = append(segments, segment{ID: n.id, Document: string(document)})
	}
	return segments, nil
}

// read takes a document apart and files each part under its id.
func read(raw json.RawMessage, known map[string]*node) (*node, error) {
	n := &node{}
	if err := json.Unmarshal(raw, &n.fields); err != nil {
		return nil, fmt.Errorf("json.Unmarshal: %w", err)
	}
	n.id = n.text("id")
	known[n.id] = n
	var below []json.RawMessage
	if err := json.Unmarshal(n.fields["subsegments"], &below); err == nil {
		delete(n.fields, "subsegments")
	}
	for _, one := range below {
		child, err := read(one, known)
		if err != nil {
			return nil, err
		}
		n.below = append(n.below, child)
	}
	return n, nil
}

// holds reports whether other is n or below it: then n cannot hang below other.
func (n *node) holds(other *node) bool {
	if n == other {
		return true
	}
	for _, child := range n.below {
		if child.holds(other) {
			return true
		}
	}
	return false
}

func (n *node) text(name string) string {
	var s string
	_ = json.Unmarshal(n.fields[name], &s) // anything but a string counts as absent
	return s
}

// MarshalJSON writes the document with its subsegments in it.
func (n *node) MarshalJSON() ([]byte, error) {
	if len(n.below) > 0 {
		below, err := json.Marshal(n.below)
		if err != nil {
			return nil, fmt.Errorf("json.Marshal: %w", err)
		}
		n.fields["subsegments"] = below
	}
	return json.Marshal(n.fields)
}
