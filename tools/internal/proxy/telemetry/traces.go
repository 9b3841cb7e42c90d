package telemetry

// Gap: the emulator has no X-Ray, and it makes no trace header for a request that has
// none, as AWS does. Delete this file and xray*.go when it has both.

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"gatehouse.example/tools/internal/proxy/upstream"
)

const (
	// countsPath shows what the store holds, for tests and for people.
	countsPath = "/_gatehouse/traces"
	maxXRay    = 8 << 20 // of a body
)

// Traces keeps traces and takes part in them.
type Traces struct {
	*Store
	up  *upstream.Client
	log *slog.Logger

	namesMu sync.Mutex
	names   map[string]string // of APIs by id; an id is never used twice
}

// NewTraces begins without any trace.
func NewTraces(up *upstream.Client, log *slog.Logger) *Traces {
	return &Traces{Store: NewStore(DefaultLimits()), up: up, log: log, names: map[string]string{}}
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
		return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, t.Counts()) }
	case service == "xray" && t.operation(r.URL.Path) != nil:
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
	t.ServeHTTP(w, r)
}

// ServeHTTP answers one call of X-Ray's API.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := s.operation(r.URL.Path)
	if operation == nil || r.Method != http.MethodPost {
		writeError(w, http.StatusNotFound, "UnknownOperationException", "")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxXRay))
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			writeError(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request is too large.")
		}
		return // otherwise the client went away
	}
	answer, err := operation(body)
	var bad badRequest
	switch {
	case errors.As(err, &bad):
		writeError(w, http.StatusBadRequest, "InvalidRequestException", bad.Error())
	case err != nil:
		writeError(w, http.StatusInternalServerError, "InternalFailure", err.Error())
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

// writeError writes an error in X-Ray's protocol.
func writeError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	writeJSON(w, status, map[string]string{"message": message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
