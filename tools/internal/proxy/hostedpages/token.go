package hostedpages

// Gap: the emulator's token endpoint takes JSON and parameters that come twice, calls a
// missing parameter a wrong grant, and lets browsers keep its answers. Delete this file
// when it does none of it. cognito/grants.py has what only the emulator's process can do.

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// grants are what the token endpoint gives tokens for, with the parameters that each needs
// (https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html).
func grants() map[string][]string {
	return map[string][]string{
		"authorization_code": {"code", "redirect_uri"},
		"refresh_token":      {"refresh_token"},
		"client_credentials": {},
	}
}

// token checks the form of a request to the token endpoint. Every error has status 400,
// invalid_client too: Cognito documents no other, where RFC 6749 has 401.
func (p *Pages) token(w http.ResponseWriter, r *http.Request) {
	form, ok := oauthForm(w, r)
	if !ok {
		return
	}
	grant := form.Get("grant_type")
	needed, known := grants()[grant]
	if grant != "" && !known {
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "")
		return
	}
	id, _, basic := basicAuth(r)
	if !basic {
		needed = append(needed, "client_id")
	}
	for _, name := range append([]string{"grant_type"}, needed...) {
		if form.Get(name) == "" {
			oauthError(w, http.StatusBadRequest, "invalid_request", name+" is required.")
			return
		}
	}
	// Two proofs at once are refused (RFC 6749, section 2.3); Cognito's own examples
	// repeat the client's id.
	if other := form.Get("client_id"); basic && (form.Get("client_secret") != "" || other != "" && other != id) {
		oauthError(w, http.StatusBadRequest, "invalid_request", "The client is named in two ways.")
		return
	}
	reply := p.up.Forward(r.Context(), r, []byte(form.Encode()))
	neverStore(reply.Header)
	reply.Release(w)
}

// oauthForm reads what an app posts to an OAuth endpoint; if it cannot be read in one way
// only, oauthForm answers.
func oauthForm(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	neverStore(w.Header())
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		oauthError(w, http.StatusMethodNotAllowed, "invalid_request", "Use POST.")
		return nil, false
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		oauthError(w, http.StatusBadRequest, "invalid_request", "Content-Type must be application/x-www-form-urlencoded.")
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, upstream.MaxBody))
	if err != nil {
		oauthError(w, http.StatusBadRequest, "invalid_request", "The request is too large.")
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		oauthError(w, http.StatusBadRequest, "invalid_request", "The form could not be read.")
		return nil, false
	}
	for name, values := range form {
		if len(values) > 1 { // RFC 6749, section 3.2
			oauthError(w, http.StatusBadRequest, "invalid_request", "A parameter came more than once.")
			return nil, false
		}
		form.Set(name, values[0])
	}
	return form, true
}

// basicAuth reads a client's id and secret from the header, where they are encoded as in a
// form (RFC 6749, section 2.3.1).
func basicAuth(r *http.Request) (id, secret string, ok bool) {
	id, secret, ok = r.BasicAuth()
	for _, part := range []*string{&id, &secret} {
		if plain, err := url.QueryUnescape(*part); err == nil {
			*part = plain
		}
	}
	return id, secret, ok
}

// neverStore keeps tokens and errors out of every cache (RFC 6749, section 5.1).
func neverStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
}

func oauthError(w http.ResponseWriter, status int, code, description string) {
	answer := map[string]string{"error": code}
	if description != "" {
		answer["error_description"] = description
	}
	writeJSON(w, status, answer)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// discovery adds the address of /oauth2/revoke, which the emulator does not have and
// Cognito's document names.
func (p *Pages) discovery(w http.ResponseWriter, r *http.Request) {
	ask := r.Clone(r.Context())
	ask.Header.Del("Accept-Encoding") // the answer is read here
	reply := p.up.Forward(r.Context(), ask, nil)
	var document map[string]any
	if reply.Status != http.StatusOK || json.Unmarshal(reply.Body, &document) != nil {
		reply.Release(w)
		return
	}
	if endpoint, ok := document["token_endpoint"].(string); ok {
		document["revocation_endpoint"] = strings.TrimSuffix(endpoint, "/token") + "/revoke"
	}
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(document); err != nil {
		reply.Release(w)
		return
	}
	reply.Body = body.Bytes()
	reply.Header.Del("Content-Length")
	reply.Release(w)
}
