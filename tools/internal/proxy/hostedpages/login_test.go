package proxy

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	preFired  = "PreAuthentication_Authentication"
	postFired = "PostAuthentication_Authentication"
)

func loginForm() url.Values {
	return url.Values{"client_id": {"c1"}, "redirect_uri": {testCallback}, "username": {"a@x.example"}, "password": {"p"}}
}

func redirect() reply {
	return reply{status: 302, header: http.Header{"Location": {"https://app.example/cb?code=abc&state=s"}}}
}

func htmlReply(body string) reply {
	return reply{status: 200, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, body: body}
}

func isRedirect(status int) bool { return status/100 == 3 }

func TestHostedSignIn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply reply
		want  []string
	}{
		"signed_in":      {redirect(), []string{preFired, "/login", postFired}},
		"wrong_password": {htmlReply(emulatorForm("no")), []string{preFired, "/login"}},
		"error_redirect": {reply{status: 302, header: http.Header{"Location": {"https://app.example/cb?error=invalid_request"}}}, []string{preFired, "/login"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.replies["/login"] = tc.reply
			_, origin := edgeBefore(t, f)
			status, header, body := postForm(t, origin+"/login", loginForm())
			if status != tc.reply.status || isRedirect(status) && body != tc.reply.body || header.Get("Location") != tc.reply.header.Get("Location") {
				t.Errorf("answer changed: %d %v %s", status, header, body)
			}
			if diff := cmp.Diff(tc.want, f.calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// Later steps of a sign-in carry only a token; the person is the one of the first.
func TestHostedSignInInSteps(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	h, origin := edgeBefore(t, f)
	f.replies["/login"] = htmlReply(`<form><input type="hidden" name="ua_token" value="t-1"></form>`)
	form := loginForm()
	form.Set("auth_flow", "USER_AUTH")
	postForm(t, origin+"/login", form)
	f.mu.Lock()
	f.replies["/login"] = redirect()
	f.mu.Unlock()
	if status, _, _ := postForm(t, origin+"/login", url.Values{"ua_token": {"t-1"}, "password": {"p"}}); status != 302 {
		t.Errorf("status %d", status)
	}
	if diff := cmp.Diff([]string{preFired, "/login", "/login", postFired}, f.calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if session, ok := h.hosted.get("t-1"); !ok || session.name != "a@x.example" {
		t.Errorf("session %+v %v", session, ok)
	}
}

func TestHostedErrorIsShown(t *testing.T) {
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
			f := newFake(t)
			f.functions = map[string]any{tc.trigger: testFunction}
			f.replies["/login"] = redirect()
			f.invoke = func(w http.ResponseWriter, _ *http.Request, _ []byte) {
				w.Header().Set("X-Amz-Function-Error", "Unhandled")
				_, _ = w.Write([]byte(`{"errorMessage":"<b>no</b>"}`))
			}
			_, origin := edgeBefore(t, f)
			status, header, body := postForm(t, origin+"/login", loginForm())
			if status != 200 || header.Get("Location") != "" {
				t.Errorf("status %d, %v: the code is out", status, header)
			}
			if !strings.Contains(body, ">&lt;b&gt;no&lt;/b&gt;.</p>") || !strings.Contains(body, "<form") {
				t.Errorf("page %s", body)
			}
			if diff := cmp.Diff(tc.want, f.calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
