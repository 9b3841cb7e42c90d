package hostedpages

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"regexp"
)

// Cognito guards its forms with a cookie and a field of the same value, and so
// do these pages, under the same names.
const (
	guardCookie = "XSRF-TOKEN"
	guardField  = "_csrf"
)

var guardValue = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// browser names the browser by its guard cookie; it is empty without one.
func browser(r *http.Request) string {
	cookie, err := r.Cookie(guardCookie)
	if err != nil || !guardValue.MatchString(cookie.Value) {
		return ""
	}
	return cookie.Value
}

// guard is the field that a form sends back; it sets the cookie on first sight.
func guard(w http.ResponseWriter, r *http.Request) Hidden {
	value := browser(r)
	if value == "" {
		value = rand.Text()
		// Not Secure, because the local pages use plain HTTP, on loopback only.
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // G124: see above
			Name: guardCookie, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	return Hidden{Name: guardField, Value: value}
}

// guarded reports whether the form comes from a page that this browser was given.
// If it does not, it answers.
func (p *Pages) guarded(w http.ResponseWriter, r *http.Request, form url.Values) bool {
	known, sent := browser(r), form.Get(guardField)
	err := http.NewCrossOriginProtection().Check(r)
	if err == nil && known != "" && subtle.ConstantTimeCompare([]byte(known), []byte(sent)) == 1 {
		return true
	}
	page := Page{
		Title:   "This page has expired",
		Problem: "The form did not come from this page, or cookies are switched off. Nothing was sent. Please start again.",
	}
	if values, repeated := appValues(form); repeated == "" && values.Get("client_id") != "" {
		page.Links = []Link{{Text: "Start again", URL: "/login?" + values.Encode()}}
	}
	p.showPage(w, r, http.StatusForbidden, page)
	return false
}
