package function_test

import (
	"context"
	"regexp"
	"testing"

	"gatehouse.example/lambdakit/function"
)

func traced(ctx context.Context, header any) context.Context {
	//nolint:revive,staticcheck // aws-lambda-go uses this plain string as the key.
	return context.WithValue(ctx, "x-amzn-trace-id", header)
}

func TestTraceParent(t *testing.T) {
	t.Parallel()
	const root, parent = "Root=1-5759e988-bd862e3fe1be46a994272793", "Parent=53995c3f42cd8ad8"
	const want = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-"
	tests := map[string]struct {
		header any
		want   string
	}{
		"sampled":        {root + ";" + parent + ";Sampled=1", want + "01"},
		"not_sampled":    {root + ";" + parent + ";Sampled=0", want + "00"},
		"undecided":      {root + ";" + parent + ";Sampled=?", want + "00"},
		"no_decision":    {root + ";" + parent, want + "00"},
		"blanks_lineage": {parent + "; " + root + " ; Sampled=1; Lineage=a:0;Self=1-2-3", want + "01"},
		"no_header":      {nil, ""},
		"not_text":       {7, ""},
		"empty":          {"", ""},
		"no_parent":      {root + ";Sampled=1", ""},
		"no_root":        {parent + ";Sampled=1", ""},
		"short_root":     {"Root=1-5759e988-bd86;" + parent, ""},
		"upper_case":     {"Root=1-5759E988-BD862E3FE1BE46A994272793;" + parent, ""},
		"zero_root":      {"Root=1-00000000-000000000000000000000000;" + parent, ""},
		"zero_parent":    {root + ";Parent=0000000000000000", ""},
		"no_hex":         {"Root=1-5759e98g-bd862e3fe1be46a994272793;" + parent, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			if tc.header != nil {
				ctx = traced(ctx, tc.header)
			}
			if got := function.TraceParent(ctx); got != tc.want {
				t.Errorf("TraceParent = %q, want %q", got, tc.want)
			}
		})
	}
}

// FuzzTraceParent: for every header, the result is empty or a traceparent.
func FuzzTraceParent(f *testing.F) {
	f.Add("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
	f.Add("Root=1-5759e988-bd862e3fe1be46a994272793;Root=1-0-0;;=;Parent")
	valid := regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$`)
	f.Fuzz(func(t *testing.T, header string) {
		if got := function.TraceParent(traced(t.Context(), header)); got != "" && !valid.MatchString(got) {
			t.Errorf("TraceParent(%q) = %q", header, got)
		}
	})
}
