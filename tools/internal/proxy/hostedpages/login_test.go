package hostedpages

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

const (
	preFired  = "PreAuthentication_Authentication"
	postFired = "PostAuthentication_Authentication"
)

func loginForm() url.Values {
	return url.Values{"client_id": {"c1"}, "redirect_uri": {upstreamtest.Callback}, "response_type": {"code"}, "username": {"a@x.example"}, "password": {"p"}}
}

func redirect() upstreamtest.Reply {
	return upstreamtest.Reply{Status: 302, Header: http.Header{"Location": {"https://app.example/cb?code=abc&state=s"}}}
}

func htmlReply(body string) upstreamtest.Reply {
	return upstreamtest.Reply{Status: 200, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, Body: body}
}

func isRedirect(status int) bool { return status/100 == 3 }

func TestHostedSignIn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply upstreamtest.Reply
		want  []string
	}{
		"signed_in":      {redirect(), []string{preFired, "/login", postFired}},
		"wrong_password": {htmlReply(upstreamtest.Form("no")), []string{preFired, "/login"}},
		"error_redirect": {upstreamtest.Reply{Status: 302, Header: http.Header{"Location": {"https://app.example/cb?error=invalid_request"}}}, []string{preFired, "/login"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Replies["/login"] = tc.reply
			_, origin := start(t, f)
			status, header, body := postForm(t, origin+"/login", loginForm())
			if status != tc.reply.Status || isRedirect(status) && body != tc.reply.Body || header.Get("Location") != tc.reply.Header.Get("Location") {
				t.Errorf("answer changed: %d %v %s", status, header, body)
			}
			if diff := cmp.Diff(tc.want, f.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHostedMigration: UserMigration gets the password that was typed, before everything else,
// and its error ends the sign-in.
func TestHostedMigration(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fails error
		want  []string
	}{
		"let_in":  {nil, []string{"migrate " + loginForm().Get("username") + " " + loginForm().Get("password"), preFired, "/login", postFired}},
		"refused": {upstream.Refuse("UserNotFoundException", "Exception migrating user"), []string{"migrate " + loginForm().Get("username") + " " + loginForm().Get("password")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Replies["/login"] = redirect()
			pages, origin := start(t, f)
			pages.cfg.Migrate = func(_ context.Context, _ upstream.AppClient, _ upstream.Pool, name, password, _ string) error {
				f.Note("migrate " + name + " " + password)
				return tc.fails
			}
			postForm(t, origin+"/login", loginForm())
			if diff := cmp.Diff(tc.want, f.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// Later steps of a sign-in carry only a token; the person is the one of the first.
func TestHostedSignInInSteps(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	pages, origin := start(t, f)
	f.Replies["/login"] = htmlReply(`<form><input type="hidden" name="ua_token" value="t-1"></form>`)
	form := loginForm()
	form.Set("auth_flow", "USER_AUTH")
	postForm(t, origin+"/login", form)
	f.Replies["/login"] = redirect()
	if status, _, _ := postForm(t, origin+"/login", url.Values{"ua_token": {"t-1"}, "password": {"p"}}); status != 302 {
		t.Errorf("status %d", status)
	}
	if diff := cmp.Diff([]string{preFired, "/login", "/login", postFired}, f.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if session, ok := pages.sessions.get("t-1"); !ok || session.name != "a@x.example" {
		t.Errorf("session %+v %v", session, ok)
	}
}

func TestHostedErrorIsShown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hook string
		want []string
	}{
		"before": {preFired, []string{preFired}},
		"after":  {postFired, []string{preFired, "/login", postFired}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Replies["/login"] = redirect()
			_, origin := start(t, f, tc.hook)
			status, header, body := postForm(t, origin+"/login", loginForm())
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

// The pages note for the trail which user a form is about, and whether it failed.
func TestNotes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, user string
		form       url.Values
		reply      upstreamtest.Reply
		problem    string
	}{
		"signed_in":      {"/login", "a+b@x.example", loginForm(), redirect(), ""},
		"wrong_password": {"/login", "a+b@x.example", loginForm(), htmlReply(upstreamtest.Form("no")), "true"},
		"next_step":      {"/login", "a+b@x.example", loginForm(), htmlReply(`<form><input type="hidden" name="np_token" value="t"></form>`), ""},
		"confirmation":   {"/confirm", "a+b@x.example", url.Values{"code": {"1"}}, upstreamtest.Reply{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Replies["/login"] = tc.reply
			_, origin := start(t, f)
			form := loginForm()
			for field, values := range tc.form {
				form[field] = values
			}
			form.Set("username", tc.user)
			_, header, _ := postForm(t, origin+tc.path, form)
			user, err := url.QueryUnescape(header.Get(upstream.NoteUser))
			if err != nil || user != tc.user || header.Get(upstream.NoteClient) != "c1" || header.Get(upstream.NoteProblem) != tc.problem {
				t.Errorf("notes %v", header)
			}
		})
	}
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	_, header, _ := upstreamtest.Do(t, upstreamtest.Request(t, http.MethodGet, origin+"/login?"+loginForm().Encode(), ""))
	if got := header.Get(upstream.NoteProblem); got != "" {
		t.Errorf("a page that is only shown has the note %q", got)
	}
}
