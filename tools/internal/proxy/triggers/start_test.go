package triggers

import (
	"log/slog"
	"testing"
	"time"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// tokens has an access token whose claims name the user u-1.
const tokens = `{"AuthenticationResult":{"AccessToken":"e30.eyJ1c2VybmFtZSI6InUtMSIsInN1YiI6InUtMSJ9.x","IdToken":"i"}}`

// start serves the triggers in front of the fake.
func start(t *testing.T, f *upstreamtest.Fake) (tr *Triggers, origin string) {
	t.Helper()
	up := upstreamtest.Upstream(t, f.Server.URL)
	tr = New(up, slog.New(slog.DiscardHandler))
	tr.timeout = 2 * time.Second
	return tr, upstreamtest.Serve(t, up, tr.Handler)
}
