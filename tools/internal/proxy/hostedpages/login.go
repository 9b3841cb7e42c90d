package proxy

// Gap: the hosted sign-in page fires neither PreAuthentication nor
// PostAuthentication. Delete this file when the emulator fires them.

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"gatehouse.example/tools/internal/hostedpage"
)

// hostedSession remembers who began a sign-in whose next page carries only a
// token: choosing a factor, or setting a new password.
type hostedSession struct {
	request appRequest
	browser string
	name    string
}

// hostedToken finds the token that a page of the emulator hands to the next step.
var hostedToken = regexp.MustCompile(`name="(?:ua_token|np_token)" value="([^"]+)"`)

// loginPage shows the first step of the emulator's sign-in.
func (h *handler) loginPage(w http.ResponseWriter, r *http.Request) {
	req, ok := h.appRequest(w, r, r.URL.Query())
	if !ok {
		return
	}
	reply := h.authorize(r.Context(), r, req.values)
	h.showSignIn(w, r, hostedSession{request: req}, reply, "")
}

// login handles a post of the sign-in page.
func (h *handler) login(w http.ResponseWriter, r *http.Request) {
	form, ok := h.postedForm(w, r)
	if !ok || !h.guarded(w, r, form) {
		return
	}
	if token := form.Get("ua_token") + form.Get("np_token"); token != "" {
		session, known := h.hosted.get(token)
		if !known || session.browser != browser(r) {
			h.refusePage(w, http.StatusBadRequest, "This took too long, or was already done (invalid_request).")
			return
		}
		h.signInStep(w, r, session, form, false)
		return
	}
	req, ok := h.appRequest(w, r, form)
	if !ok {
		return
	}
	h.signInStep(w, r, hostedSession{request: req, browser: browser(r), name: form.Get("username")}, form, true)
}

// signInStep fires PreAuthentication on the step that names the user, hands the
// form to the emulator, and fires PostAuthentication before the redirect with the
// code is let go.
func (h *handler) signInStep(w http.ResponseWriter, r *http.Request, session hostedSession, form url.Values, first bool) {
	ctx := context.WithoutCancel(r.Context())
	req, trace := session.request, r.Header.Get(traceHeader)
	if first {
		if err := h.preAuthenticate(ctx, req.client, req.pool, session.name, nil, trace); err != nil {
			h.signInError(ctx, w, r, session, err)
			return
		}
	}
	for name, values := range req.values { // what was checked is what is used
		form[name] = values
	}
	reply := h.postSignIn(ctx, r, form)
	if m := hostedToken.FindSubmatch(reply.body.Bytes()); m != nil {
		h.hosted.put(html.UnescapeString(string(m[1])), session)
	}
	if issuesCode(reply) {
		if err := h.hostedSignedIn(ctx, req.client, req.pool, session, trace); err != nil {
			h.signInError(ctx, w, r, session, err)
			return
		}
	}
	if first && h.awaitsConfirmation(w, r, session, form.Get("password"), reply) {
		return
	}
	h.showSignIn(w, r, session, reply, "")
}

// postSignIn hands a form to the emulator's sign-in.
func (h *handler) postSignIn(ctx context.Context, r *http.Request, form url.Values) *answer {
	post := r.Clone(ctx)
	post.Method, post.URL = http.MethodPost, &url.URL{Path: "/login"}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Header.Del("Accept-Encoding") // the edge reads the answer
	return h.forward(ctx, post, []byte(form.Encode()))
}

// showSignIn draws the emulator's page anew; redirects and the like pass.
func (h *handler) showSignIn(w http.ResponseWriter, r *http.Request, session hostedSession, reply *answer, problem string) {
	page, ok := hostedpage.Read(reply.body.Bytes())
	switch {
	case isHTML(reply) && ok:
		h.showPage(w, r, reply.status, session.dress(page, problem, r.URL.Query().Get("notice")))
	case reply.status >= http.StatusBadRequest:
		h.refuseReply(w, reply)
	default:
		reply.release(w)
	}
}

// dress puts the emulator's form into the words and links of these pages.
func (s hostedSession) dress(page hostedpage.Page, problem, notice string) hostedpage.Page {
	req := s.request
	if problem != "" {
		page.Problem = problem
	}
	if req.client.hidesUsers() && hides(page.Problem) {
		page.Problem = wrongPassword
	}
	page.Problem = choose(page.Problem)
	page.Action, page.GoesTo = "/login", req.values.Get("redirect_uri")
	page.Notice = notices(notice)
	for i := range page.Fields {
		field := &page.Fields[i]
		switch field.Name {
		case "username":
			field.Value = s.name
			if req.byAddress() {
				field.Label, field.InputMode = "Email address", "email"
			}
		case "new_password":
			field.Hints = req.pool.rules()
		case "code":
			page.Local = localCode(verificationCode)
		}
		field.Invalid = page.Problem != ""
	}
	if len(page.Fields) == 0 || page.Fields[0].Name != "username" {
		page.Links = []hostedpage.Link{{Text: "Start again", URL: req.path("/login")}}
		return page
	}
	if !req.pool.AdminCreate.AllowAdminCreateUserOnly {
		page.Links = append(page.Links, hostedpage.Link{Text: "Create an account", URL: req.path("/signup")})
	}
	page.Links = append(page.Links,
		hostedpage.Link{Text: "Forgot your password?", URL: req.path("/forgotPassword")},
		hostedpage.Link{Text: "Enter a confirmation code", URL: req.path("/confirm")})
	return page
}

// notices are the good news that a page may begin with. They are chosen by name,
// so that no link can put words on the page.
func notices(name string) string {
	switch name {
	case "confirmed":
		return "Your account is confirmed. Sign in to go on."
	case "reset":
		return "Your password is changed. Sign in with the new one."
	case "sent":
		return "A new code is on its way."
	}
	return ""
}

// hostedSignedIn fires PostAuthentication for the person who filled in the page.
func (h *handler) hostedSignedIn(ctx context.Context, cl client, p pool, session hostedSession, trace string) error {
	u, found, err := h.dir.user(ctx, p.ID, session.name)
	if err != nil || !found {
		return err
	}
	return h.signedIn(ctx, cl, p, u.Name, nil, trace)
}

// issuesCode tells whether the reply sends the browser back to the app, signed in.
func issuesCode(reply *answer) bool {
	if reply.status != http.StatusFound {
		return false
	}
	to, err := url.Parse(reply.header.Get("Location"))
	return err == nil && to.Query().Get("code") != ""
}

// signInError shows the sign-in page again with the text of the error.
func (h *handler) signInError(ctx context.Context, w http.ResponseWriter, r *http.Request, session hostedSession, err error) {
	if strings.HasPrefix(err.Error(), "edge: ") {
		h.logError(ctx, "hosted sign-in failed", err)
	}
	h.showSignIn(w, r, session, h.authorize(ctx, r, session.request.values), readable(err))
}
