package proxy

// Gap: on AWS a REST API has an address of its own; the emulator's has its id in
// the path, which changes with every new stack. Behind /{environment}/api the edge
// finds it by the name that the stack writes, and behind /api that of its own
// environment. Delete this file when an API can be given a fixed address there.

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	apiPrefix = "/api"
	apiStage  = "live"
	// apiBodyLimit is API Gateway's.
	apiBodyLimit = 10 << 20
	// apiIDAge is how long a found id is used: a stack that is made anew has another.
	apiIDAge = 2 * time.Second
)

// apiDoor remembers the id of each environment's API for a moment.
type apiDoor struct {
	up          *upstream
	environment string // the edge's own
	mu          sync.Mutex
	found       map[string]foundAPI
}

type foundAPI struct {
	id    string
	until time.Time
}

func newAPIDoor(up *upstream, environment string) *apiDoor {
	return &apiDoor{up: up, environment: environment, found: map[string]foundAPI{}}
}

// find is the id of an environment's API, or empty if there is none yet.
func (d *apiDoor) find(ctx context.Context, environment string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.found[environment]; time.Now().Before(known.until) {
		return known.id, nil
	}
	var out struct {
		Parameter struct{ Value string }
	}
	name := "/gatehouse/" + environment + "/api/api-id"
	err := d.up.json(ctx, "ssm", "AmazonSSM.GetParameter", map[string]string{"Name": name}, &out)
	if isAPI(err, "ParameterNotFound") {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	d.found[environment] = foundAPI{out.Parameter.Value, time.Now().Add(apiIDAge)}
	return out.Parameter.Value, nil
}

// split tells whose API a path is of, and the door that stands before it there;
// empty if of none.
func (d *apiDoor) split(path string) (environment, door string) {
	for environment, door := range map[string]string{
		d.environment: apiPrefix, "dev": "/dev" + apiPrefix, "test": "/test" + apiPrefix, "production": "/production" + apiPrefix,
	} {
		if path == door || strings.HasPrefix(path, door+"/") {
			return environment, door
		}
	}
	return "", ""
}

// holds tells whether the path is that of an API or below it.
func (d *apiDoor) holds(path string) bool {
	_, door := d.split(path)
	return door != ""
}

// api serves a request for an environment's API: method, host, query, headers
// and body stay as they are.
func (h *handler) api(w http.ResponseWriter, r *http.Request) {
	environment, door := h.apis.split(r.URL.Path)
	id, err := h.apis.find(r.Context(), environment)
	if err != nil || id == "" {
		if err != nil && !errors.Is(err, context.Canceled) {
			h.log.Warn("API not found", "environment", environment, "error", err.Error())
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The stack api is not deployed."}`)
		return
	}
	root := "/restapis/" + id + "/" + apiStage + "/_user_request_"
	r = r.Clone(r.Context())
	r.URL.RawPath = root + strings.TrimPrefix(r.URL.EscapedPath(), door)
	r.URL.Path = root + strings.TrimPrefix(r.URL.Path, door)
	h.restAPI(w, r)
}
