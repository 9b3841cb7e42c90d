package origins

import (
	"net/http"
	"slices"
	"strings"
)

// answer removes the wildcards that the emulator puts on every answer, and names the
// origin that may read this one instead, if there is one.
type answer struct {
	http.ResponseWriter
	origin string
	begun  bool
}

// WriteHeader writes the header without the emulator's wildcards.
func (a *answer) WriteHeader(status int) {
	a.begin()
	a.ResponseWriter.WriteHeader(status)
}

// Write writes the header first, as every server does.
func (a *answer) Write(body []byte) (int, error) {
	a.begin()
	return a.ResponseWriter.Write(body) //nolint:wrapcheck // it is the same writer
}

// Unwrap gives http.ResponseController the writer that can flush.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) begin() {
	if a.begun {
		return
	}
	a.begun = true
	header := a.Header()
	for name := range header {
		if strings.HasPrefix(name, "Access-Control-") {
			header.Del(name)
		}
	}
	if a.origin != "" {
		header.Set("Access-Control-Allow-Origin", a.origin)
		header.Set("Access-Control-Expose-Headers", "Date, X-Amzn-Errormessage, X-Amzn-Errortype, X-Amzn-Requestid")
		header.Add("Vary", "Origin")
	}
}

// preflight answers a browser that asks whether a page may make a call. What the call
// is, only the call itself shows, so the answer depends on the path alone.
func preflight(w http.ResponseWriter, r *http.Request) bool {
	methods := oauth(r.URL.Path)
	if r.URL.Path == "/" {
		methods = []string{http.MethodPost}
	}
	if !slices.Contains(methods, r.Header.Get("Access-Control-Request-Method")) {
		return false
	}
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	header.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		header.Set("Access-Control-Allow-Headers", asked)
	}
	header.Set("Access-Control-Max-Age", "600")
	header.Set("Vary", "Origin, Access-Control-Request-Headers")
	w.WriteHeader(http.StatusNoContent)
	return true
}
