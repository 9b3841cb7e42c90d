package contracts_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

// reset is an event with a trace context, or without one.
func reset(t *testing.T, parent string) event.Event {
	t.Helper()
	ev, err := contracts.NewPasswordReset(contracts.Act{
		PoolARN: "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse", Time: time.Unix(1795374000, 0), TraceParent: parent,
	})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

func TestTraceHeader(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ parent, want string }{
		"sampled":     {"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"},
		"not_sampled": {"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-02", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"},
		"all_flags":   {"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-ff", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"},
		"none":        {"", ""},
		"four_parts":  {"00-1-2-3", ""},
		"long_flags":  {"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-001", ""},
		"other":       {"01-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := contracts.TraceHeader(reset(t, tc.parent)); got != tc.want {
				t.Errorf("TraceHeader = %q, want %q", got, tc.want)
			}
		})
	}
}

func FuzzTraceHeader(f *testing.F) {
	f.Add("00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01")
	f.Add("00-;Root=1;-x-01")
	header := regexp.MustCompile(`^(Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01])?$`)
	f.Fuzz(func(t *testing.T, parent string) {
		if got := contracts.TraceHeader(reset(t, parent)); !header.MatchString(got) {
			t.Errorf("TraceHeader(%q) = %q", parent, got)
		}
	})
}
