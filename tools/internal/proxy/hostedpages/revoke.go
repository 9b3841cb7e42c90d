package hostedpages

// Gap: the emulator has RevokeToken, but not its OAuth endpoint. Delete this file
// when it has /oauth2/revoke.

import (
	"encoding/json"
	"net/http"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// revoke ends a refresh token, as RFC 7009 and Cognito define it
// (https://docs.aws.amazon.com/cognito/latest/developerguide/revocation-endpoint.html).
func (p *Pages) revoke(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, upstream.MaxBody)
	if err := r.ParseForm(); err != nil {
		oauthError(w, http.StatusBadRequest, "invalid_request")
		return
	}
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	in := map[string]any{"ClientId": id, "Token": r.PostForm.Get("token")}
	if secret != "" {
		in["ClientSecret"] = secret
	}
	switch err := p.ask(r, "RevokeToken", in, nil); {
	case in["Token"] == "" || id == "" || upstream.IsCognito(err, "InvalidParameterException"):
		oauthError(w, http.StatusBadRequest, "invalid_request")
	case upstream.IsCognito(err, "UnsupportedTokenTypeException"):
		oauthError(w, http.StatusBadRequest, "unsupported_token_type")
	case err != nil:
		p.logUnlessCognito(r.Context(), "revoke", err)
		oauthError(w, http.StatusBadRequest, "invalid_client")
	default:
		w.WriteHeader(http.StatusOK)
	}
}

func oauthError(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]string{"error": code})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
