package proxy

import (
	"net/http"
	"strings"

	"gatehouse.example/tools/internal/hostedpage"
)

// resetCode is what the emulator always sends for a forgotten password.
const resetCode = "654321"

func (h *handler) forgotPage(w http.ResponseWriter, r *http.Request) {
	if req, ok := h.appRequest(w, r, r.URL.Query()); ok {
		h.showPage(w, r, http.StatusOK, req.forgotForm("", ""))
	}
}

func (a appRequest) forgotForm(name, problem string) hostedpage.Page {
	field := a.nameField(name)
	field.Invalid = problem != ""
	return hostedpage.Page{
		Title: "Forgot your password?", Problem: problem, Action: "/forgotPassword", GoesTo: a.values.Get("redirect_uri"), Hidden: a.hidden(),
		Lead:    "Tell us who you are, and we will send you a code to set a new one.",
		Fields:  []hostedpage.Field{field},
		Buttons: []hostedpage.Button{{Text: "Send a code"}},
		Links:   []hostedpage.Link{{Text: "Back to sign in", URL: a.path("/login")}},
	}
}

// forgotPosted goes on to the code whether or not there is somebody to send it to.
func (h *handler) forgotPosted(w http.ResponseWriter, r *http.Request) {
	_, req, _, f, ok := h.codeForm(w, r)
	if !ok {
		return
	}
	if f.name == "" {
		h.showPage(w, r, http.StatusBadRequest, req.forgotForm("", "Please enter whom to send the code to."))
		return
	}
	if err := h.ask(r, "ForgotPassword", req.person(f.name, nil), nil); isLimit(err) {
		h.showPage(w, r, http.StatusBadRequest, req.forgotForm(f.name, readable(err)))
		return
	}
	id := h.flows.add(flow{browser: browser(r), name: f.name})
	seeOther(w, req.path("/confirmforgotPassword", flowField, id))
}

func (h *handler) resetPage(w http.ResponseWriter, r *http.Request) {
	if req, ok := h.appRequest(w, r, r.URL.Query()); ok {
		id, f := h.flowOf(r, r.URL.Query())
		h.showPage(w, r, http.StatusOK, req.resetForm(id, f.name, "", ""))
	}
}

func (a appRequest) resetForm(id, name, problem, field string) hostedpage.Page {
	page := hostedpage.Page{
		Title: "Set a new password", Problem: problem, Action: "/confirmforgotPassword", GoesTo: a.values.Get("redirect_uri"), Hidden: a.hidden(),
		Lead:    "Type the code from the mail that we sent you.",
		Fields:  append([]hostedpage.Field{codeField()}, a.newPasswordFields("New password")...),
		Buttons: []hostedpage.Button{{Text: "Change the password"}},
		Local:   localCode(resetCode),
		Links:   []hostedpage.Link{{Text: "Send a new code", URL: a.path("/forgotPassword")}, {Text: "Back to sign in", URL: a.path("/login")}},
	}
	return a.ofFlow(page, id, name, "If there is an account for "+masked(name)+", we have sent it a code.", field)
}

// resetPosted changes the password; then the person signs in with it.
func (h *handler) resetPosted(w http.ResponseWriter, r *http.Request) {
	form, req, id, f, ok := h.codeForm(w, r)
	if !ok {
		return
	}
	password := form.Get("password")
	if password != form.Get("password_again") {
		h.showPage(w, r, http.StatusBadRequest, req.resetForm(id, f.name, "The two passwords differ.", "password_again"))
		return
	}
	code := strings.Join(strings.Fields(form.Get("code")), "")
	err := h.ask(r, "ConfirmForgotPassword", req.person(f.name, map[string]any{"ConfirmationCode": code, "Password": password}), nil)
	if err != nil {
		h.logUnlessCognito(r.Context(), "password reset", err)
		field := "code"
		if isCognito(err, "InvalidPasswordException") {
			field = "password"
		}
		h.showPage(w, r, http.StatusBadRequest, req.resetForm(id, f.name, codeProblem(err), field))
		return
	}
	h.flows.drop(id)
	seeOther(w, req.path("/login", "notice", "reset"))
}
