package hostedpages

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// signInSession remembers who began a sign-in whose next page carries only a
// token: choosing a factor, or setting a new password.
type signInSession struct {
	request appRequest
	browser string
	name    string
}

// stepToken finds the token that a page of the emulator passes to the next step.
var stepToken = regexp.MustCompile(`name="(?:ua_token|np_token)" value="([^"]+)"`)

// loginPage shows the first step of the emulator's sign-in.
func (p *Pages) loginPage(w http.ResponseWriter, r *http.Request) {
	given, ok := p.query(w, r)
	if !ok {
		return
	}
	req, ok := p.appRequest(w, r, given)
	if !ok {
		return
	}
	reply := p.authorize(r.Context(), r, req.values)
	p.showSignIn(w, r, signInSession{request: req}, reply, "")
}

// login handles a post of the sign-in page.
func (p *Pages) login(w http.ResponseWriter, r *http.Request) {
	form, ok := p.postedForm(w, r)
	if !ok {
		return
	}
	if token := form.Get("ua_token") + form.Get("np_token"); token != "" {
		session, known := p.sessions.get(token)
		if !known || session.browser != browser(r) {
			p.refusePage(w, http.StatusBadRequest, "This took too long, or was already done (invalid_request).")
			return
		}
		p.signInStep(w, r, session, form, false)
		return
	}
	req, ok := p.appRequest(w, r, form)
	if !ok {
		return
	}
	p.signInStep(w, r, signInSession{request: req, browser: browser(r), name: form.Get("username")}, form, true)
}

// signInStep calls Before on the step that names the user and gives the form to the
// emulator. The redirect with the code waits for the second factor, if there is one.
func (p *Pages) signInStep(w http.ResponseWriter, r *http.Request, session signInSession, form url.Values, first bool) {
	ctx := context.WithoutCancel(r.Context())
	session.request.note(w, session.name)
	req, trace := session.request, r.Header.Get(upstream.TraceHeader)
	if first && p.cfg.Migrate != nil {
		if err := p.cfg.Migrate(ctx, req.client, req.pool, session.name, form.Get("password"), trace); err != nil {
			p.signInError(ctx, w, r, session, err)
			return
		}
	}
	if first {
		if err := p.cfg.Before(ctx, req.client, req.pool, session.name, trace); err != nil {
			p.signInError(ctx, w, r, session, err)
			return
		}
	}
	for name, values := range req.values { // use what was checked
		form[name] = values
	}
	reply := p.postSignIn(ctx, r, form)
	if m := stepToken.FindSubmatch(reply.Body); m != nil {
		p.sessions.put(html.UnescapeString(string(m[1])), session)
	}
	if issuesCode(reply) {
		next, err := p.secondFactor(ctx, session, reply)
		switch {
		case err != nil:
			p.signInError(ctx, w, r, session, err)
		case next != "":
			seeOther(w, next)
		default:
			p.signedIn(ctx, w, r, session, reply)
		}
		return
	}
	if first && p.awaitsConfirmation(w, r, session, form.Get("password"), reply) {
		return
	}
	p.showSignIn(w, r, session, reply, "")
}

// signedIn calls After, and then releases the redirect with the code.
func (p *Pages) signedIn(ctx context.Context, w http.ResponseWriter, r *http.Request, session signInSession, reply *upstream.Answer) {
	req := session.request
	if err := p.cfg.After(ctx, req.client, req.pool, session.name, r.Header.Get(upstream.TraceHeader)); err != nil {
		p.signInError(ctx, w, r, session, err)
		return
	}
	reply.Release(w)
}

// postSignIn sends a form to the emulator's sign-in.
func (p *Pages) postSignIn(ctx context.Context, r *http.Request, form url.Values) *upstream.Answer {
	post := r.Clone(ctx)
	post.Method, post.URL = http.MethodPost, &url.URL{Path: "/login"}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Header.Del("Accept-Encoding") // the answer is read here
	return p.up.Forward(ctx, post, []byte(form.Encode()))
}

// showSignIn redraws the emulator's page; redirects and other answers pass.
func (p *Pages) showSignIn(w http.ResponseWriter, r *http.Request, session signInSession, reply *upstream.Answer, problem string) {
	page, ok := readPage(reply.Body)
	switch {
	case isHTML(reply) && ok:
		dressed := session.dress(page, problem, r.URL.Query().Get("notice"))
		if dressed.Problem != "" && r.Method == http.MethodPost {
			w.Header().Set(upstream.NoteProblem, "true")
		}
		p.showPage(w, r, reply.Status, dressed)
	case reply.Status >= http.StatusBadRequest:
		p.refuseReply(w, reply)
	default:
		reply.Release(w)
	}
}

// dress gives the emulator's form the texts and links of these pages.
func (s signInSession) dress(page Page, problem, notice string) Page {
	req := s.request
	if problem != "" {
		page.Problem = problem
	}
	// The emulator checks the account before the password, so these texts reveal that it exists.
	if req.client.HidesUsers() && (page.Problem == "User is not confirmed." || page.Problem == "User is disabled.") {
		page.Problem = wrongPassword
	}
	page = page.marked(wrongFields(page)...)
	page.Problem = req.worded(choose(page.Problem))
	page.Action, page.GoesTo = "/login", req.values.Get("redirect_uri")
	page.Notice = notices[notice]
	for i := range page.Fields {
		field := &page.Fields[i]
		switch field.Name {
		case "username":
			named := req.nameField(s.name)
			field.Value, field.Label, field.InputMode = named.Value, named.Label, named.InputMode
		case "new_password":
			field.Hint = rules(req.pool)
		case "code":
			page.Local = localCode(upstream.VerificationCode)
		}
	}
	if len(page.Fields) == 0 || page.Fields[0].Name != "username" {
		page.Links = []Link{{Text: "Start again", URL: req.path("/login")}}
		return page
	}
	page.Links = append(page.Links, req.providerLinks()...)
	if !req.pool.AdminCreate.AllowAdminCreateUserOnly {
		page.Links = append(page.Links, Link{Text: "Create an account", URL: req.path("/signup")})
	}
	page.Links = append(page.Links,
		Link{Text: "Forgot your password?", URL: req.path("/forgotPassword")},
		Link{Text: "Enter a confirmation code", URL: req.path("/confirm")})
	return page
}

// wrongFields are the fields of a page of the emulator that its problem is about. A
// password that breaks the pool's rules is typed again, and so is its repetition, which
// was right.
func wrongFields(page Page) (names []string) {
	for _, field := range page.Fields {
		switch {
		case page.Problem == "" || page.Problem == unavailable:
		case field.Name == "confirm_password" && choose(page.Problem) != page.Problem:
		default:
			names = append(names, field.Name)
		}
	}
	return names
}

// notices are the successes that a page may report. They are chosen by name, so that no
// link can put a text on the page.
var notices = map[string]string{
	"confirmed": "Your account is confirmed. Sign in to go on.",
	"reset":     "Your password is changed. Sign in with the new one.",
	"sent":      "A new code is on its way.",
}

// issuesCode reports whether the reply sends the browser back to the app, signed in.
func issuesCode(reply *upstream.Answer) bool {
	to, err := url.Parse(reply.Header.Get("Location"))
	return reply.Status == http.StatusFound && err == nil && to.Query().Get("code") != ""
}

// signInError shows the sign-in page again with the text of the error.
func (p *Pages) signInError(ctx context.Context, w http.ResponseWriter, r *http.Request, session signInSession, err error) {
	p.logUnlessCognito(ctx, "hosted sign-in failed", err)
	p.showSignIn(w, r, session, p.authorize(ctx, r, session.request.values), session.request.readable(err))
}
