package upstream_test

import (
	"testing"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// A client id that was known and no longer exists is looked up again, in every pool.
func TestClientIsLookedUpAgain(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	c := upstreamtest.Upstream(t, f.Server.URL)
	for _, step := range []struct {
		id    string
		known bool
	}{{"c1", true}, {"c2", false}} {
		if _, err := c.AppClient(t.Context(), step.id); (err == nil) != step.known {
			t.Errorf("%s: %v", step.id, err)
		}
	}
	f.Client["ClientId"] = "c2"
	if _, err := c.AppClient(t.Context(), "c2"); err != nil {
		t.Errorf("a new client: %v", err)
	}
	upstream.Misplace(c, "c2", "us-east-1_Gone")
	if found, err := c.AppClient(t.Context(), "c2"); err != nil || found.PoolID != upstreamtest.Pool {
		t.Errorf("a client of a pool that no longer exists: %+v %v", found, err)
	}
}
