package proxy

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"gatehouse.example/tools/internal/hostedpage"
)

// flow is what the edge remembers between a form that makes Cognito send a code
// and the form that the code goes into. It belongs to one browser. The address
// thus stands in no URL.
type flow struct {
	browser string
	name    string
	// password is kept until the account is confirmed, because the first
	// confirmation signs the person in, as on AWS.
	password string
}

const flowField = "flow"

// flowOf finds the flow that a page belongs to, if it began in this browser.
func (h *handler) flowOf(r *http.Request, given url.Values) (id string, f flow) {
	id = given.Get(flowField)
	f, ok := h.flows.get(id)
	if !ok || f.browser == "" || f.browser != browser(r) {
		return "", flow{}
	}
	return id, f
}

// The names of the fields are Cognito's, so that password managers know them.
func (a appRequest) nameField(value string) hostedpage.Field {
	f := hostedpage.Field{Name: "username", Label: "Username", Type: "text", Autocomplete: "username", Value: value}
	if a.byAddress() {
		// Not of type email: browsers rewrite international addresses in those.
		f.Label, f.InputMode = "Email address", "email"
	}
	return f
}

func codeField() hostedpage.Field {
	return hostedpage.Field{Name: "code", Label: "Code", Type: "text", Autocomplete: "one-time-code", InputMode: "numeric"}
}

func (a appRequest) newPasswordFields(label string) []hostedpage.Field {
	return []hostedpage.Field{
		{Name: "password", Label: label, Type: "password", Autocomplete: "new-password", Hints: a.pool.rules()},
		{Name: "password_again", Label: label + ", again", Type: "password", Autocomplete: "new-password"},
	}
}

func (h *handler) signUpPage(w http.ResponseWriter, r *http.Request) {
	if req, ok := h.appRequest(w, r, r.URL.Query()); ok && h.mayJoin(w, req) {
		h.showPage(w, r, http.StatusOK, req.signUpForm("", "", ""))
	}
}

// mayJoin tells whether the pool takes people who come by themselves.
func (h *handler) mayJoin(w http.ResponseWriter, req appRequest) bool {
	if req.pool.AdminCreate.AllowAdminCreateUserOnly {
		h.refusePage(w, http.StatusForbidden, "Accounts are created by an administrator here.")
		return false
	}
	return true
}

func (a appRequest) signUpForm(name, problem, field string) hostedpage.Page {
	page := hostedpage.Page{
		Title: "Create an account", Problem: problem, Action: "/signup", GoesTo: a.values.Get("redirect_uri"), Hidden: a.hidden(),
		Fields:  append([]hostedpage.Field{a.nameField(name)}, a.newPasswordFields("Password")...),
		Buttons: []hostedpage.Button{{Text: "Sign up"}},
		Links:   []hostedpage.Link{{Text: "I have an account: sign in", URL: a.path("/login")}},
	}
	for i := range page.Fields {
		page.Fields[i].Invalid = page.Fields[i].Name == field
	}
	return page
}

func (h *handler) signUpPosted(w http.ResponseWriter, r *http.Request) {
	form, ok := h.postedForm(w, r)
	if !ok || !h.guarded(w, r, form) {
		return
	}
	req, ok := h.appRequest(w, r, form)
	if !ok || !h.mayJoin(w, req) {
		return
	}
	name, password := strings.TrimSpace(form.Get("username")), form.Get("password")
	if password != form.Get("password_again") {
		h.showPage(w, r, http.StatusBadRequest, req.signUpForm(name, "The two passwords differ.", "password_again"))
		return
	}
	in := req.person(name, map[string]any{"Password": password})
	if req.byAddress() {
		in["UserAttributes"] = []attribute{{"email", name}}
	}
	var out struct{ UserConfirmed bool }
	if err := h.ask(r, "SignUp", in, &out); err != nil {
		h.logUnlessCognito(r.Context(), "sign-up", err)
		field := "username"
		if isCognito(err, "InvalidPasswordException") {
			field = "password"
		}
		page := req.signUpForm(name, readable(err), field)
		if isCognito(err, "UsernameExistsException") {
			page.Links = append(page.Links, hostedpage.Link{Text: "Forgot your password?", URL: req.path("/forgotPassword")})
		}
		h.showPage(w, r, http.StatusBadRequest, page)
		return
	}
	if out.UserConfirmed {
		h.signInConfirmed(w, r, req, flow{name: name, password: password})
		return
	}
	id := h.flows.add(flow{browser: browser(r), name: name, password: password})
	seeOther(w, req.path("/confirm", flowField, id))
}

// awaitsConfirmation leads a person who signed up in this browser, and now signs
// in with the same password, to the code. Nobody else is told that the account
// waits for one.
func (h *handler) awaitsConfirmation(w http.ResponseWriter, r *http.Request, session hostedSession, password string, reply *answer) bool {
	page, ok := hostedpage.Read(reply.body.Bytes())
	if !ok || page.Problem != "User is not confirmed." {
		return false
	}
	id, ok := h.flows.find(func(f flow) bool {
		return f.browser != "" && f.browser == browser(r) && f.name == session.name && f.password != "" && f.password == password
	})
	if ok {
		seeOther(w, session.request.path("/confirm", flowField, id))
	}
	return ok
}

func isCognito(err error, code string) bool {
	var failure *cognitoError
	return errors.As(err, &failure) && failure.Type == code
}

// logUnlessCognito logs what no person caused.
func (h *handler) logUnlessCognito(ctx context.Context, what string, err error) {
	if failure := (*cognitoError)(nil); !errors.As(err, &failure) {
		h.logError(ctx, what, err)
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
