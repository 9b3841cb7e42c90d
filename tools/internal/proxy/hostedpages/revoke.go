package hostedpages

// Gap: the emulator has RevokeToken, but not its OAuth endpoint. Delete this file
// when it has /oauth2/revoke.

import (
	"net/http"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// revoke ends a refresh token, as RFC 7009 and Cognito define it
// (https://docs.aws.amazon.com/cognito/latest/developerguide/revocation-endpoint.html):
// only what is wrong with the client is 401.
func (p *Pages) revoke(w http.ResponseWriter, r *http.Request) {
	form, ok := oauthForm(w, r)
	if !ok {
		return
	}
	id, secret, basic := basicAuth(r)
	if !basic {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	if id == "" || form.Get("token") == "" {
		oauthError(w, http.StatusBadRequest, "invalid_request", "client_id and token are required.")
		return
	}
	in := map[string]any{"ClientId": id, "Token": form.Get("token")}
	if secret != "" {
		in["ClientSecret"] = secret
	}
	switch err := p.ask(r, "RevokeToken", in, nil); {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case upstream.IsCognito(err, "UnauthorizedException"):
		if basic { // RFC 6749, section 5.2
			w.Header().Set("WWW-Authenticate", `Basic realm="oauth2"`)
		}
		oauthError(w, http.StatusUnauthorized, "invalid_client", "Client authentication failed.")
	case upstream.IsCognito(err, "UnsupportedTokenTypeException"):
		oauthError(w, http.StatusBadRequest, "unsupported_token_type", "Only refresh tokens can be revoked.")
	case upstream.IsCognito(err, "InvalidParameterException"), upstream.IsCognito(err, "UnsupportedOperationException"):
		oauthError(w, http.StatusBadRequest, "invalid_request", "The token was issued to another client, or the client cannot revoke tokens.")
	default:
		p.logUnlessCognito(r.Context(), "revoke", err)
		oauthError(w, http.StatusServiceUnavailable, "server_error", "The token could not be revoked.")
	}
}
