package proxy

// Gap: the emulator has the sign-in pages only, in a look of its own, and checks
// less of what is posted to them. Delete the files hosted*.go and hostedpage/
// when it has sign-up, confirmation and the forgotten password, too.

import (
	"net/http"
	"slices"
	"strings"

	"gatehouse.example/tools/internal/hostedpage"
	"gatehouse.example/tools/internal/layout"
)

// hostedPage finds the page that a browser asks for or posts to, or nil. The
// paths are Cognito's own
// (https://docs.aws.amazon.com/cognito/latest/developerguide/managed-login-endpoints.html).
func (h *handler) hostedPage(r *http.Request) http.HandlerFunc {
	post := r.Method == http.MethodPost
	if !post && r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil
	}
	byPath := map[string][2]http.HandlerFunc{ // to read, to post to
		"/oauth2/authorize":             {h.authorizePage, nil},
		"/login":                        {h.loginPage, h.login},
		"/oauth2/login":                 {nil, h.login}, // the emulator takes it for /login
		"/logout":                       {h.logout, nil},
		"/oauth2/revoke":                {nil, h.revoke},
		layout.AppPath:                  {h.app, nil},
		layout.AppPath + "/config.json": {h.appConfig, nil},
		"/signup":                       {h.signUpPage, h.signUpPosted},
		"/confirm":                      {h.confirmPage, h.confirmPosted},
		"/resendcode":                   {nil, h.resendPosted},
		"/forgotPassword":               {h.forgotPage, h.forgotPosted},
		"/confirmforgotPassword":        {h.resetPage, h.resetPosted},
	}
	if !post && strings.HasPrefix(r.URL.Path, hostedpage.Prefix) {
		return h.pages.Assets
	}
	serve := byPath[r.URL.Path]
	if post {
		return serve[1]
	}
	return serve[0]
}

// authorizePage checks the app's request and leads to the sign-in page, as
// Cognito does.
func (h *handler) authorizePage(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("identity_provider") != "" {
		h.pass(w, r) // on to another provider: the emulator's own
		return
	}
	if req, ok := h.appRequest(w, r, r.URL.Query()); ok {
		leadTo(w, http.StatusFound, req.path("/login"))
	}
}

// logout leads to an address that is registered for it. The emulator takes every
// address for a client that has none registered.
func (h *handler) logout(w http.ResponseWriter, r *http.Request) {
	given := r.URL.Query()
	to := given["logout_uri"]
	if len(to) == 0 && given.Get("redirect_uri") != "" { // to sign in again at once
		h.authorizePage(w, r)
		return
	}
	cl, _, found, err := h.clientPool(r.Context(), given.Get("client_id"))
	switch {
	case err != nil:
		h.logError(r.Context(), "client lookup", err)
		h.refusePage(w, http.StatusInternalServerError, unavailable)
	case !found || len(given["client_id"]) != 1:
		h.refusePage(w, http.StatusBadRequest, "The app is not known here (invalid_client).")
	case len(to) != 1 || !slices.Contains(cl.Logout, to[0]):
		h.refusePage(w, http.StatusBadRequest, "The app asked to send you to an address that is not registered for it (redirect_mismatch).")
	default:
		http.SetCookie(w, &http.Cookie{Name: guardCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode}) //nolint:gosec // G124: removes it
		leadTo(w, http.StatusFound, to[0])
	}
}
