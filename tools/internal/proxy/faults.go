package proxy

// This closes no gap. It is a test aid: it disturbs calls so that tests can see what the
// services do when AWS does not answer. It stays as long as such tests do.

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// fault disturbs the calls of one action of one service.
type fault struct {
	// Service is the name in the credential scope, such as sns or sqs.
	Service string `json:"service"`
	// Action is an operation, such as Publish, and what does it for several things at once,
	// such as PublishBatch; empty means every one.
	Action string `json:"action,omitempty"`
	// Mode is one of [modes].
	Mode   string `json:"mode"`
	Status int    `json:"status,omitempty"`
	// Milliseconds is how long a call is delayed.
	Milliseconds int `json:"milliseconds,omitempty"`
	// Times is how many calls to disturb; 0 means all until cleared.
	Times int `json:"times,omitempty"`
	Seen  int `json:"seen"`
}

func (f fault) valid() error {
	switch {
	case f.Service == "":
		return errors.New("service is missing")
	case modes()[f.Mode] == nil:
		return errors.New("mode must be one of " + strings.Join(slices.Sorted(maps.Keys(modes())), ", "))
	case (f.Mode == "delay") != (f.Milliseconds > 0):
		return errors.New("milliseconds must be positive for delay, and belong to no other mode")
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return errors.New("status must be 400 to 599")
	case f.Times < 0:
		return errors.New("times must not be negative")
	}
	return nil
}

// maxFaultBody is well above the largest request of the services that faults are for.
const maxFaultBody = 8 << 20

type faults struct {
	mu      sync.Mutex
	set     []*fault
	cleared chan struct{} // closed to release hanging calls
}

func newFaults() *faults { return &faults{cleared: make(chan struct{})} }

// ServeHTTP is POST (add), GET (list) and DELETE (clear) of /_gatehouse/faults.
func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		var one fault
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&one)
		if err == nil {
			err = one.valid()
		}
		if err != nil {
			http.Error(w, "fault: "+err.Error(), http.StatusBadRequest)
			return
		}
		one.Seen = 0
		f.mu.Lock()
		f.set = append(f.set, &one)
		f.mu.Unlock()
		w.WriteHeader(http.StatusCreated)
	case http.MethodDelete:
		f.clear()
		w.WriteHeader(http.StatusNoContent)
	case http.MethodGet:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(f.list())
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		http.Error(w, "use GET, POST or DELETE", http.StatusMethodNotAllowed)
	}
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set = nil
	close(f.cleared)
	f.cleared = make(chan struct{})
}

func (f *faults) list() []fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]fault, 0, len(f.set))
	for _, one := range f.set {
		list = append(list, *one)
	}
	return list
}

// disturb applies the first fault that matches the request, which would go to next; it
// reports whether there is one.
func (f *faults) disturb(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	f.mu.Lock()
	idle := len(f.set) == 0
	f.mu.Unlock()
	_, service := upstream.Credential(r)
	if idle || service == "" {
		return false
	}
	one, cleared, ok := f.take(service, actionOf(w, r))
	if ok {
		modes()[one.Mode](disturbed{w: w, r: r, next: next, fault: one, cleared: cleared})
	}
	return ok
}

// take finds a matching fault and counts the call.
func (f *faults) take(service, action string) (fault, <-chan struct{}, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.set {
		spent := one.Times > 0 && one.Seen >= one.Times
		if spent || !strings.EqualFold(one.Service, service) || one.Action != "" && one.Action != strings.TrimSuffix(action, "Batch") {
			continue
		}
		one.Seen++
		return *one, f.cleared, true
	}
	return fault{}, nil, false
}

// actionOf names the operation: X-Amz-Target of the JSON protocols, the path of
// RPC v2, or Action of the query protocol, whose body is read and put back.
func actionOf(w http.ResponseWriter, r *http.Request) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndexByte(target, '.')+1:]
	}
	if _, operation, ok := strings.Cut(r.URL.Path, "/operation/"); ok {
		return operation
	}
	if action := r.URL.Query().Get("Action"); action != "" {
		return action
	}
	if !isForm(r) {
		return ""
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFaultBody))
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body))
	if err != nil {
		return ""
	}
	form, _ := url.ParseQuery(string(body)) // what parses is enough for the action
	return form.Get("Action")
}

func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}
