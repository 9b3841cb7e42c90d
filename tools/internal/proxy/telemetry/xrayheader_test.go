package telemetry

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
		want  header
		ok    bool
	}{
		"root_only":        {"Root=" + testTrace, header{Root: testTrace}, true},
		"all":              {"Root=" + testTrace + ";Parent=" + testParent + ";Sampled=1", header{testTrace, testParent, false}, true},
		"any_order":        {"Sampled=0; Parent=" + testParent + " ;Root=" + testTrace, header{testTrace, testParent, true}, true},
		"undecided":        {"Root=" + testTrace + ";Sampled=?", header{Root: testTrace}, true},
		"more_fields":      {"Self=1-2-3;Root=" + testTrace + ";Lineage=a:0;x", header{Root: testTrace}, true},
		"bad_parent":       {"Root=" + testTrace + ";Parent=zz", header{Root: testTrace}, true},
		"empty":            {"", header{}, false},
		"no_root":          {"Parent=" + testParent + ";Sampled=1", header{}, false},
		"short_root":       {"Root=1-5759e988-bd862e3fe1be46a99427279", header{}, false},
		"root_not_hex":     {"Root=1-5759e988-bd862e3fe1be46a99427279g", header{}, false},
		"other_version":    {"Root=2-5759e988-bd862e3fe1be46a994272793", header{}, false},
		"dash_elsewhere":   {"Root=1-5759e9880bd862e3fe1be46a994272793", header{}, false},
		"bare_id":          {testTrace, header{}, false},
		"lower_case_names": {"root=" + testTrace, header{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := parseHeader(tc.value)
			if got != tc.want || ok != tc.ok {
				t.Errorf("parseHeader(%q) = %+v, %v; want %+v, %v", tc.value, got, ok, tc.want, tc.ok)
			}
		})
	}
}

func TestNewIDs(t *testing.T) {
	t.Parallel()
	now := time.Unix(1480615200, 0).UTC()
	id := newTraceID(now)
	if !isTraceID(id) || !began(id).Equal(now) || !isSegmentID(random(8)) {
		t.Errorf("%q began %s", id, began(id))
	}
	if id == newTraceID(now) {
		t.Error("two traces have one id")
	}
}

// What is written is read back, and whatever was read is a header of that form.
func FuzzParseHeader(f *testing.F) {
	f.Add("Root=" + testTrace + ";Parent=" + testParent + ";Sampled=0")
	f.Add(";=;Root==1-;Parent")
	f.Fuzz(func(t *testing.T, value string) {
		h, ok := parseHeader(value)
		if !ok {
			return
		}
		if !isTraceID(h.Root) || h.Parent != "" && !isSegmentID(h.Parent) {
			t.Fatalf("%q gives %+v", value, h)
		}
		if again, ok := parseHeader(h.String()); !ok || again != h {
			t.Fatalf("%+v came back as %+v", h, again)
		}
	})
}
