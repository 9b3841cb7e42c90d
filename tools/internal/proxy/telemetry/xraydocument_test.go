package telemetry

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const line = `{"format": "json", "version": 1}` + "\n"

// doc is a valid segment with more or other fields.
func doc(id string, more ...any) string {
	m := map[string]any{"trace_id": testTrace, "id": id, "name": "n", "start_time": 1480615200.01, "end_time": 1480615200.09}
	for i := 0; i < len(more); i += 2 {
		name, _ := more[i].(string)
		if more[i+1] == nil {
			delete(m, name)
			continue
		}
		m[name] = more[i+1]
	}
	raw, _ := json.Marshal(m)
	return string(raw)
}

// id makes a segment's id of a number.
func id(n int) string { return fmt.Sprintf("%016x", n) }

func TestParseDocument(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		raw  string
		want string // an error code, or the ids
	}{
		"segment":                   {doc(id(1)), id(1)},
		"in_progress":               {doc(id(1), "end_time", nil, "in_progress", true), id(1)},
		"subsegment":                {doc(id(1), "type", "subsegment", "parent_id", id(2)), id(1)},
		"list":                      {"[" + doc(id(1)) + "," + doc(id(2)) + "]", id(1) + " " + id(2)},
		"empty_list":                {"[]", ""},
		"not_json":                  {"{", "ParseError"},
		"text":                      {`"x"`, "ParseError"},
		"list_of_text":              {`["x"]`, "ParseError"},
		"bad_list":                  {`[{]`, "ParseError"},
		"empty":                     {"", "ParseError"},
		"null":                      {"null", "MissingId"},
		"no_id":                     {doc("", "id", nil), "MissingId"},
		"short_id":                  {doc("abc"), "InvalidId"},
		"no_trace":                  {doc(id(1), "trace_id", nil), "MissingTraceId"},
		"bad_trace":                 {doc(id(1), "trace_id", "1-2-3"), "InvalidTraceId"},
		"no_name":                   {doc(id(1), "name", ""), "InvalidName"},
		"long_name":                 {doc(id(1), "name", strings.Repeat("n", 201)), "InvalidName"},
		"no_start":                  {doc(id(1), "start_time", nil), "InvalidStartTime"},
		"no_end":                    {doc(id(1), "end_time", nil), "MissingEndTime"},
		"subsegment_without_parent": {doc(id(1), "type", "subsegment"), "InvalidParentId"},
		"too_large":                 {doc(id(1), "metadata", strings.Repeat("m", maxDocument)), "SegmentTooLarge"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			documents, err := parseDocument([]byte(tc.raw))
			var got []string
			for _, d := range documents {
				got = append(got, d.ID)
			}
			var invalid invalidError
			if errors.As(err, &invalid) {
				got = []string{string(invalid)}
			}
			if text := strings.Join(got, " "); text != tc.want {
				t.Errorf("got %q, %v; want %q", text, err, tc.want)
			}
		})
	}
}

func TestParsePacket(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		packet string
		ok     bool
	}{
		"segment":       {line + doc(id(1)), true},
		"spaces":        {`{"version":1,"format":"json"}` + "\n " + doc(id(1)) + "\n", true},
		"no_line":       {doc(id(1)), false},
		"other_format":  {`{"format": "xml", "version": 1}` + "\n" + doc(id(1)), false},
		"other_version": {`{"format": "json", "version": 2}` + "\n" + doc(id(1)), false},
		"no_document":   {line, false},
		"bad_document":  {line + "{}", false},
		"empty":         {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			documents, err := parsePacket([]byte(tc.packet))
			if (err == nil) != tc.ok || tc.ok && len(documents) != 1 {
				t.Errorf("got %d documents, %v", len(documents), err)
			}
		})
	}
}

// Whatever a packet holds, what is taken from it can be stored, merged and summed up.
func FuzzParsePacket(f *testing.F) {
	f.Add([]byte(line + doc(id(1))))
	f.Add([]byte(line + "[" + doc(id(1), "type", "subsegment", "parent_id", id(2)) + "," + doc(id(2), "type", "subsegment", "parent_id", id(1)) + "]"))
	f.Add([]byte(line + doc(id(1), "subsegments", []any{map[string]any{"id": id(1), "annotations": map[string]any{"a": 1}}}, "http", 7)))
	f.Fuzz(func(t *testing.T, packet []byte) {
		documents, err := parsePacket(packet)
		if err != nil {
			return
		}
		s := NewStore(DefaultLimits())
		s.Add(documents...)
		for _, d := range documents {
			if !json.Valid(d.Raw) || !isTraceID(d.TraceID) || !isSegmentID(d.ID) {
				t.Fatalf("took %+v", d)
			}
		}
		for _, one := range s.all() {
			answer, err := one.answer()
			if err != nil {
				t.Fatal(err)
			}
			for _, segment := range answer.Segments {
				if !json.Valid([]byte(segment.Document)) {
					t.Fatalf("answers %s", segment.Document)
				}
			}
		}
	})
}
