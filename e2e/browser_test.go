package e2e

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/contracts"
	"gatehouse.example/e2e/chromium"
)

const newPassword = "Another-horse-8-battery"

// window is a browser window whose steps fail the test.
type window struct {
	*chromium.Browser
	t *testing.T
}

func openWindow(t *testing.T, width, height int, hosts ...string) window {
	t.Helper()
	b, err := chromium.Open(t.Context(), width, height, false, hosts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return window{b, t}
}

func (w window) must(errs ...error) {
	w.t.Helper()
	for _, err := range errs {
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestBrowserStory is the way of a person with nothing but a browser: turned
// away, signed up, confirmed, signed out, a forgotten password, in again.
func TestBrowserStory(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	p := s.newPerson(t)
	w := openWindow(t, 1100, 900)
	w.must(w.Visit(s.env["AWS_ENDPOINT_URL"]+"/app"), w.Heading("Welcome"), w.Click("Create an account"))

	w.signUp(p.local + "@mailinator.com")
	w.must(w.Says("This email address cannot be used here. Please use another one (address-refused)."))
	if text := w.Text(); strings.Contains(text, "PreSignUp") || strings.Contains(text, "..") {
		t.Errorf("the refusal is not fit for people:\n%s", text)
	}
	w.signUp(p.Email)
	w.must(w.Heading("Confirm your account"), w.Says("The code is always "+signUpCode))
	if strings.Contains(w.Text(), p.local) {
		t.Errorf("the email address is on the page or in its URL:\n%s", w.Text())
	}
	w.must(w.Fill("Code", "000000"), w.Click("Confirm"), w.Says("Invalid verification code provided, please try again."))
	w.must(w.Click("Send a new code"), w.Says("A new code is on its way."))
	w.must(w.Fill("Code", signUpCode), w.Click("Confirm"), w.Heading("You are signed in"), w.Says(p.Email))
	if strings.Contains(w.Text(), "code=") {
		t.Error("the code is left in the address bar")
	}

	w.must(w.Says("knows you by your token."))
	eventually(t, "the person reads their own activity", func() bool {
		w.must(w.Click("Ask again"), w.Until(`!document.body.innerText.includes("Asking")`))
		return strings.Contains(w.Text(), "Account created") && strings.Contains(w.Text(), "Sign-in succeeded")
	})

	w.must(w.Click("Sign out"), w.Heading("Welcome"), w.Click("Sign in"), w.Heading("Sign in"))
	w.signIn(p.Email, "Wrong-horse-7-battery")
	w.must(w.Says("Incorrect email address or password."), w.Click("Forgot your password?"), w.Heading("Forgot your password?"))
	w.must(w.Fill("Email address", p.Email), w.Click("Send a code"), w.Heading("Set a new password"))
	w.must(w.Fill("Code", resetCode), w.Fill("New password", newPassword), w.Fill("New password, again", newPassword+"x"),
		w.Click("Change the password"), w.Says("The two passwords differ."))
	w.must(w.Fill("Code", resetCode), w.Fill("New password", newPassword), w.Fill("New password, again", newPassword),
		w.Click("Change the password"), w.Says("Your password is changed."))
	w.signIn(p.Email, password)
	w.must(w.Says("Incorrect email address or password."))
	w.signIn(p.Email, newPassword)
	w.must(w.Heading("You are signed in"), w.Says(p.Email))

	sub, err := chromium.Script[string](w.Browser, `JSON.parse(atob(JSON.parse(sessionStorage.tokens).id_token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub`)
	w.must(err)
	for _, kind := range []string{contracts.TypeUserCreated, contracts.TypePasswordReset} {
		inbox.wait(t, 1, of(kind, sub))
	}
	inbox.wait(t, 2, of(contracts.TypeSigninSucceeded, sub))
}

func (w window) signUp(address string) {
	w.t.Helper()
	w.must(w.Heading("Create an account"), w.Fill("Email address", address), w.Fill("Password", password),
		w.Fill("Password, again", password), w.Click("Sign up"))
}

func (w window) signIn(address, password string) {
	w.t.Helper()
	w.must(w.Heading("Sign in"), w.Fill("Email address", address), w.Fill("Password", password), w.Click("Sign in"))
}

// TestBrowserFirstPassword is the first sign-in of a user that an administrator
// created.
func TestBrowserFirstPassword(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.newPerson(t)
	must(p.c.cognito.AdminCreateUser(t.Context(), &cognito.AdminCreateUserInput{
		UserPoolId: s.pool(), Username: &p.Email, TemporaryPassword: aws.String(password), MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &p.Email}, {Name: aws.String("email_verified"), Value: aws.String("true")}},
	}))(t)
	w := openWindow(t, 360, 740)
	w.must(w.Visit(s.env["AWS_ENDPOINT_URL"]+"/app"), w.Heading("Welcome"), w.Click("Sign in"))
	w.signIn(p.Email, password)
	set := func(password, again string) {
		w.must(w.Heading("Set a new password"), w.Says("At least 12 characters"))
		w.fitsEverybody()
		w.must(w.Fill("New password", password), w.Fill("Confirm new password", again), w.Click("Update password"))
	}
	set(newPassword, newPassword+"x")
	w.must(w.Says("Passwords do not match."))
	set("short", "short")
	w.must(w.Says("Please choose another password: "))
	set(newPassword, newPassword)
	w.must(w.Heading("You are signed in"), w.Says(p.Email))
}

// TestBrowserKeyboardOnly signs up, out and in with the keys Tab and Enter alone.
func TestBrowserKeyboardOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.newPerson(t)
	w := openWindow(t, 1100, 900)
	w.must(w.Visit(s.env["AWS_ENDPOINT_URL"]+"/app"), w.Heading("Welcome"), w.TabTo("Create an account"), w.Enter())
	// The first field has the focus already.
	w.must(w.Heading("Create an account"), w.HasFocus("Email address"), w.Type(p.Email), w.TabTo("Password"), w.Type("short"), w.TabTo("Password, again"), w.Type("short"), w.Enter())
	w.must(w.Says("Please choose another password: "), w.HasFocus("Password"), w.Type(password), w.TabTo("Password, again"), w.Type(password), w.Enter())
	w.must(w.Heading("Confirm your account"), w.HasFocus("Code"), w.Type("000000"), w.TabTo("Confirm"), w.Enter(), w.Says("Invalid verification code"))
	// The field to correct has the focus.
	w.must(w.HasFocus("Code"), w.Type(signUpCode), w.Enter(), w.Heading("You are signed in"), w.TabTo("Sign out"), w.Enter())
	w.must(w.Heading("Welcome"), w.TabTo("Sign in"), w.Enter())
	w.must(w.Heading("Sign in"), w.HasFocus("Email address"), w.Type(p.Email), w.Tab(), w.Type(newPassword), w.Enter(), w.Says("Incorrect email address or password."))
	// The address is still there.
	w.must(w.HasFocus("Password"), w.Type(password), w.Tab(), w.Enter(), w.Heading("You are signed in"))
}
