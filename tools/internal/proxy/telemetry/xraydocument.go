package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxDocument is X-Ray's own limit of one segment document
// (https://docs.aws.amazon.com/general/latest/gr/xray.html).
const maxDocument = 64 << 10

// Document is one segment, or one subsegment that was sent by itself.
type Document struct {
	TraceID string
	ID      string
	Raw     json.RawMessage
	// links lead from the document to parts of other traces.
	links []link
}

// invalidError is why X-Ray would refuse a document, in its own words.
type invalidError string

func (e invalidError) Error() string { return "Invalid segment. ErrorCode: " + string(e) }

// fields are those that X-Ray asks for.
type fields struct {
	TraceID    string   `json:"trace_id"`
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	ParentID   string   `json:"parent_id"`
	Start      *float64 `json:"start_time"`
	End        *float64 `json:"end_time"`
	InProgress bool     `json:"in_progress"`
	// Links are read by [linksOf]: whatever they hold, the document is valid.
	Links json.RawMessage `json:"links"`
}

// parseDocument reads one document, which may be a list of subsegments.
func parseDocument(raw []byte) ([]Document, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > maxDocument {
		return nil, invalidError("SegmentTooLarge")
	}
	list := []json.RawMessage{raw}
	if bytes.HasPrefix(raw, []byte("[")) && json.Unmarshal(raw, &list) != nil {
		return nil, invalidError("ParseError")
	}
	documents := make([]Document, 0, len(list))
	for _, item := range list {
		one, err := parseOne(item)
		if err != nil {
			return nil, err
		}
		documents = append(documents, one)
	}
	return documents, nil
}

func parseOne(raw []byte) (Document, error) {
	var f fields
	if err := json.Unmarshal(raw, &f); err != nil {
		return Document{}, invalidError("ParseError")
	}
	bad := ""
	switch {
	case f.ID == "":
		bad = "MissingId"
	case !isSegmentID(f.ID):
		bad = "InvalidId"
	case f.TraceID == "":
		bad = "MissingTraceId"
	case !isTraceID(f.TraceID):
		bad = "InvalidTraceId"
	case f.Name == "" || len(f.Name) > 200:
		bad = "InvalidName"
	case f.Start == nil || *f.Start <= 0:
		bad = "InvalidStartTime"
	case f.End == nil && !f.InProgress:
		bad = "MissingEndTime"
	case f.Type == "subsegment" && !isSegmentID(f.ParentID):
		bad = "InvalidParentId"
	}
	if bad != "" {
		return Document{}, invalidError(bad)
	}
	return Document{TraceID: strings.ToLower(f.TraceID), ID: f.ID, Raw: bytes.Clone(raw), links: linksOf(f.Links)}, nil
}

// errPacket is a packet that the daemon drops before it looks at the document.
var errPacket = errors.New("not an X-Ray packet")

// parsePacket reads what an SDK sends: a line that says the format, and a document
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon).
func parsePacket(packet []byte) ([]Document, error) {
	line, document, found := bytes.Cut(packet, []byte("\n"))
	if !found {
		return nil, errPacket
	}
	var format struct {
		Format  string
		Version int
	}
	if err := json.Unmarshal(line, &format); err != nil || format.Format != "json" || format.Version != 1 {
		return nil, errPacket
	}
	documents, err := parseDocument(document)
	if err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	return documents, nil
}
