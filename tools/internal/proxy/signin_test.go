package proxy

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

const (
	preFired  = "PreAuthentication_Authentication"
	postFired = "PostAuthentication_Authentication"
)

// post posts a form as a browser that was given the page before.
func post(t *testing.T, target string, form url.Values) (int, http.Header, string) {
	t.Helper()
	const guard = "ABCDEFGHIJKLMNOPQRSTUVWXY2"
	form.Set("_csrf", guard)
	req := upstreamtest.Request(t, http.MethodPost, target, form.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(&http.Cookie{Name: "XSRF-TOKEN", Value: guard})
	return upstreamtest.Do(t, req)
}

func appForm(more ...string) url.Values {
	form := url.Values{"client_id": {"c1"}, "redirect_uri": {upstreamtest.Callback}, "response_type": {"code"}, "username": {"a@x.example"}, "password": {"p"}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

func redirect() upstreamtest.Reply {
	return upstreamtest.Reply{Status: 302, Header: http.Header{"Location": {upstreamtest.Callback + "?code=abc&state=s"}}}
}

// A sign-up on the pages fires every trigger that the same calls of an app would.
func TestPagesFireTriggers(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Replies["/login"] = redirect()
	_, origin := start(t, f)
	status, header, _ := post(t, origin+"/signup", appForm("password_again", "p"))
	next, err := url.Parse(header.Get("Location"))
	if err != nil || status != 303 {
		t.Fatalf("status %d, location %q, %v", status, header.Get("Location"), err)
	}
	status, header, _ = post(t, origin+"/confirm", appForm("flow", next.Query().Get("flow"), "code", "123456"))
	if status != 302 || header.Get("Location") != redirect().Header.Get("Location") {
		t.Errorf("status %d, %v", status, header)
	}
	want := []string{"SignUp", "ConfirmSignUp", "PostConfirmation_ConfirmSignUp", preFired, "/login", postFired}
	if diff := cmp.Diff(want, f.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// A trigger that fails is shown on the page, and no code reaches the browser.
func TestTriggerErrorIsShown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		trigger string
		want    []string
	}{
		"before": {"PreAuthentication", []string{preFired}},
		"after":  {"PostAuthentication", []string{"/login", postFired}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Functions = map[string]any{tc.trigger: upstreamtest.Function}
			f.Replies["/login"] = redirect()
			f.Invoke = func(w http.ResponseWriter, _ *http.Request, _ []byte) {
				w.Header().Set("X-Amz-Function-Error", "Unhandled")
				_, _ = w.Write([]byte(`{"errorMessage":"<b>no</b>"}`))
			}
			_, origin := start(t, f)
			status, header, body := post(t, origin+"/login", appForm())
			if status != 200 || header.Get("Location") != "" {
				t.Errorf("status %d, %v: the code is out", status, header)
			}
			if !strings.Contains(body, ">&lt;b&gt;no&lt;/b&gt;.</p>") || !strings.Contains(body, "<form") {
				t.Errorf("page %s", body)
			}
			if diff := cmp.Diff(tc.want, f.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
