package hostedpages

import (
	"net/http"
	"net/url"
	"strings"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// localCode is shown because no mail leaves the machine.
func localCode(code string) string {
	return "no mail leaves this machine. The code is always " + code + "."
}

// form is a page that asks for a code or sends one. The flow's id is empty unless it
// began in this browser; the fields are those that the problem is about.
type form func(a appRequest, id, name, problem string, fields ...string) Page

// formPage shows a form for the first time.
func (p *Pages) formPage(draw form) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given, ok := p.query(w, r)
		if !ok {
			return
		}
		if req, ok := p.appRequest(w, r, given); ok {
			id, f := p.flowOf(r, given)
			page := draw(req, id, f.name, "")
			page.Notice = notices[given.Get("notice")]
			p.showPage(w, r, http.StatusOK, page)
		}
	}
}

// confirmForm asks for the code, and for the name of a person who comes back
// later or in another browser.
func (a appRequest) confirmForm(id, name, problem string, fields ...string) Page {
	page := Page{
		Title: "Confirm your account", Problem: problem, Action: "/confirm", GoesTo: a.values.Get("redirect_uri"), Hidden: a.hidden(),
		Lead:   "Type the code that we sent you.",
		Fields: []Field{codeField()},
		Buttons: []Button{
			{Text: "Confirm"},
			{Text: "Send a new code", Action: "/resendcode", Quiet: true},
		},
		Local: localCode(upstream.VerificationCode),
		Links: []Link{{Text: "Sign in", URL: a.path("/login")}},
	}
	return a.ofFlow(page, id, name, "We sent a code to "+upstream.Masked(name)+". Type it here to finish.", fields)
}

// ofFlow completes a form that asks for a code: in the browser that began the flow
// the lead names where the code was sent, elsewhere the form asks for the name. The
// invalid fields are marked.
func (a appRequest) ofFlow(page Page, id, name, lead string, fields []string) Page {
	if id != "" {
		page.Lead = lead
		page.Hidden = append(page.Hidden, Hidden{Name: flowField, Value: id})
	} else {
		page.Fields = append([]Field{a.nameField(name)}, page.Fields...)
	}
	return page.marked(fields...)
}

// codeForm is a posted form that may hold a code: the app's request, the flow if there is
// one, and the name from either.
type codeForm struct {
	url.Values
	req appRequest
	id  string
	flow
}

// code is the code without the spaces that people copy with it.
func (f codeForm) code() string { return strings.Join(strings.Fields(f.Get("code")), "") }

func (p *Pages) codeForm(w http.ResponseWriter, r *http.Request) (f codeForm, ok bool) {
	f.Values, f.req, ok = p.appForm(w, r)
	if f.id, f.flow = p.flowOf(r, f.Values); ok && f.id == "" {
		f.name = strings.TrimSpace(f.Get("username"))
	}
	f.req.note(w, f.name)
	return f, ok
}

// appForm reads a guarded form and checks the app's request in it.
func (p *Pages) appForm(w http.ResponseWriter, r *http.Request) (form url.Values, req appRequest, ok bool) {
	if form, ok = p.postedForm(w, r); ok {
		req, ok = p.appRequest(w, r, form)
	}
	return form, req, ok
}

func (p *Pages) confirmPosted(w http.ResponseWriter, r *http.Request) {
	f, ok := p.codeForm(w, r)
	if !ok {
		return
	}
	err := p.ask(r, "ConfirmSignUp", f.req.person(f.name, map[string]any{"ConfirmationCode": f.code()}), nil)
	switch {
	case err == nil:
		p.flows.drop(f.id)
		p.signInConfirmed(w, r, f.req, f.flow)
	case f.id != "" && upstream.IsCognito(err, "NotAuthorizedException"): // confirmed meanwhile, for example in another tab
		p.flows.drop(f.id)
		seeOther(w, f.req.path("/login", "notice", "confirmed"))
	default:
		p.logUnlessCognito(r.Context(), "confirmation", err)
		p.showPage(w, r, http.StatusBadRequest, f.req.confirmForm(f.id, f.name, f.req.codeProblem(err), wrongField(err, "code")))
	}
}

// codeProblem is the same for every code that does not work, also for unknown people:
// another text would reveal who has an account.
func (a appRequest) codeProblem(err error) string {
	for _, code := range []string{
		"CodeMismatchException", "ExpiredCodeException", "NotAuthorizedException", "UserNotFoundException", "AliasExistsException",
	} {
		if upstream.IsCognito(err, code) {
			return wrongCode
		}
	}
	return a.readable(err)
}

// signInConfirmed signs in the person who has just confirmed the account that
// they made in this browser; others go to the sign-in page.
func (p *Pages) signInConfirmed(w http.ResponseWriter, r *http.Request, req appRequest, f flow) {
	if f.password == "" {
		seeOther(w, req.path("/login", "notice", "confirmed"))
		return
	}
	form := url.Values{"username": {f.name}, "password": {f.password}}
	p.signInStep(w, r, signInSession{request: req, browser: browser(r), name: f.name}, form, true)
}

// codeSender has Cognito send a code and leads to the page that takes it, whether or not
// the account exists.
func (p *Pages) codeSender(action string, draw form, next string, more ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, ok := p.codeForm(w, r)
		if !ok {
			return
		}
		if f.name == "" {
			p.showPage(w, r, http.StatusBadRequest, draw(f.req, f.id, "", "Please enter your "+f.req.nameWord()+".", "username"))
			return
		}
		if err := p.ask(r, action, f.req.person(f.name, nil), nil); isLimit(err) {
			p.showPage(w, r, http.StatusBadRequest, draw(f.req, f.id, f.name, f.req.readable(err)))
			return
		}
		if f.id == "" {
			f.id = p.flows.add(flow{browser: browser(r), name: f.name})
		}
		seeOther(w, f.req.path(next, append(more, flowField, f.id)...))
	}
}

func isLimit(err error) bool {
	return upstream.IsCognito(err, "LimitExceededException") || upstream.IsCognito(err, "TooManyRequestsException")
}
