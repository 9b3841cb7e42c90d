package hostedpages

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// withSecondFactor is a fake whose pool asks for a second factor, which its user has or not.
func withSecondFactor(t *testing.T, mfa string, factors ...string) *upstreamtest.Fake {
	t.Helper()
	f := upstreamtest.New(t)
	f.MFA, f.User["UserMFASettingList"] = mfa, factors
	f.Replies["/login"] = redirect()
	f.Replies["GetUserPoolMfaConfig"] = upstreamtest.Reply{Status: 200, Body: `{"SoftwareTokenMfaConfiguration":{"Enabled":true}}`}
	f.Replies["RespondToAuthChallenge"] = upstreamtest.Reply{Status: 200, Body: `{"AuthenticationResult":{"AccessToken":"t-1"}}`}
	f.Replies["AssociateSoftwareToken"] = upstreamtest.Reply{Status: 200, Body: `{"SecretCode":"ABCDEFGH23"}`}
	return f
}

// passwordStep signs in with the password, and returns the page that this leads to and the
// form on it.
func passwordStep(t *testing.T, origin string) (body string, form url.Values) {
	t.Helper()
	status, header, _ := postForm(t, origin+"/login", loginForm())
	next := header.Get("Location")
	if status != http.StatusSeeOther || strings.Contains(next, "code=abc") {
		t.Fatalf("status %d, to %s", status, next)
	}
	status, _, body = visit(t, origin+next)
	if status != http.StatusOK {
		t.Fatalf("%s: status %d", next, status)
	}
	page, _ := readPage([]byte(body))
	form = url.Values{}
	for _, h := range page.Hidden {
		form.Set(h.Name, h.Value)
	}
	return body, form
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	f := withSecondFactor(t, "OPTIONAL", softwareToken)
	_, origin := start(t, f)
	body, form := passwordStep(t, origin)
	if read(body) != "code*" || strings.Contains(body, "<svg") || strings.Contains(body, "a@x.example") {
		t.Errorf("page %s", body)
	}
	f.Replies["RespondToAuthChallenge"] = failing("CodeMismatchException", "Invalid code received for user")
	form.Set("code", "000 000")
	status, header, body := postForm(t, origin+totpPath, form)
	if status != http.StatusBadRequest || read(body) != "code!(problem)*" || !strings.Contains(body, wrongTOTP) {
		t.Errorf("a wrong code: %d %s", status, body)
	}
	if got := header.Get(upstream.NoteProblem); got != "CodeMismatchException: Invalid code received for user" {
		t.Errorf("note %q", got)
	}
	if header.Get(upstream.NoteUser) != "a%40x.example" || header.Get(upstream.NoteClient) != "c1" {
		t.Errorf("notes %v", header)
	}
	delete(f.Replies, "RespondToAuthChallenge")
	status, header, _ = postForm(t, origin+totpPath, form)
	if status != http.StatusFound || header.Get("Location") != redirect().Header.Get("Location") || header.Get(upstream.NoteProblem) != "" {
		t.Errorf("the right code: %d %v", status, header)
	}
	want := []string{preFired, "/login", "RespondToAuthChallenge", "RespondToAuthChallenge", postFired}
	if diff := cmp.Diff(want, f.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	bodies := strings.Join(f.Bodies(), "\n")
	if !strings.Contains(bodies, `"SOFTWARE_TOKEN_MFA_CODE":"000000"`) || !strings.Contains(bodies, `"USERNAME":"u-1"`) {
		t.Errorf("asked %s", bodies)
	}
	if status, _, _ = postForm(t, origin+totpPath, form); status != http.StatusBadRequest {
		t.Errorf("the same step again: status %d", status)
	}
}

func TestSecondFactorSetUp(t *testing.T) {
	t.Parallel()
	f := withSecondFactor(t, "ON")
	_, origin := start(t, f)
	body, form := passwordStep(t, origin)
	for _, text := range []string{
		"<svg class=\"qr\" role=\"img\" aria-label=", "<code>ABCD EFGH 23</code>",
		`href="otpauth://totp/Gatehouse:a@x.example?issuer=Gatehouse&amp;secret=ABCDEFGH23"`,
	} {
		if !strings.Contains(body, text) {
			t.Errorf("the page has no %s", text)
		}
	}
	f.Replies["VerifySoftwareToken"] = failing("EnableSoftwareTokenMFAException", "Code mismatch")
	form.Set("code", "000000")
	if status, _, body := postForm(t, origin+registerPath, form); status != http.StatusBadRequest || !strings.Contains(body, "ABCD EFGH 23") || read(body) != "code!(problem)*" {
		t.Errorf("a wrong code: %d %s", status, body)
	}
	delete(f.Replies, "VerifySoftwareToken")
	if status, header, _ := postForm(t, origin+registerPath, form); status != http.StatusFound || header.Get("Location") != redirect().Header.Get("Location") {
		t.Errorf("the right code: %d %v", status, header)
	}
	want := []string{
		preFired, "/login", "GetUserPoolMfaConfig", "RespondToAuthChallenge", "AssociateSoftwareToken",
		"VerifySoftwareToken", "VerifySoftwareToken", postFired,
	}
	if diff := cmp.Diff(want, f.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestNoSecondFactor(t *testing.T) {
	t.Parallel()
	off := upstreamtest.Reply{Status: 200, Body: `{"MfaConfiguration":"ON"}`}
	for name, f := range map[string]*upstreamtest.Fake{
		"off":            withSecondFactor(t, "OFF", softwareToken),
		"optional":       withSecondFactor(t, "OPTIONAL"),
		"another_factor": withSecondFactor(t, "OPTIONAL", "SMS_MFA"),
		"no_app_allowed": func() *upstreamtest.Fake {
			f := withSecondFactor(t, "ON")
			f.Replies["GetUserPoolMfaConfig"] = off
			return f
		}(),
	} {
		_, origin := start(t, f)
		if status, header, _ := postForm(t, origin+"/login", loginForm()); status != http.StatusFound || header.Get("Location") == "" {
			t.Errorf("%s: %d %v", name, status, header)
		}
	}
}

// A step belongs to one browser, one page and some minutes.
func TestSecondFactorOfOthers(t *testing.T) {
	t.Parallel()
	pages, origin := start(t, withSecondFactor(t, "OPTIONAL", softwareToken))
	_, form := passwordStep(t, origin)
	form.Set("code", "123456")
	id := form.Get(flowField)
	step, _ := pages.steps.get(id)
	for name, change := range map[string]func(*secondStep){
		"another_browser": func(s *secondStep) { s.session.browser = "ABCDEFGHIJKLMNOPQRSTUVWXY3" },
		"another_page":    func(s *secondStep) { s.path = registerPath },
		"too_late":        func(s *secondStep) { s.until = time.Now().Add(-time.Second) },
	} {
		changed := step
		change(&changed)
		pages.steps.put(id, changed)
		status, header, body := postForm(t, origin+totpPath, form)
		if status != http.StatusBadRequest || header.Get("Location") != "" || strings.Contains(body, "<form") {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if !strings.HasPrefix(header.Get(upstream.NoteProblem), "NotAuthorizedException: ") {
			t.Errorf("%s: notes %v", name, header)
		}
	}
}
