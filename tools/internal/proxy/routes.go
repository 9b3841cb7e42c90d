package proxy

// Gap: on AWS a REST API has an address of its own; the emulator's has its id in the
// path, which changes with every new stack. Behind /{environment}/api the proxy finds it
// by the name that the stack writes, and behind /api that of its own environment. Delete
// this file when an API can be given a fixed address there.

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"gatehouse.example/tools/internal/proxy/upstream"
)

const (
	apiPrefix = "/api"
	apiStage  = "live"
	// apiTTL is how long a found id is used: a stack that is made again has another.
	apiTTL = 2 * time.Second
)

// routes lead from an environment's address to its API. They remember the ids of APIs
// for a moment.
type routes struct {
	up       *upstream.Client
	log      *slog.Logger
	prefixes map[string]string // of paths, with the environment that each leads to
	mu       sync.Mutex
	found    map[string]foundAPI
}

type foundAPI struct {
	id    string
	until time.Time
}

func newRoutes(up *upstream.Client, environment string, log *slog.Logger) *routes {
	prefixes := map[string]string{apiPrefix: environment}
	for _, other := range []string{"dev", "test", "production"} {
		prefixes["/"+other+apiPrefix] = other
	}
	return &routes{up: up, log: log, prefixes: prefixes, found: map[string]foundAPI{}}
}

// isAPI reports whether a path is a REST API's: by its environment, or by its id as the
// emulator has it.
func (t *routes) isAPI(path string) bool {
	for prefix := range t.prefixes {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return true
		}
	}
	parts := strings.SplitN(path, "/", 6) // "", restapis, id, stage, _user_request_, path
	return len(parts) > 4 && parts[1] == "restapis" && parts[4] == "_user_request_"
}

// find is the id of an environment's API, or empty if it has none yet.
func (t *routes) find(ctx context.Context, environment string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.found[environment]; time.Now().Before(known.until) {
		return known.id, nil
	}
	id, err := t.up.Parameter(ctx, "/gatehouse/"+environment+"/api/api-id")
	if err != nil || id == "" {
		return "", err
	}
	t.found[environment] = foundAPI{id, time.Now().Add(apiTTL)}
	return id, nil
}

// rewrite leads a request for an environment's API there: method, host, query, headers
// and body stay as they are. Every other request stays as it is. If the API does not
// exist, rewrite answers and ok is false.
func (t *routes) rewrite(w http.ResponseWriter, r *http.Request) (rewritten *http.Request, ok bool) {
	for prefix, environment := range t.prefixes {
		if r.URL.Path != prefix && !strings.HasPrefix(r.URL.Path, prefix+"/") {
			continue
		}
		id, err := t.find(r.Context(), environment)
		if err != nil || id == "" {
			if err != nil && !errors.Is(err, context.Canceled) {
				t.log.Warn("API not found", "environment", environment, "error", err.Error())
			}
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The stack api is not deployed."}`)
			return nil, false
		}
		root := "/restapis/" + id + "/" + apiStage + "/_user_request_"
		to := r.Clone(r.Context())
		to.URL.RawPath = root + strings.TrimPrefix(r.URL.EscapedPath(), prefix)
		to.URL.Path = root + strings.TrimPrefix(r.URL.Path, prefix)
		return to, true
	}
	return r, true
}
