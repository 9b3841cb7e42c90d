// Package hostedpages serves Cognito's pages for signing up and in.
//
// Gap: the emulator has the sign-in pages only, in a look of its own, checks less of what
// is posted to them and to its token endpoint, and has no /oauth2/revoke. Delete this
// package when it has sign-up, confirmation and the forgotten password, too. app.go closes
// no gap.
package hostedpages

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// AppPath is where the proxy serves the page on which users sign in and see their
// claims.
const AppPath = "/app"

// SignInHook is called for a person who signs in on the pages; an error is shown in
// place of the next page.
type SignInHook func(ctx context.Context, client upstream.AppClient, pool upstream.Pool, name, trace string) error

// FederatedHook is called for a person that an identity provider has signed in; an error
// is for the app, in place of the code.
type FederatedHook func(ctx context.Context, client upstream.AppClient, pool upstream.Pool, name string, first bool, trace string) error

// Config says where the pages stand and what they use.
type Config struct {
	// Root is the repository, whose branding the pages use.
	Root string
	// Host is the proxy's own, as it is registered for the app page.
	Host string
	// Environment and API are those of the app page.
	Environment, API string
	Upstream         *upstream.Client
	// Calls answers the pages' own calls of the Cognito API.
	Calls http.Handler
	// Before and After are called on the step that names the user and on the one that
	// signs them in.
	Before, After SignInHook
	// Migrate is called before Before, with the password that the person has typed. It may be nil.
	Migrate   func(ctx context.Context, client upstream.AppClient, pool upstream.Pool, name, password, trace string) error
	Federated FederatedHook
	Log       *slog.Logger
}

// Pages serves the pages and remembers people from one form to the next.
type Pages struct {
	cfg       Config
	up        *upstream.Client
	log       *slog.Logger
	templates *templates
	sessions  memory[signInSession]
	flows     memory[flow]
	departed  memory[departure]
	steps     memory[secondStep]
}

// New reads the templates and the branding.
func New(cfg Config) (*Pages, error) {
	templates, err := newTemplates(cfg.Root)
	if err != nil {
		return nil, err
	}
	return &Pages{cfg: cfg, up: cfg.Upstream, log: cfg.Log, templates: templates}, nil
}

// discoveryPath is that of a pool's OpenID Connect document.
var discoveryPath = regexp.MustCompile(`^/[\w-]+_[0-9A-Za-z]+/\.well-known/openid-configuration$`)

// Handler finds the page that a browser asks for or posts to; it is nil for every other
// request. The paths are Cognito's own
// (https://docs.aws.amazon.com/cognito/latest/developerguide/managed-login-endpoints.html).
func (p *Pages) Handler(r *http.Request) http.HandlerFunc {
	switch { // these look at the method themselves, or have the emulator's
	case r.URL.Path == "/oauth2/token":
		return p.token
	case r.URL.Path == "/oauth2/revoke":
		return p.revoke
	case r.URL.Path == providerCallback:
		return p.fromProvider
	case r.Method == http.MethodGet && discoveryPath.MatchString(r.URL.Path):
		return p.discovery
	}
	post := r.Method == http.MethodPost
	if !post && r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil
	}
	byPath := map[string][2]http.HandlerFunc{ // to read, to post to
		"/oauth2/authorize":         {p.authorizePage, nil},
		"/login":                    {p.loginPage, p.login},
		"/oauth2/login":             {nil, p.login}, // the emulator treats it as /login
		totpPath:                    {p.secondFactorPage, p.secondFactorPosted},
		registerPath:                {p.secondFactorPage, p.secondFactorPosted},
		"/logout":                   {p.logout, nil},
		AppPath:                     {p.app, nil},
		MailPath:                    {p.mails, nil},
		AppPath + "/config.json":    {p.appConfig, nil},
		SignInPath:                  {p.signInByMail, nil},
		SignInPath + "/config.json": {p.signInConfig, nil},
		"/signup":                   {p.signUpPage, p.signUpPosted},
		"/confirm":                  {p.formPage(appRequest.confirmForm), p.confirmPosted},
		"/resendcode":               {nil, p.codeSender("ResendConfirmationCode", appRequest.confirmForm, "/confirm", "notice", "sent")},
		"/forgotPassword":           {p.formPage(appRequest.forgotForm), p.codeSender("ForgotPassword", appRequest.forgotForm, "/confirmforgotPassword")},
		"/confirmforgotPassword":    {p.formPage(appRequest.resetForm), p.resetPosted},
	}
	if !post && strings.HasPrefix(r.URL.Path, assetsPrefix) {
		return p.templates.assets
	}
	serve := byPath[r.URL.Path]
	if post {
		return serve[1]
	}
	return serve[0]
}

// authorizePage checks the app's request and leads to the sign-in page, as
// Cognito does, or to the identity provider that the app names.
func (p *Pages) authorizePage(w http.ResponseWriter, r *http.Request) {
	given, ok := p.query(w, r)
	if !ok {
		return
	}
	req, ok := p.appRequest(w, r, given)
	if !ok {
		return
	}
	if provider := given.Get("identity_provider"); provider != "" && provider != ownProvider {
		p.toProvider(w, r, req, provider)
		return
	}
	leadTo(w, http.StatusFound, req.path("/login"))
}

// logout leads to an address that is registered for it. The emulator takes every
// address for a client that has none registered.
func (p *Pages) logout(w http.ResponseWriter, r *http.Request) {
	given, ok := p.query(w, r)
	if !ok {
		return
	}
	to := given["logout_uri"]
	if len(to) == 0 && given.Get("redirect_uri") != "" { // to sign in again at once
		p.authorizePage(w, r)
		return
	}
	cl, _, found, err := p.up.ClientPool(r.Context(), given.Get("client_id"))
	switch {
	case err != nil:
		p.logError(r.Context(), "client lookup", err)
		p.refusePage(w, http.StatusInternalServerError, unavailable)
	case len(to) == 0 && given.Has("post_logout_redirect_uri"):
		p.refusePage(w, http.StatusBadRequest, "Cognito does not read post_logout_redirect_uri. It needs client_id and logout_uri (invalid_request).")
	case !found || len(given["client_id"]) != 1:
		p.refusePage(w, http.StatusBadRequest, "The app is not known here (invalid_client).")
	case len(to) != 1 || !slices.Contains(cl.Logout, to[0]):
		p.refusePage(w, http.StatusBadRequest, "The app asked to send you to an address that is not registered for it (redirect_mismatch).")
	default:
		http.SetCookie(w, &http.Cookie{Name: guardCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode}) //nolint:gosec // G124: removes it
		leadTo(w, http.StatusFound, to[0])
	}
}
