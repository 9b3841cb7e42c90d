package xray

import (
	"testing"
	"time"
)

const (
	testTrace  = "1-5759e988-bd862e3fe1be46a994272793"
	testParent = "53995c3f42cd8ad8"
)

func TestParseHeader(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value string
		want  Header
		ok    bool
	}{
		"root_only":        {"Root=" + testTrace, Header{Root: testTrace}, true},
		"all":              {"Root=" + testTrace + ";Parent=" + testParent + ";Sampled=1", Header{testTrace, testParent, false}, true},
		"any_order":        {"Sampled=0; Parent=" + testParent + " ;Root=" + testTrace, Header{testTrace, testParent, true}, true},
		"undecided":        {"Root=" + testTrace + ";Sampled=?", Header{Root: testTrace}, true},
		"more_fields":      {"Self=1-2-3;Root=" + testTrace + ";Lineage=a:0;x", Header{Root: testTrace}, true},
		"bad_parent":       {"Root=" + testTrace + ";Parent=zz", Header{Root: testTrace}, true},
		"empty":            {"", Header{}, false},
		"no_root":          {"Parent=" + testParent + ";Sampled=1", Header{}, false},
		"short_root":       {"Root=1-5759e988-bd862e3fe1be46a99427279", Header{}, false},
		"root_not_hex":     {"Root=1-5759e988-bd862e3fe1be46a99427279g", Header{}, false},
		"other_version":    {"Root=2-5759e988-bd862e3fe1be46a994272793", Header{}, false},
		"dash_elsewhere":   {"Root=1-5759e9880bd862e3fe1be46a994272793", Header{}, false},
		"bare_id":          {testTrace, Header{}, false},
		"lower_case_names": {"root=" + testTrace, Header{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := ParseHeader(tc.value)
			if got != tc.want || ok != tc.ok {
				t.Errorf("ParseHeader(%q) = %+v, %v; want %+v, %v", tc.value, got, ok, tc.want, tc.ok)
			}
		})
	}
}

func TestNewIDs(t *testing.T) {
	t.Parallel()
	now := time.Unix(1480615200, 0).UTC()
	id := NewTraceID(now)
	if !IsTraceID(id) || !began(id).Equal(now) || !IsSegmentID(NewSegmentID()) {
		t.Errorf("%q began %s", id, began(id))
	}
	if id == NewTraceID(now) {
		t.Error("two traces have one id")
	}
}

// What is written is read back, and whatever was read is a header of that form.
func FuzzParseHeader(f *testing.F) {
	f.Add("Root=" + testTrace + ";Parent=" + testParent + ";Sampled=0")
	f.Add(";=;Root==1-;Parent")
	f.Fuzz(func(t *testing.T, value string) {
		h, ok := ParseHeader(value)
		if !ok {
			return
		}
		if !IsTraceID(h.Root) || h.Parent != "" && !IsSegmentID(h.Parent) {
			t.Fatalf("%q gives %+v", value, h)
		}
		if again, ok := ParseHeader(h.String()); !ok || again != h {
			t.Fatalf("%+v came back as %+v", h, again)
		}
	})
}
