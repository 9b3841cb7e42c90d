package hostedpages

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The forms are the emulator's own, shortened.
func TestRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want Page
	}{
		"sign_in": {
			`<div class="card"><h1>Sign in</h1><div class="error">Incorrect &lt;b&gt;</div>
<form method="POST" action="/login"><input type="hidden" name="state" value="a&amp;b"><label for="username">Username</label>
<input type="text" id="username" name="username" autocomplete="username" required autofocus><button type="submit">Sign in</button></form></div>`,
			Page{
				Title: "Sign in", Problem: "Incorrect <b>", Action: "/login", Hidden: []Hidden{{"state", "a&b"}},
				Fields:  []Field{{Name: "username", Label: "Username", Type: "text", Autocomplete: "username"}},
				Buttons: []Button{{Text: "Sign in"}},
			},
		},
		"choice": {
			`<h1>Choose how to sign in</h1><form method="POST" action="/login"><input type="hidden" name="ua_token" value="t">
<button type="submit" name="challenge" value="PASSWORD">Password</button><button type="submit" name="challenge" value="EMAIL_OTP">Email code</button></form>`,
			Page{
				Title: "Choose how to sign in", Action: "/login", Hidden: []Hidden{{"ua_token", "t"}},
				Buttons: []Button{{Text: "Password", Name: "challenge", Value: "PASSWORD"}, {Text: "Email code", Name: "challenge", Value: "EMAIL_OTP"}},
			},
		},
	} {
		got, ok := readPage([]byte(tc.body))
		if diff := cmp.Diff(tc.want, got); diff != "" || !ok {
			t.Errorf("%s: %v (-want +got):\n%s", name, ok, diff)
		}
	}
	if _, ok := readPage([]byte(`{"error":"invalid_client"}`)); ok {
		t.Error("JSON is not a form")
	}
}

// FuzzRead: whatever the emulator sends, the page drawn of it runs nothing and
// posts nowhere else.
func FuzzRead(f *testing.F) {
	pages, err := newTemplates("../../../..")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`<h1>"><script>x</script></h1><form action="javascript:x"><input name="a&quot; onfocus=x"><button formaction="//x">b</button></form>`))
	f.Add([]byte(`<form><label for=a>&lt;img src=x onerror=y&gt;</label><input id=a name=a type=text></form>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page, ok := readPage(body)
		if !ok {
			return
		}
		page.Action = "/login" // as the proxy does
		w := httptest.NewRecorder()
		if err := pages.write(w, 200, page); err != nil {
			t.Fatal(err)
		}
		drawn, ok := readPage(w.Body.Bytes())
		if !ok || drawn.Action != "/login" || len(drawn.Fields) != len(page.Fields) || len(drawn.Hidden) != len(page.Hidden) {
			t.Errorf("%q became %+v", body, drawn)
		}
		if lower := strings.ToLower(w.Body.String()); strings.Contains(lower, "<script") || strings.Contains(lower, "<img src=x") {
			t.Errorf("markup came through: %s", w.Body)
		}
	})
}

func TestFormAction(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"":                             "'self'",
		"https://app.example/cb?x=1":   "'self' https://app.example",
		"http://127.0.0.1:8400/cb":     "'self' http://127.0.0.1:8400",
		"myapp://callback":             "'self' myapp:",
		"https://a.example; script/x":  "'self'",
		"https://a.example,b.example/": "'self'",
		"::":                           "'self'",
	} {
		if got := formAction(to); got != want {
			t.Errorf("%q: %s, want %s", to, got, want)
		}
	}
}
