package telemetry

// Gap: the emulator has no X-Ray, and it makes no trace header for a request that has
// none, as AWS does. Delete this file and xray*.go when it has
// both.

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// countsPath shows what the store holds.
const countsPath = "/_gatehouse/traces"

// Traces keeps traces and takes part in them.
type Traces struct {
	up     *upstream.Client
	log    *slog.Logger
	store  *Store
	api    api
	stages *stages
}

// NewTraces begins without any trace.
func NewTraces(up *upstream.Client, log *slog.Logger) *Traces {
	store := NewStore(DefaultLimits())
	return &Traces{up: up, log: log, store: store, api: api{store}, stages: &stages{up: up, names: map[string]string{}}}
}

// Begin gives the request a trace id unless the caller sent one. SigV4 covers only the
// headers that it names, so an added one does not break a signature.
func (t *Traces) Begin(r *http.Request) {
	if r.Header.Get(upstream.TraceHeader) == "" {
		r.Header.Set(upstream.TraceHeader, header{Root: newTraceID(time.Now())}.String())
	}
}

// Handler answers calls of X-Ray's API and of REST APIs; it is nil for every other
// request. X-Ray's paths are ordinary words, so only the signature's scope can tell.
func (t *Traces) Handler(r *http.Request) http.HandlerFunc {
	_, service := upstream.Credential(r)
	switch {
	case isRestAPI(r.URL.Path):
		return t.restAPI
	case r.URL.Path == countsPath:
		return t.counts
	case service == "xray" && t.api.serves(r.URL.Path):
		return t.serveXRay
	}
	return nil
}

// serveXRay accepts the operator's key only. No role of Gatehouse may read traces, and
// functions send theirs by UDP. IAM itself cannot be asked, because the emulator does
// not know X-Ray's actions.
func (t *Traces) serveXRay(w http.ResponseWriter, r *http.Request) {
	if !t.up.IsOperator(r) {
		writeError(w, http.StatusForbidden, "AccessDeniedException",
			"The local system's traces are open to the operator's own key only.")
		return
	}
	t.api.ServeHTTP(w, r)
}

// counts shows what the store holds, for tests and for people.
func (t *Traces) counts(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(t.store.Counts()) // the status is out already
}

// Listen opens the UDP port with the number of the proxy's TCP port: one address serves
// both, as an X-Ray daemon's does.
func Listen(ctx context.Context, address string) (net.PacketConn, error) {
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", address)
	if err != nil {
		return nil, fmt.Errorf("X-Ray daemon: %w", err)
	}
	return conn, nil
}

// Serve receives what tracing SDKs send until ctx is done.
func (t *Traces) Serve(ctx context.Context, conn net.PacketConn) error {
	return t.store.Serve(ctx, conn)
}
