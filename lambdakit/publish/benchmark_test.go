package publish_test

import (
	"log/slog"
	"testing"

	"gatehouse.example/lambdakit/publish"
)

// BenchmarkPublish is one event over a connection that is open already. Its
// figures hold the server's part, which runs in the same process.
func BenchmarkPublish(b *testing.B) {
	e := newEndpoint(b, takes, takes)
	env := environment(e.URL)
	c, err := publish.ConfigFromEnv(env)
	if err != nil {
		b.Fatalf("ConfigFromEnv: %v", err)
	}
	p := publish.Connect(b.Context(), c, env, slog.New(slog.DiscardHandler))
	ev := someEvent(b)
	b.ReportAllocs()
	for b.Loop() {
		if got, err := p.Publish(b.Context(), ev); err != nil || got != publish.Published {
			b.Fatalf("Publish = %q, %v", got, err)
		}
	}
}
