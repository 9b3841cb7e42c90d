package function_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"gatehouse.example/lambdakit/function"
)

// counted is a connection that counts what is written, packet by packet.
type counted struct {
	net.Conn
	writes *atomic.Int32
}

func (c counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// TestInMemorySendsOnePacket: headers and body leave together.
func TestInMemorySendsOnePacket(t *testing.T) {
	t.Parallel()
	var got atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.Store(string(body))
	}))
	t.Cleanup(server.Close)
	var writes atomic.Int32
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return counted{conn, &writes}, err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	given, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, io.NopCloser(io.MultiReader(strings.NewReader("event"))))
	if err != nil {
		t.Fatal(err)
	}
	given.ContentLength = 5
	was := given.Body
	req, err := function.InMemory(given)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got.Load() != "event" || writes.Load() != 1 || given.Body != was {
		t.Errorf("%q in %d packets; the caller's request is as it was: %t", got.Load(), writes.Load(), given.Body == was)
	}
}

func TestInMemoryWithoutABody(t *testing.T) {
	t.Parallel()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	if got, err := function.InMemory(req); got != req || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	short := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", io.MultiReader(strings.NewReader("eve")))
	short.ContentLength = 5
	if _, err := function.InMemory(short); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a body that is too short: %v", err)
	}
}
