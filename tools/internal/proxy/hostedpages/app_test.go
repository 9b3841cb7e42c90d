package hostedpages

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

func TestAppPage(t *testing.T) {
	t.Parallel()
	pages, origin := start(t, upstreamtest.New(t))
	status, header, body := visit(t, origin+"/app")
	if status != 200 || !strings.Contains(header.Get("Content-Security-Policy"), "script-src 'self';") || strings.Contains(body, "<script>") {
		t.Errorf("status %d, %v", status, header)
	}
	// Only one address is registered for it, so every other leads there.
	pages.cfg.Host = "127.0.0.1:4566"
	if status, header, _ := visit(t, origin+"/app?code=x"); status != http.StatusFound || header.Get("Location") != "http://127.0.0.1:4566/app" {
		t.Errorf("at another name: %d %q", status, header.Get("Location"))
	}
	for path, kind := range map[string]string{"app.js": "text/javascript", "pages.css": "text/css", "logo.svg": "image/svg+xml", "../page.html": "", "page.html": "text/plain"} {
		if _, header, _ := visit(t, origin+"/_gatehouse/brand/"+path); !strings.HasPrefix(header.Get("Content-Type"), kind) {
			t.Errorf("%s is %q", path, header.Get("Content-Type"))
		}
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		form  url.Values
		reply upstreamtest.Reply
		want  int
		body  string
	}{
		"done":         {url.Values{"client_id": {"c1"}, "token": {"r"}}, upstreamtest.Reply{Status: 200, Body: "{}"}, 200, ""},
		"no_token":     {url.Values{"client_id": {"c1"}}, upstreamtest.Reply{Status: 200, Body: "{}"}, 400, "invalid_request"},
		"no_client":    {url.Values{"token": {"r"}}, upstreamtest.Reply{Status: 200, Body: "{}"}, 400, "invalid_request"},
		"access":       {url.Values{"client_id": {"c1"}, "token": {"a"}}, failing("UnsupportedTokenTypeException", "x"), 400, "unsupported_token_type"},
		"wrong_secret": {url.Values{"client_id": {"c1"}, "token": {"r"}}, failing("UnauthorizedException", "x"), 400, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Replies["RevokeToken"] = tc.reply
			_, origin := start(t, f)
			if status, _, body := postForm(t, origin+"/oauth2/revoke", tc.form); status != tc.want || !strings.Contains(body, tc.body) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}
