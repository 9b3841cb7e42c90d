package bridge

import (
	"regexp"
	"testing"

	"gatehouse.example/contracts"
	"gatehouse.example/services/user-events/internal/queuetest"
)

func TestTraceHeader(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ parent, want string }{
		"sampled":     {"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"},
		"not_sampled": {"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-02", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"},
		"all_flags":   {"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-ff", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"},
		"none":        {"", ""},
		"other":       {"01-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			act := queuetest.Act()
			act.TraceParent = tc.parent
			if got := traceHeader(queuetest.Must(t)(contracts.NewPasswordReset(act))); got != tc.want {
				t.Errorf("traceHeader = %q, want %q", got, tc.want)
			}
		})
	}
}

func FuzzTraceHeader(f *testing.F) {
	f.Add("00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01")
	f.Add("00-;Root=1;-x-01")
	header := regexp.MustCompile(`^(Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01])?$`)
	f.Fuzz(func(t *testing.T, parent string) {
		ev := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
		ev.SetExtension(contracts.TraceParentExtension, parent)
		if got := traceHeader(ev); !header.MatchString(got) {
			t.Errorf("traceHeader(%q) = %q", parent, got)
		}
	})
}
