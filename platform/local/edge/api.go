package edge

// Gap: on AWS a REST API has an address of its own; the emulator's has its id in
// the path, which changes with every new stack. Behind /api the edge finds it by
// the name that the stack writes. Delete this file when an API can be given a
// fixed address there.

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

// apiDoor remembers the id of the environment's API for a moment.
type apiDoor struct {
	up    *upstream
	name  string // of the SSM parameter that holds the id
	mu    sync.Mutex
	id    string
	until time.Time
}

func newAPIDoor(up *upstream, environment string) *apiDoor {
	return &apiDoor{up: up, name: "/gatehouse/" + environment + "/api/api-id"}
}

// find is the API's id, or empty if there is none yet.
func (d *apiDoor) find(ctx context.Context) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.id != "" && time.Now().Before(d.until) {
		return d.id, nil
	}
	var out struct {
		Parameter struct{ Value string }
	}
	err := d.up.json(ctx, "ssm", "AmazonSSM.GetParameter", map[string]string{"Name": d.name}, &out)
	if isAPI(err, "ParameterNotFound") {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	d.id, d.until = out.Parameter.Value, time.Now().Add(apiIDAge)
	return d.id, nil
}

// holds tells whether the path is /api or below it.
func (d *apiDoor) holds(path string) bool {
	return path == apiPrefix || strings.HasPrefix(path, apiPrefix+"/")
}

// api serves a request for the environment's API: method, host, query, headers
// and body stay as they are.
func (h *handler) api(w http.ResponseWriter, r *http.Request) {
	id, err := h.apis.find(r.Context())
	if err != nil || id == "" {
		if err != nil && !errors.Is(err, context.Canceled) {
			h.log.Warn("API not found", "error", err.Error())
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The stack api is not deployed."}`)
		return
	}
	root := "/restapis/" + id + "/" + apiStage + "/_user_request_"
	r = r.Clone(r.Context())
	r.URL.RawPath = root + strings.TrimPrefix(r.URL.EscapedPath(), apiPrefix)
	r.URL.Path = root + strings.TrimPrefix(r.URL.Path, apiPrefix)
	h.restAPI(w, r)
}
