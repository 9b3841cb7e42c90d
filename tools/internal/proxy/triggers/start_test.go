package triggers

import (
	"log/slog"
	"testing"
	"time"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// start serves the triggers in front of the fake.
func start(t *testing.T, f *upstreamtest.Fake) (tr *Triggers, origin string) {
	t.Helper()
	up := upstreamtest.Upstream(t, f.Server.URL)
	tr = New(up, slog.New(slog.DiscardHandler))
	tr.timeout = 2 * time.Second
	return tr, upstreamtest.Serve(t, up, tr.Handler)
}
