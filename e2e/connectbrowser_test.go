package e2e

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gatehouse.example/e2e/chromium"
)

// TestConnectBrowser runs the apps of docs/connect.md in a browser, on an origin of their own.
func TestConnectBrowser(t *testing.T) {
	t.Parallel()
	s := start(t)
	t.Run("oidc_client_ts", func(t *testing.T) {
		t.Parallel()
		p := s.member(t)
		a := s.openApp(t, "oidc-client-ts.mjs")
		a.signInFromApp(p)
		before := a.claims("app.claims()")
		after := a.claims("app.refresh()") // the library compares auth_time itself
		if before["sub"] != p.Sub || before["email"] != p.Email || after["sub"] != p.Sub {
			t.Errorf("signed in as %v, refreshed as %v", before, after)
		}
		held := a.text(`JSON.parse(sessionStorage[Object.keys(sessionStorage).find((key) => key.startsWith("oidc.user:"))]).refresh_token`)
		if said := a.text(`app.revoke().then(() => "revoked", String)`); said != "revoked" {
			t.Errorf("revoking: %s", said)
		}
		if status, failure := s.exchange(t, url.Values{"grant_type": {"refresh_token"}, "client_id": {a.client}, "refresh_token": {held}}); failure != "invalid_grant" {
			t.Errorf("a revoked token: %d %q", status, failure)
		}
		a.signOutFromApp()
	})
	t.Run("amplify", func(t *testing.T) {
		t.Parallel()
		p := s.member(t)
		a := s.openApp(t, "amplify.mjs")
		a.signInFromApp(p)
		before, after := a.claims("app.claims()"), a.claims("app.refresh()")
		if before["sub"] != p.Sub || after["sub"] != p.Sub || before["auth_time"] != after["auth_time"] {
			t.Errorf("signed in as %v, refreshed as %v", before, after)
		}
		a.signOutFromApp()
	})
}

// app is a program of docs/connect.md on a page, as window.app.
type app struct {
	window
	origin, client string
}

// openApp bundles the program as its readers do and opens it.
func (s *system) openApp(t *testing.T, name string) app {
	t.Helper()
	dir := s.workplace(t, name)
	var bundle []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/app.js" {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write(bundle)
			return
		}
		_, _ = io.WriteString(w, `<!doctype html><title>App</title><h1>App</h1><script type="module" src="/app.js"></script>`)
	}))
	t.Cleanup(server.Close)
	values := map[string]string{"REDIRECT_URI": server.URL + "/callback", "LOGOUT_URI": server.URL + "/bye"}
	values["WEB_CLIENT_ID"] = s.webApp(t, values["REDIRECT_URI"], values["LOGOUT_URI"])
	for _, name := range []string{"DISCOVERY_URL", "HTTPS_URL", "ISSUER", "USER_POOL_ID"} {
		values[name] = s.env[name]
	}
	entry := `import * as app from "./` + name + `"; window.app = app;`
	check(t, os.WriteFile(filepath.Join(dir, "page.mjs"), []byte(entry), 0o600))
	packages := filepath.Join(s.root, clientsDir, "node_modules")
	cmd := exec.CommandContext(t.Context(), s.node(t), filepath.Join(packages, "esbuild", "bin", "esbuild"), filepath.Join(dir, "page.mjs"),
		"--bundle", "--format=esm", "--log-level=warning", "--define:process.env="+string(must(json.Marshal(values))(t)),
		"--alias:aws-amplify/auth=@aws-amplify/auth", "--alias:aws-amplify="+filepath.Join(s.root, "e2e/clients/aws-amplify.mjs"))
	cmd.Dir = filepath.Join(s.root, clientsDir)
	cmd.Env = append(os.Environ(), "NODE_PATH="+packages) // for the file in e2e/clients
	cmd.Stderr = os.Stderr
	bundle = must(cmd.Output())(t)
	w := window{must(chromium.OpenTrusting(t.Context(), 1100, 900, s.certificateKey(t)))(t), t}
	t.Cleanup(w.Close)
	w.must(w.Visit(server.URL + "/"))
	return app{w, server.URL, values["WEB_CLIENT_ID"]}
}

// certificateKey is the hash of the local certificate's key.
func (s *system) certificateKey(t *testing.T) string {
	t.Helper()
	dir := filepath.Dir(s.env["HTTPS_CA_FILE"])
	pair := must(tls.LoadX509KeyPair(filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")))(t)
	sum := sha256.Sum256(pair.Leaf.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// signInFromApp follows the app to the hosted pages and back.
func (a app) signInFromApp(p *person) {
	a.t.Helper()
	a.must(a.Until("window.app"))
	_, err := chromium.Script[bool](a.Browser, `(app.signIn(), true)`)
	a.must(err)
	a.signIn(p.Email, password)
	a.must(a.Until(`window.app && location.origin === ` + quoted(a.t, a.origin)))
}

// signOutFromApp follows the app to the address where people return after signing out.
func (a app) signOutFromApp() {
	a.t.Helper()
	_, err := chromium.Script[bool](a.Browser, `(app.leave(), true)`)
	a.must(err)
	if err := a.Until(`location.href.startsWith(` + quoted(a.t, a.origin+"/bye") + `)`); err != nil {
		a.t.Errorf("%v:\n%s", err, a.Text())
	}
}

// claims are those that a function of the app promises.
func (a app) claims(call string) map[string]any {
	a.t.Helper()
	text := a.text(call + `.then((claims) => JSON.stringify(claims ?? {}), (e) => JSON.stringify({ error: String(e) }))`)
	out := map[string]any{}
	check(a.t, json.Unmarshal([]byte(text), &out))
	return out
}

func (a app) text(call string) string {
	a.t.Helper()
	text, err := chromium.Script[string](a.Browser, call)
	a.must(err)
	return text
}
