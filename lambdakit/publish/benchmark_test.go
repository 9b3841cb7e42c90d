package publish_test

import (
	"log/slog"
	"testing"

	"gatehouse.example/lambdakit/publish"
)

// BenchmarkPublish sends one event over an open connection. Its figures include
// the server, which runs in the same process.
func BenchmarkPublish(b *testing.B) {
	e := newEndpoint(b, takes, takes)
	c, err := publish.ConfigFromEnv(environment(e.URL))
	if err != nil {
		b.Fatalf("ConfigFromEnv: %v", err)
	}
	p := publish.Connect(b.Context(), c, slog.New(slog.DiscardHandler))
	ev := someEvent(b)
	b.ReportAllocs()
	for b.Loop() {
		if got, err := publishOne(b.Context(), p, ev); err != nil || got != publish.Published {
			b.Fatalf("Publish = %q, %v", got, err)
		}
	}
}
