package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

const callback = "http://127.0.0.1:8400/callback"

// codeFor signs a person in as a browser would and returns what comes back to the app.
func (s *system) codeFor(t *testing.T, p *person, more ...string) url.Values {
	t.Helper()
	b := newBrowser(t)
	form := formOf(t, b.get(t, s.env["HOSTED_UI_URL"]+"/oauth2/authorize?"+s.appRequest(more...)))
	form.Set("username", p.Email)
	form.Set("password", password)
	return b.post(t, s.env["HOSTED_UI_URL"]+"/login", form)
}

// exchange turns a code into tokens, or into the error.
func (s *system) exchange(t *testing.T, form url.Values) (status int, failure string) {
	t.Helper()
	resp := must(http.PostForm(s.env["HOSTED_UI_URL"]+"/oauth2/token", form))(t)
	defer resp.Body.Close()
	var out struct {
		Error   string `json:"error"`
		IDToken string `json:"id_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	if (resp.StatusCode == http.StatusOK) != (out.IDToken != "") {
		t.Errorf("status %d with error %q", resp.StatusCode, out.Error)
	}
	return resp.StatusCode, out.Error
}

// TestAuthorizationCodesAreBoundToTheirClient gives a code to everybody but the app that asked for it.
func TestAuthorizationCodesAreBoundToTheirClient(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	verifier := oauth2.GenerateVerifier()
	challenge := oauth2.S256ChallengeFromVerifier(verifier)
	for name, tc := range map[string]struct {
		change func(url.Values)
		spent  bool // the code is, by a client that it was made for
	}{
		"no_verifier":       {func(f url.Values) { f.Del("code_verifier") }, true},
		"other_verifier":    {func(f url.Values) { f.Set("code_verifier", oauth2.GenerateVerifier()) }, true},
		"challenge_as_such": {func(f url.Values) { f.Set("code_verifier", challenge) }, true},
		"other_address":     {func(f url.Values) { f.Set("redirect_uri", "http://localhost:8400/callback") }, true},
		"other_client":      {func(f url.Values) { f.Set("client_id", s.env["NATIVE_CLIENT_ID"]) }, false},
		"no_client":         {func(f url.Values) { f.Del("client_id") }, false},
		"no_address":        {func(f url.Values) { f.Del("redirect_uri") }, false},
		"changed_code":      {func(f url.Values) { f.Set("code", f.Get("code")+"x") }, false},
		"no_code":           {func(f url.Values) { f.Del("code") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			back := s.codeFor(t, p, "code_challenge", challenge, "code_challenge_method", "S256")
			form := url.Values{
				"grant_type": {"authorization_code"}, "client_id": {s.env["WEB_CLIENT_ID"]}, "code": {back.Get("code")},
				"redirect_uri": {callback}, "code_verifier": {verifier},
			}
			right := url.Values{}
			for k, v := range form {
				right[k] = v
			}
			tc.change(form)
			if status, failure := s.exchange(t, form); status != http.StatusBadRequest || failure == "" {
				t.Errorf("status %d, error %q", status, failure)
			}
			// Whoever asked can still use it, once, unless it was spent on a guess.
			status, failure := s.exchange(t, right)
			if spent := status == http.StatusBadRequest && failure == "invalid_grant"; spent != tc.spent || !spent && status != http.StatusOK {
				t.Errorf("the right app: status %d, error %q", status, failure)
			}
			if status, _ := s.exchange(t, right); status != http.StatusBadRequest {
				t.Errorf("the same code again: status %d", status)
			}
		})
	}
}

// TestStateIsReturnedUnchanged, and none if none was sent.
func TestStateIsReturnedUnchanged(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	for _, state := range []string{"", "s", "a b+c%20&d=e#f/g?h", `"><script>alert(1)</script>`, "\u00fc\u4e2d\U0001f511", strings.Repeat("x", 1500)} {
		back := s.codeFor(t, p, "state", state)
		if got, sent := back["state"], []string{state}; back.Get("code") == "" || state == "" && got != nil || state != "" && (len(got) != 1 || got[0] != sent[0]) {
			t.Errorf("state %q came back as %q", state, got)
		}
	}
}

// TestRedirectsGoToRegisteredAddressesOnly asks each page, and each form, to redirect to
// an address that is not registered.
func TestRedirectsGoToRegisteredAddressesOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	origin := s.env["HOSTED_UI_URL"]
	requests := map[string]string{
		"other_address":  s.appRequest("redirect_uri", "https://evil.example/"),
		"prefix":         s.appRequest("redirect_uri", callback+".evil.example/"),
		"path_below":     s.appRequest("redirect_uri", callback+"/../../x"),
		"upper_case":     s.appRequest("redirect_uri", strings.ToUpper(callback)),
		"query_added":    s.appRequest("redirect_uri", callback+"?next=https://evil.example/"),
		"fragment":       s.appRequest("redirect_uri", callback+"#x"),
		"no_scheme":      s.appRequest("redirect_uri", "//evil.example/"),
		"script":         s.appRequest("redirect_uri", "javascript:alert(1)"),
		"twice":          s.appRequest() + "&redirect_uri=" + url.QueryEscape("https://evil.example/"),
		"other_client":   s.appRequest("client_id", s.env["NATIVE_CLIENT_ID"]),
		"unknown_client": s.appRequest("client_id", "0123456789"),
	}
	for name, query := range requests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t)
			form := formOf(t, b.get(t, origin+"/login?"+s.appRequest()))
			b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			for _, path := range []string{"/oauth2/authorize", "/login", "/signup", "/confirm", "/forgotPassword", "/confirmforgotPassword"} {
				refusedHere(t, path, b.get(t, origin+path+"?"+query))
			}
			edited := must(url.ParseQuery(query))(t)
			edited["_csrf"] = form["_csrf"]
			edited.Set("username", p.Email)
			edited.Set("password", password)
			for _, path := range []string{"/login", "/oauth2/login", "/signup", "/confirm", "/resendcode", "/forgotPassword", "/confirmforgotPassword", "/mfa/totp"} {
				refusedHere(t, path, must(b.PostForm(origin+path, edited))(t))
			}
		})
	}
	b := newBrowser(t)
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, client := range []string{"WEB_CLIENT_ID", "NATIVE_CLIENT_ID"} {
		refusedHere(t, "/logout of "+client, b.get(t, origin+"/logout?client_id="+s.env[client]+"&logout_uri=https%3A%2F%2Fevil.example%2F"))
	}
}

// refusedHere wants an error page, and no way from it to anywhere else.
func refusedHere(t *testing.T, what string, resp *http.Response) {
	t.Helper()
	defer resp.Body.Close()
	body := string(must(io.ReadAll(resp.Body))(t))
	if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Location") != "" || strings.Contains(body, "evil") || strings.Contains(body, "<form") {
		t.Errorf("%s: %s, location %q\n%s", what, resp.Status, resp.Header.Get("Location"), body)
	}
	for _, name := range []string{"Content-Security-Policy", "Referrer-Policy", "X-Frame-Options"} {
		if resp.Header.Get(name) == "" {
			t.Errorf("%s: no %s", what, name)
		}
	}
}

// TestInvalidRequestsAreReportedToTheApp: the address is registered, so the
// app gets the error.
func TestInvalidRequestsAreReportedToTheApp(t *testing.T) {
	t.Parallel()
	s := start(t)
	b := newBrowser(t)
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for name, query := range map[string]string{
		"scope":            s.appRequest("scope", "openid aws.cognito.signin.user.admin"),
		"plain_challenge":  s.appRequest("code_challenge", "abc", "code_challenge_method", "plain"),
		"no_method":        s.appRequest("code_challenge", "abc"),
		"method_but_empty": s.appRequest("code_challenge_method", "S256"),
	} {
		for _, path := range []string{"/oauth2/authorize", "/signup"} {
			resp := b.get(t, s.env["HOSTED_UI_URL"]+path+"?"+query)
			resp.Body.Close()
			back := resp.Header.Get("Location")
			if resp.StatusCode != http.StatusFound || !strings.HasPrefix(back, callback+"?error=invalid_request") || !strings.Contains(back, "state=s") {
				t.Errorf("%s at %s: %s to %q", name, path, resp.Status, back)
			}
		}
	}
}

// TestRevokedRefreshTokensAreRefused: a revoked refresh token gives no more tokens.
func TestRevokedRefreshTokensAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	origin := s.env["HOSTED_UI_URL"]
	back := s.codeFor(t, p)
	resp := must(http.PostForm(origin+"/oauth2/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {s.env["WEB_CLIENT_ID"]}, "code": {back.Get("code")}, "redirect_uri": {callback},
	}))(t)
	defer resp.Body.Close()
	var tokens struct {
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&tokens); err != nil || tokens.Refresh == "" {
		t.Fatalf("no refresh token: %v", err)
	}
	renew := url.Values{"grant_type": {"refresh_token"}, "client_id": {s.env["WEB_CLIENT_ID"]}, "refresh_token": {tokens.Refresh}}
	if status, failure := s.exchange(t, renew); status != http.StatusOK {
		t.Fatalf("before: %d %s", status, failure)
	}
	revoked := must(http.PostForm(origin+"/oauth2/revoke", url.Values{"client_id": {s.env["WEB_CLIENT_ID"]}, "token": {tokens.Refresh}}))(t)
	revoked.Body.Close()
	if revoked.StatusCode != http.StatusOK {
		t.Errorf("revoke: %s", revoked.Status)
	}
	if status, failure := s.exchange(t, renew); status != http.StatusBadRequest || failure != "invalid_grant" {
		t.Errorf("after: %d %s", status, failure)
	}
}
