package proxy

// Gap: the emulator has no X-Ray: no daemon that takes what tracing SDKs send, no
// API that reads it back. Delete this file and package xray when it has both.

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"

	"gatehouse.example/tools/internal/xray"
)

// xrayService is X-Ray's name in a credential scope.
const xrayService = "xray"

// listenXRay takes the UDP port with the number of the edge's TCP port: one
// address serves both, as an X-Ray daemon's does.
func listenXRay(ctx context.Context, address string) (net.PacketConn, error) {
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", address)
	if err != nil {
		return nil, fmt.Errorf("edge: X-Ray daemon: %w", err)
	}
	return conn, nil
}

// isXRay tells whether a request is one of X-Ray's API. Its paths are ordinary
// words, so only the signature's scope can tell.
func (h *handler) isXRay(r *http.Request) bool {
	return h.xray.Serves(r.URL.Path) && scopeService(r.Header.Get("Authorization")) == xrayService
}

// serveXRay lets in the operator's key only. No role of Gatehouse may read traces,
// and functions send theirs by UDP; IAM itself cannot be asked, for the emulator
// answers no question about X-Ray.
func (h *handler) serveXRay(w http.ResponseWriter, r *http.Request) {
	if accessKey(r.Header.Get("Authorization")) != h.up.creds.AccessKeyID {
		xray.WriteError(w, http.StatusForbidden, "AccessDeniedException",
			"The local system's traces are open to the operator's own key only.")
		return
	}
	h.xray.ServeHTTP(w, r)
}

// traceCounts says what the store holds, for tests and for looking.
func (h *handler) traceCounts(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(h.xray.Store.Counts()) // the status is out already
}

// accessKey is the key id in a SigV4 Authorization header.
func accessKey(authorization string) string {
	_, scope, _ := strings.Cut(authorization, "Credential=")
	key, _, _ := strings.Cut(scope, "/")
	return key
}
