package hostedpages

// This closes no gap. It is a page to return to for people without an app of their own
// yet: the web client that the platform makes for apps in a browser.

import (
	"net/http"
	"net/url"
)

// app serves the page, from the one origin whose address is registered for it.
func (p *Pages) app(w http.ResponseWriter, r *http.Request) {
	if p.cfg.Host != "" && r.Host != p.cfg.Host {
		to := url.URL{Scheme: "http", Host: p.cfg.Host, Path: AppPath}
		if r.TLS != nil {
			to.Scheme = "https"
		}
		leadTo(w, http.StatusFound, to.String())
		return
	}
	const allowed = "style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'none'"
	err := p.templates.draw(w, http.StatusOK, "app.html", allowed, struct{ Brand, Prefix string }{p.templates.Name, assetsPrefix})
	p.logError(r.Context(), "page not drawn", err)
}

// appConfig gives the page its client id.
func (p *Pages) appConfig(w http.ResponseWriter, r *http.Request) {
	id, err := p.up.Parameter(r.Context(), "/gatehouse/"+p.cfg.Environment+"/platform/web-client-id")
	if err != nil {
		p.logError(r.Context(), "web client", err)
		http.Error(w, "the web client could not be read", http.StatusBadGateway)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, map[string]string{"clientId": id, "provider": "", "api": p.cfg.API})
}
