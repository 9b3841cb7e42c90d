package hostedpages

import (
	"net/http"
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
	for path, kind := range map[string]string{"app.js": "text/javascript", "signin.js": "text/javascript", "pages.css": "text/css", "logo.svg": "image/svg+xml", "../page.html": "", "page.html": "text/plain"} {
		if _, header, _ := visit(t, origin+"/_gatehouse/brand/"+path); !strings.HasPrefix(header.Get("Content-Type"), kind) {
			t.Errorf("%s is %q", path, header.Get("Content-Type"))
		}
	}
}
