package trigger_test

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"testing"

	"gatehouse.example/lambdakit/trigger"
)

// FuzzInvoke: every payload is answered with itself or with an error, never with a panic.
func FuzzInvoke(f *testing.F) {
	f.Add([]byte(minimal + "}"))
	f.Add([]byte(minimal + `,"request":{"userAttributes":{"sub":1},"userNotFound":null},"callerContext":[]}`))
	f.Add([]byte(`{"triggerSource":1}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		h := &trigger.Handler{
			Run: func(_ context.Context, c trigger.Call) error {
				if c.Source == "" || c.Act.PoolARN == "" || (c.Act.Subject != "" && len(c.Act.Subject) != 36) {
					t.Errorf("Call %+v", c)
				}
				return nil
			},
			Log: slog.New(slog.DiscardHandler), Now: moment,
		}
		answer, err := h.Invoke(inLambda(t.Context(), functionARN), bytes.Clone(payload))
		if err == nil && !bytes.Equal(answer, payload) || err != nil && answer != nil {
			t.Fatalf("answer %q, error %v", answer, err)
		}
	})
}

// FuzzTraceParent: for every header, the result is empty or a traceparent.
func FuzzTraceParent(f *testing.F) {
	f.Add("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
	f.Add("Root=1-5759e988-bd862e3fe1be46a994272793;Root=1-0-0;;=;Parent")
	valid := regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$`)
	f.Fuzz(func(t *testing.T, header string) {
		if got := trigger.TraceParent(traced(t.Context(), header)); got != "" && !valid.MatchString(got) {
			t.Errorf("TraceParent(%q) = %q", header, got)
		}
	})
}
