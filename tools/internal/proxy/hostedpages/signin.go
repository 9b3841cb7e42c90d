package hostedpages

// This closes no gap. It is a form of an app's own for sign-ins by mail: Cognito's pages have
// no custom challenges.

import (
	"net/http"
)

// SignInPath is where the proxy serves the page for sign-ins by mail. Links in mails lead to it.
const SignInPath = AppPath + "/signin"

// signInByMail serves the page. The link's secret is in its fragment, which is not sent.
func (p *Pages) signInByMail(w http.ResponseWriter, r *http.Request) {
	const allowed = "style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'none'"
	err := p.templates.draw(w, http.StatusOK, "signin.html", allowed, struct{ Brand, Prefix, Mailbox string }{p.templates.Name, assetsPrefix, MailPath})
	p.logError(r.Context(), "page not drawn", err)
}

// signInConfig gives the page the client id of apps with forms of their own.
func (p *Pages) signInConfig(w http.ResponseWriter, r *http.Request) {
	id, err := p.up.Parameter(r.Context(), "/gatehouse/"+p.cfg.Environment+"/platform/native-client-id")
	if err != nil {
		p.logError(r.Context(), "native client", err)
		http.Error(w, "the native client could not be read", http.StatusBadGateway)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, map[string]string{"clientId": id})
}
