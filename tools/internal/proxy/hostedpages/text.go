package hostedpages

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// triggerText finds a function's own text within Cognito's.
var triggerText = regexp.MustCompile(`(?s)^\w+ failed with error (.*)$`)

// readable is an error of Cognito as a person should read it: a trigger's own sentence
// without Cognito's text around it, nothing internal, and the pool's word for user names.
func (a appRequest) readable(err error) string {
	var failure *upstream.CognitoError
	if !errors.As(err, &failure) {
		return unavailable
	}
	text := strings.TrimSpace(failure.Message)
	switch failure.Type {
	case "UserLambdaValidationException":
		if m := triggerText.FindStringSubmatch(text); m != nil {
			text = strings.TrimSpace(m[1])
		}
		text = strings.TrimRight(text, ".") + "."
	case "InvalidPasswordException":
		text = choose(text)
	case "UsernameExistsException":
		text = "An account with this " + a.nameWord() + " already exists."
	case "InvalidParameterException":
		switch {
		case strings.Contains(text, "validation error"):
			text = "Please check what you entered."
		case text == "Username should be an email." || strings.HasPrefix(text, "Invalid email address"):
			text = "Please enter a valid email address."
		}
	case "CodeMismatchException", "ExpiredCodeException", "NotAuthorizedException",
		"LimitExceededException", "TooManyRequestsException", "TooManyFailedAttemptsException":
	default:
		text = unavailable
	}
	return a.worded(text)
}

// nameWord is the one word for what people of the pool sign in with, in labels and errors.
func (a appRequest) nameWord() string {
	if a.byAddress() {
		return "email address"
	}
	return "username"
}

// worded is a text of Cognito's with the pool's word for user names.
func (a appRequest) worded(text string) string {
	if text == wrongPassword {
		return "Incorrect " + a.nameWord() + " or password."
	}
	return text
}

// choose rewrites the error for a password that breaks the pool's rules; other texts stay.
func choose(text string) string {
	broken, ok := strings.CutPrefix(text, "Password did not conform with policy: ")
	if !ok {
		return text
	}
	return "Please choose another password: " + strings.TrimRight(broken, ".") + "."
}

const (
	unavailable = "This is not available at the moment. Please try again later."
	// wrongCode is Cognito's text, for every code that does not work.
	wrongCode = "Invalid verification code provided, please try again."
	// wrongPassword is Cognito's text, also for people who do not exist.
	wrongPassword   = "Incorrect username or password."
	passwordsDiffer = "The two passwords differ."
)

// rules are the pool's password rules as one sentence: screen readers run the items of a
// list together.
func rules(pool upstream.Pool) string {
	policy := pool.Policies.PasswordPolicy
	var characters []string
	for _, rule := range []struct {
		on   bool
		text string
	}{
		{policy.RequireLowercase, "a lower-case letter"},
		{policy.RequireUppercase, "an upper-case letter"},
		{policy.RequireNumbers, "a number"},
		{policy.RequireSymbols, "a symbol such as ! or -"},
	} {
		if rule.on {
			characters = append(characters, rule.text)
		}
	}
	if n := len(characters); n > 1 {
		characters = append(characters[:n-2], characters[n-2]+" and "+characters[n-1])
	}
	with := strings.Join(characters, ", ")
	switch {
	case policy.MinimumLength == 0 && with == "":
		return ""
	case policy.MinimumLength == 0:
		return "With " + with + "."
	case with == "":
		return "At least " + strconv.Itoa(policy.MinimumLength) + " characters."
	}
	return "At least " + strconv.Itoa(policy.MinimumLength) + " characters, with " + with + "."
}

// wrongField is the field that an error is about, the other one unless the error names it.
// A limit, or a fault of the system, is about none.
func wrongField(err error, other string) string {
	var failure *upstream.CognitoError
	if !errors.As(err, &failure) {
		return ""
	}
	switch failure.Type {
	case "InvalidPasswordException":
		return "password"
	case "InvalidParameterException":
		if m := namedValue.FindStringSubmatch(failure.Message); m != nil {
			return map[string]string{"password": "password", "username": "username", "confirmationCode": "code"}[m[1]]
		}
	case "UserLambdaValidationException", "UsernameExistsException", "CodeMismatchException", "ExpiredCodeException",
		"NotAuthorizedException", "UserNotFoundException", "AliasExistsException":
	default:
		return ""
	}
	return other
}

// namedValue finds the parameter that a validation error of Cognito is about.
var namedValue = regexp.MustCompile(`Value (?:'[^']*' )?at '(\w+)' failed`)

// showPage answers with a page, its form guarded.
func (p *Pages) showPage(w http.ResponseWriter, r *http.Request, status int, page Page) {
	if page.Action != "" {
		page.Hidden = append(page.Hidden, guard(w, r))
	}
	p.logError(r.Context(), "page not drawn", p.templates.write(w, status, page))
}

// refusePage reports that the link to the page is wrong. It has no link to go on, least of
// all to an address in the request.
func (p *Pages) refusePage(w http.ResponseWriter, status int, text string) {
	p.logError(context.Background(), "page not drawn", p.templates.write(w, status, Page{
		Title: "This link does not work", Problem: text,
		Lead: "Please go back to the app that you came from and try again.",
	}))
}

// refuseReply shows a refusal of the emulator's OAuth endpoints.
func (p *Pages) refuseReply(w http.ResponseWriter, reply *upstream.Answer) {
	var failure struct {
		Code string `json:"error"`
		Text string `json:"error_description"`
	}
	if json.Unmarshal(reply.Body, &failure) != nil || failure.Code == "" {
		p.refusePage(w, http.StatusBadGateway, unavailable)
		return
	}
	text := "The request of the app is not complete"
	switch {
	case strings.HasPrefix(failure.Text, "Session has expired"):
		text = "This took too long, or was already done"
	case strings.HasPrefix(failure.Text, "redirect_uri is not allowed"):
		text, failure.Code = "The app asked to send you to an address that is not registered for it", "redirect_mismatch"
	case failure.Code == "invalid_client":
		text = "The app is not known here"
	case failure.Code == "unauthorized_client":
		text = "The app is not allowed to use these pages"
	}
	p.refusePage(w, reply.Status, text+" ("+failure.Code+").")
}

func (p *Pages) logError(ctx context.Context, what string, err error) {
	if err != nil {
		p.log.ErrorContext(ctx, what, "error", err.Error())
	}
}
