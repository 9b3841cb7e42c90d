package e2e

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/e2e/chromium"
)

// appRequest is what a well-behaved app sends people to the pages with.
func (s *system) appRequest(more ...string) string {
	q := url.Values{
		"client_id": {s.env["WEB_CLIENT_ID"]}, "redirect_uri": {"http://127.0.0.1:8400/callback"},
		"response_type": {"code"}, "scope": {"openid email"}, "state": {"s"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q.Encode()
}

// TestBrowserPagesForEverybody looks at each page, and at each with an error, on
// a narrow phone: nothing to scroll sideways, and everything has a name for
// people who hear the page.
func TestBrowserPagesForEverybody(t *testing.T) {
	t.Parallel()
	s := start(t)
	w := openWindow(t, 360, 740)
	origin, wrong := s.env["HOSTED_UI_URL"], "A-very-long-name-that-does-not-fit-on-one-line-of-a-phone@mailinator.com"
	for _, page := range []struct {
		path, heading string
		fail          func()
	}{
		{"/login?" + s.appRequest(), "Sign in", func() { w.signIn(wrong, password) }},
		{"/signup?" + s.appRequest(), "Create an account", func() { w.signUp(wrong) }},
		{"/signup?" + s.appRequest("state", "hint"), "Create an account", func() {
			w.must(w.Fill("Email address", "a@gatehouse.test"), w.Fill("Password", "short"), w.Fill("Password, again", "short"), w.Click("Sign up"))
			w.must(w.Says("Please choose another password: "))
			w.describes("Password", "Please choose another password: ", ". At least 12 characters, with ")
		}},
		{"/confirm?" + s.appRequest(), "Confirm your account", func() {
			w.must(w.Fill("Email address", wrong), w.Fill("Code", "1"), w.Click("Confirm"))
		}},
		{"/forgotPassword?" + s.appRequest(), "Forgot your password?", nil},
		{"/confirmforgotPassword?" + s.appRequest(), "Set a new password", func() {
			w.must(w.Fill("Email address", wrong), w.Fill("Code", "1"), w.Fill("New password", "a"), w.Fill("New password, again", "b"), w.Click("Change the password"))
		}},
		{"/login?" + s.appRequest("redirect_uri", "https://evil.example/"), "This link does not work", nil},
		{"/login", "This link does not work", nil},
		{"/app", "Welcome", nil},
	} {
		t.Run(page.path[:strings.IndexAny(page.path+"?", "?")], func(t *testing.T) {
			w := window{w.Browser, t}
			w.must(w.Visit(origin+page.path), w.Heading(page.heading))
			w.fitsEverybody()
			if page.fail == nil {
				return
			}
			page.fail()
			w.must(w.Until(`document.querySelector("[role=alert]")`), w.Heading(page.heading))
			w.fitsEverybody()
			w.tellsTheProblem()
		})
	}
}

// TestBrowserSignedInOnAPhone looks at the page with the most content.
func TestBrowserSignedInOnAPhone(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	w := openWindow(t, 360, 740)
	w.must(w.Visit(s.env["AWS_ENDPOINT_URL"]+"/app"), w.Heading("Welcome"), w.Click("Sign in"))
	w.signIn(p.Email, password)
	w.must(w.Heading("You are signed in"), w.Says(p.Sub))
	w.fitsEverybody()
	w.must(w.Until(`/Valid until\n.*\d\d:\d\d:\d\d (UTC|GMT|[A-Z]+)/.test(document.body.innerText)`))
}

func (w window) fitsEverybody() {
	t := w.t
	t.Helper()
	type facts struct {
		Lang, Title          string
		H1, Mains, Unlabeled int
		Width, Room, Small   int
		Foreign              []string
	}
	got, err := chromium.Script[facts](w.Browser, `({
		Lang: document.documentElement.lang, Title: document.title,
		H1: document.querySelectorAll("h1").length, Mains: document.querySelectorAll("main").length,
		Unlabeled: [...document.querySelectorAll("input:not([type=hidden])")].filter((i) => !i.labels.length || !i.autocomplete).length,
		Width: document.documentElement.scrollWidth, Room: document.documentElement.clientWidth,
		Small: [...document.querySelectorAll("button, .button, input:not([type=hidden])")].filter((e) => e.offsetParent && e.getBoundingClientRect().height < 44).length,
		Foreign: performance.getEntriesByType("resource").map((e) => e.name).filter((n) => !n.startsWith(location.origin)),
	})`)
	w.must(err)
	if got.Lang != "en" || got.Title == "" || got.H1 != 1 || got.Mains != 1 || got.Unlabeled != 0 || got.Small != 0 || len(got.Foreign) != 0 {
		t.Errorf("%+v", got)
	}
	if got.Width > got.Room {
		t.Errorf("the page is %d wide and has %d", got.Width, got.Room)
	}
	nodes, err := w.Nodes()
	w.must(err)
	var headings int
	for _, n := range nodes {
		if n.Role == "heading" {
			headings++
		}
		if slices.Contains([]string{"textbox", "button", "link", "heading"}, n.Role) && n.Name == "" {
			t.Errorf("a %s without a name", n.Role)
		}
	}
	if headings == 0 {
		t.Error("a screen reader finds no heading")
	}
}

// describes: a screen reader reads these texts with the field.
func (w window) describes(field string, texts ...string) {
	w.t.Helper()
	nodes, err := w.Nodes()
	w.must(err)
	for _, n := range nodes {
		if n.Role == "textbox" && n.Name == field {
			for _, text := range texts {
				if !strings.Contains(n.Description, text) {
					w.t.Errorf("%s is described as %q, without %q", field, n.Description, text)
				}
			}
			return
		}
	}
	w.t.Errorf("no field %q", field)
}

// tellsTheProblem: the problem is announced, belongs to the field, and that field
// has the focus.
func (w window) tellsTheProblem() {
	w.t.Helper()
	nodes, err := w.Nodes()
	w.must(err)
	if !slices.ContainsFunc(nodes, func(n chromium.Node) bool { return n.Role == "alert" }) {
		w.t.Error("the problem is not announced")
	}
	problem, err := chromium.Script[string](w.Browser, `document.querySelector("[role=alert]").textContent`)
	w.must(err)
	described := slices.ContainsFunc(nodes, func(n chromium.Node) bool { return n.Role == "textbox" && strings.Contains(n.Description, problem) })
	if problem == "" || !described {
		w.t.Errorf("no field says %q: %+v", problem, nodes)
	}
	w.must(w.Until(`document.activeElement.getAttribute("aria-invalid") === "true"`), w.Until(`document.title.startsWith("Error: ")`))
}
