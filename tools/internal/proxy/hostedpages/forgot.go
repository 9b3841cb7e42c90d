package hostedpages

import (
	"net/http"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// resetCode is what the emulator always sends for a forgotten password.
const resetCode = upstream.ResetCode

func (a appRequest) forgotForm(_, name, problem string, fields ...string) Page {
	page := Page{
		Title: "Forgot your password?", Problem: problem, Action: "/forgotPassword", GoesTo: a.values.Get("redirect_uri"), Hidden: a.hidden(),
		Lead:    "Tell us who you are, and we will send you a code to set a new one.",
		Fields:  []Field{a.nameField(name)},
		Buttons: []Button{{Text: "Send a code"}},
		Links:   []Link{{Text: "Back to sign in", URL: a.path("/login")}},
	}
	return page.marked(fields...)
}

func (a appRequest) resetForm(id, name, problem string, fields ...string) Page {
	page := Page{
		Title: "Set a new password", Problem: problem, Action: "/confirmforgotPassword", GoesTo: a.values.Get("redirect_uri"), Hidden: a.hidden(),
		Lead:    "Type the code that we sent you.",
		Fields:  append([]Field{codeField()}, a.newPasswordFields("New password")...),
		Buttons: []Button{{Text: "Change the password"}},
		Local:   localCode(resetCode),
		Links:   []Link{{Text: "Send a new code", URL: a.path("/forgotPassword")}, {Text: "Back to sign in", URL: a.path("/login")}},
	}
	return a.ofFlow(page, id, name, "If there is an account for "+upstream.Masked(name)+", we have sent it a code.", fields)
}

// resetPosted changes the password; then the person signs in with it.
func (p *Pages) resetPosted(w http.ResponseWriter, r *http.Request) {
	f, ok := p.codeForm(w, r)
	if !ok {
		return
	}
	if f.Get("password") != f.Get("password_again") {
		p.showPage(w, r, http.StatusBadRequest, f.req.resetForm(f.id, f.name, passwordsDiffer, bothPasswords()...))
		return
	}
	in := map[string]any{"ConfirmationCode": f.code(), "Password": f.Get("password")}
	if err := p.ask(r, "ConfirmForgotPassword", f.req.person(f.name, in), nil); err != nil {
		p.logUnlessCognito(r.Context(), "password reset", err)
		p.showPage(w, r, http.StatusBadRequest, f.req.resetForm(f.id, f.name, f.req.codeProblem(err), wrongField(err, "code")))
		return
	}
	p.flows.drop(f.id)
	seeOther(w, f.req.path("/login", "notice", "reset"))
}
