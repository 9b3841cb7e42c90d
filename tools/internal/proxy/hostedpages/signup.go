package hostedpages

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"gatehouse.example/lambdakit/language"
	"gatehouse.example/tools/internal/proxy/upstream"
)

// flow is what the proxy remembers between a form that makes Cognito send a code
// and the form that the code goes into. It belongs to one browser. So no
// URL contains the address.
type flow struct {
	browser string
	name    string
	// password is kept until the account is confirmed, because the first
	// confirmation signs the person in, as on AWS.
	password string
}

const flowField = "flow"

// flowOf finds the flow that a page belongs to, if it began in this browser.
func (p *Pages) flowOf(r *http.Request, given url.Values) (id string, f flow) {
	id = given.Get(flowField)
	f, ok := p.flows.get(id)
	if !ok || f.browser == "" || f.browser != browser(r) {
		return "", flow{}
	}
	return id, f
}

// The names of the fields are Cognito's, so that password managers know them.
func (a appRequest) nameField(value string) Field {
	word := a.nameWord()
	f := Field{Name: "username", Label: strings.ToUpper(word[:1]) + word[1:], Type: "text", Autocomplete: "username", Value: value}
	if a.byAddress() {
		f.InputMode = "email" // and not the type: browsers rewrite international addresses in such fields
	}
	return f
}

func codeField() Field {
	return Field{Name: "code", Label: "Code", Type: "text", Autocomplete: "one-time-code", InputMode: "numeric"}
}

func (a appRequest) newPasswordFields(label string) []Field {
	return []Field{
		{Name: "password", Label: label, Type: "password", Autocomplete: "new-password", Hint: rules(a.pool)},
		{Name: "password_again", Label: label + ", again", Type: "password", Autocomplete: "new-password"},
	}
}

// bothPasswords are the fields to fill in again when they differ.
func bothPasswords() []string { return []string{"password", "password_again"} }

func (p *Pages) signUpPage(w http.ResponseWriter, r *http.Request) {
	given, ok := p.query(w, r)
	if !ok {
		return
	}
	if req, ok := p.appRequest(w, r, given); ok && p.mayJoin(w, req) {
		p.showPage(w, r, http.StatusOK, req.signUpForm("", ""))
	}
}

// mayJoin reports whether people may sign themselves up to the pool.
func (p *Pages) mayJoin(w http.ResponseWriter, req appRequest) bool {
	if req.pool.AdminCreate.AllowAdminCreateUserOnly {
		p.refusePage(w, http.StatusForbidden, "Accounts are created by an administrator here.")
		return false
	}
	return true
}

func (a appRequest) signUpForm(name, problem string, fields ...string) Page {
	page := Page{
		Title: "Create an account", Problem: problem, Action: "/signup", GoesTo: a.values.Get("redirect_uri"), Hidden: a.hidden(),
		Fields:  append([]Field{a.nameField(name)}, a.newPasswordFields("Password")...),
		Buttons: []Button{{Text: "Sign up"}},
		Links:   []Link{{Text: "I have an account: sign in", URL: a.path("/login")}},
	}
	return page.marked(fields...)
}

func (p *Pages) signUpPosted(w http.ResponseWriter, r *http.Request) {
	form, req, ok := p.appForm(w, r)
	if !ok || !p.mayJoin(w, req) {
		return
	}
	name, password := strings.TrimSpace(form.Get("username")), form.Get("password")
	if password != form.Get("password_again") {
		p.showPage(w, r, http.StatusBadRequest, req.signUpForm(name, passwordsDiffer, bothPasswords()...))
		return
	}
	in := req.person(name, map[string]any{"Password": password})
	if req.byAddress() {
		in["UserAttributes"] = []upstream.Attribute{{Name: "email", Value: name}}
	}
	var out struct{ UserConfirmed bool }
	if err := p.ask(r, "SignUp", in, &out); err != nil {
		p.logUnlessCognito(r.Context(), "sign-up", err)
		page := req.signUpForm(name, req.readable(err), wrongField(err, "username"))
		if upstream.IsCognito(err, "UserLambdaValidationException") {
			page.ProblemLang = language.Of(req.language)
		}
		if upstream.IsCognito(err, "UsernameExistsException") {
			page.Links = append(page.Links, Link{Text: "Forgot your password?", URL: req.path("/forgotPassword")})
		}
		p.showPage(w, r, http.StatusBadRequest, page)
		return
	}
	if out.UserConfirmed {
		p.signInConfirmed(w, r, req, flow{name: name, password: password})
		return
	}
	id := p.flows.add(flow{browser: browser(r), name: name, password: password})
	seeOther(w, req.path("/confirm", flowField, id))
}

// awaitsConfirmation leads a person who signed up in this browser, and now signs
// in with the same password, to the code. Nobody else learns that the account
// waits for one.
func (p *Pages) awaitsConfirmation(w http.ResponseWriter, r *http.Request, session signInSession, password string, reply *upstream.Answer) bool {
	page, ok := readPage(reply.Body)
	if !ok || page.Problem != "User is not confirmed." {
		return false
	}
	id, ok := p.flows.find(func(f flow) bool {
		return f.browser != "" && f.browser == browser(r) && f.name == session.name && f.password != "" && f.password == password
	})
	if ok {
		seeOther(w, session.request.path("/confirm", flowField, id))
	}
	return ok
}

// logUnlessCognito logs errors that no user caused.
func (p *Pages) logUnlessCognito(ctx context.Context, what string, err error) {
	if failure := (*upstream.CognitoError)(nil); !errors.As(err, &failure) {
		p.logError(ctx, what, err)
	}
}

// seeOther answers a form with the next page, so that going back or reloading
// sends nothing again.
func seeOther(w http.ResponseWriter, to string) { leadTo(w, http.StatusSeeOther, to) }

func leadTo(w http.ResponseWriter, status int, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(status)
}
