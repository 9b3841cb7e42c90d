package trigger_test

import (
	"bytes"
	"context"
	"log/slog"
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
