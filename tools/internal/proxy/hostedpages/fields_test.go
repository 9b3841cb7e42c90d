package hostedpages

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

var inputs = regexp.MustCompile(`<input id="(\w+)"[^>]*>`)

// read is what a drawn page says about its fields: which are invalid, with what describes
// them, and which has the focus.
func read(body string) string {
	var out []string
	for _, m := range inputs.FindAllStringSubmatch(body, -1) {
		field := m[1]
		if strings.Contains(m[0], ` aria-invalid="true"`) {
			field += "!"
		}
		if d := regexp.MustCompile(`aria-describedby="([^"]*)"`).FindStringSubmatch(m[0]); d != nil {
			field += "(" + d[1] + ")"
		}
		if strings.Contains(m[0], " autofocus") {
			field += "*"
		}
		out = append(out, field)
	}
	return strings.Join(out, " ")
}

// The field that was wrong is marked, is described by the problem, and has the focus.
func TestWrongFields(t *testing.T) {
	t.Parallel()
	invalid := func(parameter string) upstreamtest.Reply {
		return failing("InvalidParameterException", "1 validation error detected: Value at '"+parameter+"' failed to satisfy constraint: x")
	}
	newPassword := func(problem string) upstreamtest.Reply {
		return htmlReply(`<div class="error">` + problem + `</div><form><input type="hidden" name="np_token" value="t">
			<input id="new_password" name="new_password" type="password"><input id="confirm_password" name="confirm_password" type="password"></form>`)
	}
	const (
		fresh    = "username password(password-hint)* password_again"
		password = "username password!(problem password-hint)* password_again"
		address  = "username!(problem)* password(password-hint) password_again"
		reset    = "username code* password(password-hint) password_again"
	)
	for name, tc := range map[string]struct {
		path, action string
		reply        upstreamtest.Reply
		again, want  string
	}{
		"password_policy":      {"/signup", "SignUp", failing("InvalidPasswordException", "x"), "p", password},
		"password_too_long":    {"/signup", "SignUp", invalid("password"), "p", password},
		"address_too_long":     {"/signup", "SignUp", invalid("username"), "p", address},
		"address_taken":        {"/signup", "SignUp", failing("UsernameExistsException", "x"), "p", address},
		"address_refused":      {"/signup", "SignUp", failing("UserLambdaValidationException", "PreSignUp failed with error No."), "p", address},
		"not_an_address":       {"/signup", "SignUp", failing("InvalidParameterException", "Invalid email address format."), "p", address},
		"limit":                {"/signup", "SignUp", failing("LimitExceededException", "x"), "p", fresh},
		"trigger_failed":       {"/signup", "SignUp", failing("UnexpectedLambdaException", "x"), "p", fresh},
		"passwords_differ":     {"/signup", "SignUp", upstreamtest.Reply{}, "q", "username password!(problem password-hint)* password_again!(problem)"},
		"code":                 {"/confirm", "ConfirmSignUp", failing("CodeMismatchException", "x"), "p", "username code!(problem)*"},
		"code_too_long":        {"/confirm", "ConfirmSignUp", invalid("confirmationCode"), "p", "username code!(problem)*"},
		"unknown_person":       {"/confirm", "ConfirmSignUp", failing("UserNotFoundException", "x"), "p", "username code!(problem)*"},
		"reset_code":           {"/confirmforgotPassword", "ConfirmForgotPassword", failing("CodeMismatchException", "x"), "p", "username code!(problem)* password(password-hint) password_again"},
		"reset_limit":          {"/confirmforgotPassword", "ConfirmForgotPassword", failing("LimitExceededException", "x"), "p", reset},
		"forgotten_limit":      {"/forgotPassword", "ForgotPassword", failing("LimitExceededException", "x"), "p", "username"},
		"wrong_password":       {"/login", "/login", htmlReply(upstreamtest.Form(wrongPassword)), "p", "username!(problem) password!(problem)*"},
		"new_password_policy":  {"/login", "/login", newPassword("Password did not conform with policy: x"), "p", "new_password!(problem new_password-hint)* confirm_password"},
		"new_passwords_differ": {"/login", "/login", newPassword("Passwords do not match."), "p", "new_password!(problem new_password-hint)* confirm_password!(problem)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Replies[tc.action] = tc.reply
			_, origin := start(t, f)
			_, _, body := postForm(t, origin+tc.path, appQuery("username", "a@x.example", "password", "p", "password_again", tc.again, "code", "1"))
			if diff := cmp.Diff(tc.want, read(body)); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, body)
			}
		})
	}
}

// What people sign in with has one name, in labels, hints and errors.
func TestOneWordForTheName(t *testing.T) {
	t.Parallel()
	for word, pool := range map[string]upstream.Pool{"email address": {Aliases: []string{"email"}}, "username": {}} {
		a := appRequest{pool: pool}
		for _, text := range []string{
			a.nameField("").Label,
			a.readable(upstream.Refuse("UsernameExistsException", "User already exists.")),
			a.readable(upstream.Refuse("NotAuthorizedException", wrongPassword)),
			signInSession{request: a}.dress(Page{Problem: wrongPassword}, "", "").Problem,
		} {
			if !strings.Contains(strings.ToLower(text), word) {
				t.Errorf("%q does not say %q", text, word)
			}
		}
	}
}

func TestPasswordHint(t *testing.T) {
	t.Parallel()
	for want, set := range map[string]func(*upstream.PasswordPolicy){
		"":                       func(*upstream.PasswordPolicy) {},
		"At least 8 characters.": func(p *upstream.PasswordPolicy) { p.MinimumLength = 8 },
		"With a number.":         func(p *upstream.PasswordPolicy) { p.RequireNumbers = true },
		"With a lower-case letter and a symbol such as ! or -.": func(p *upstream.PasswordPolicy) { p.RequireLowercase, p.RequireSymbols = true, true },
		"At least 12 characters, with a lower-case letter, an upper-case letter, a number and a symbol such as ! or -.": func(p *upstream.PasswordPolicy) {
			*p = upstream.PasswordPolicy{MinimumLength: 12, RequireLowercase: true, RequireUppercase: true, RequireNumbers: true, RequireSymbols: true}
		},
	} {
		var pool upstream.Pool
		set(&pool.Policies.PasswordPolicy)
		if got := rules(pool); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A link without the app's request says what it lacks.
func TestMissingParameters(t *testing.T) {
	t.Parallel()
	_, origin := start(t, upstreamtest.New(t))
	for query, want := range map[string]string{
		"":                   "The link lacks client_id, redirect_uri and response_type. The app sends them (invalid_request).",
		"response_type=code": "The link lacks client_id and redirect_uri. The app sends them (invalid_request).",
		"client_id=c1":       "The link lacks redirect_uri and response_type. The app sends them (invalid_request).",
		"client_id=c2":       "The app is not known here (invalid_client).",
		"client_id=&redirect_uri=" + url.QueryEscape(upstreamtest.Callback) + "&response_type=code": "The link lacks client_id. The app sends it (invalid_request).",
	} {
		for _, path := range pagePaths() {
			status, _, body := visit(t, origin+path+"?"+query)
			if status != 400 || !strings.Contains(body, want) {
				t.Errorf("%s?%s: %d, no %q in %s", path, query, status, want, body)
			}
		}
	}
}
