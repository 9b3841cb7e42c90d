package hostedpages

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

func appQuery(more ...string) url.Values {
	q := url.Values{"client_id": {"c1"}, "redirect_uri": {upstreamtest.Callback}, "response_type": {"code"}, "state": {"a/b&<x>"}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

// visit gets a page as the browser of postForm.
func visit(t *testing.T, target string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(&http.Cookie{Name: guardCookie, Value: testGuard})
	return upstreamtest.Do(t, req)
}

func failing(code, message string) upstreamtest.Reply {
	return upstreamtest.Reply{Status: 400, Body: `{"__type":"` + code + `","message":"` + message + `"}`}
}

// pagePaths are the pages that begin with an app's request.
func pagePaths() []string {
	return []string{"/oauth2/authorize", "/login", "/signup", "/confirm", "/forgotPassword", "/confirmforgotPassword"}
}

func TestPagesRefuseWhatTheAppMayNotAsk(t *testing.T) {
	t.Parallel()
	_, origin := start(t, upstreamtest.New(t))
	for name, query := range map[string]string{
		"other_address":    appQuery("redirect_uri", "https://other.example/cb").Encode(),
		"longer_address":   appQuery("redirect_uri", upstreamtest.Callback+"/more").Encode(),
		"user_info":        appQuery("redirect_uri", "https://app.example@other.example/cb").Encode(),
		"script":           appQuery("redirect_uri", "javascript:alert(1)").Encode(),
		"unknown_client":   appQuery("client_id", "c2").Encode(),
		"no_client":        appQuery("client_id", "").Encode(),
		"two_addresses":    appQuery().Encode() + "&redirect_uri=https%3A%2F%2Fother.example%2F",
		"bad_encoding":     appQuery().Encode() + "&state=%zz",
		"semicolon":        appQuery().Encode() + ";state=2",
		"nothing":          "",
		"markup_as_client": appQuery("client_id", `"><script>`).Encode(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, path := range pagePaths() {
				status, header, body := visit(t, origin+path+"?"+query)
				if status != 400 || header.Get("Location") != "" || strings.Contains(body, "<form") {
					t.Errorf("%s: status %d, location %q", path, status, header.Get("Location"))
				}
				if strings.Contains(body, "other.example") || strings.Contains(body, "<script>") {
					t.Errorf("%s: the page shows what was sent: %s", path, body)
				}
			}
		})
	}
}

// What is wrong with a request whose address is registered, the app learns, with its state.
func TestAppsLearnTheirErrors(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	f.Client["AllowedOAuthFlows"] = []string{"implicit", "code"}
	with := func(name, value string) string { return appQuery("state", "s 1", name, value).Encode() }
	for name, tc := range map[string]struct {
		query string
		want  string
	}{
		"no_response_type":    {with("response_type", ""), "error=invalid_request&state=s+1"},
		"other_response_type": {with("response_type", "token id_token"), "error=invalid_request&state=s+1"},
		"implicit":            {with("response_type", "token"), "error=unsupported_response_type&state=s+1"},
		"two_scopes":          {with("scope", "openid") + "&scope=email", "error=invalid_request&state=s+1"},
		"two_states":          {with("scope", "openid") + "&state=2", "error=invalid_request"},
		"scope":               {with("scope", "wrong"), "error=invalid_request&error_description=invalid_scope"}, // the emulator's
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, path := range pagePaths() {
				status, header, _ := visit(t, origin+path+"?"+tc.query)
				if want := upstreamtest.Callback + "?" + tc.want; status != http.StatusFound || header.Get("Location") != want {
					t.Errorf("%s: %d %q, want %q", path, status, header.Get("Location"), want)
				}
			}
		})
	}
}

func TestRefusedFlows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flows              []string
		responseType, want string
	}{
		"code_not_allowed":  {[]string{"client_credentials"}, "code", "unauthorized_client"},
		"token_not_allowed": {[]string{"code"}, "token", "unauthorized_client"},
		"no_flows":          {nil, "code", "unauthorized_client"},
		"allowed":           {[]string{"code"}, "code", ""},
	} {
		if got := refusal(upstream.AppClient{OAuthFlows: tc.flows}, tc.responseType, ""); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	if got := withError("myapp://cb?tenant=1", "invalid_request", ""); got != "myapp://cb?tenant=1&error=invalid_request" {
		t.Errorf("an address with a query: %s", got)
	}
}

// COGNITO names the pool itself, whose people sign in on the page.
func TestTheOwnProvider(t *testing.T) {
	t.Parallel()
	_, origin := start(t, upstreamtest.New(t))
	plain := appQuery("state", "s")
	status, header, _ := visit(t, origin+"/oauth2/authorize?"+plain.Encode()+"&identity_provider=COGNITO")
	if want := "/login?" + plain.Encode(); status != http.StatusFound || header.Get("Location") != want {
		t.Errorf("COGNITO: %d %q, want %q", status, header.Get("Location"), want)
	}
}

// Every form checks the app's request again: fields can be edited in a browser.
func TestFormsRefuseWhatTheAppMayNotAsk(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/login", "/oauth2/login", "/signup", "/confirm", "/resendcode", "/forgotPassword", "/confirmforgotPassword", totpPath, registerPath} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Replies["/login"] = redirect()
			_, origin := start(t, f)
			for _, form := range []url.Values{
				appQuery("redirect_uri", "https://other.example/cb", "username", "a@x.example"),
				appQuery("scope", "wrong", "username", "a@x.example"),
				{"client_id": {"c1", "c1"}, "redirect_uri": {upstreamtest.Callback}, "username": {"a@x.example"}},
				appQuery(guardField, "", "username", "a@x.example"),
				appQuery(guardField, strings.Repeat("A", 26), "username", "a@x.example"),
				{"ua_token": {"guessed"}, "client_id": {"c2"}},
			} {
				status, header, _ := postForm(t, origin+path, form)
				if strings.Contains(header.Get("Location"), "code=") || status != 400 && status != 403 && status != 302 {
					t.Errorf("%v: status %d, location %q", form, status, header.Get("Location"))
				}
			}
			if calls := f.Calls(); len(calls) != 0 {
				t.Errorf("reached the emulator: %v", calls)
			}
		})
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	form := appQuery("username", "a@x.example", guardField, testGuard)
	req, err := http.NewRequest(http.MethodPost, origin+"/signup", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	req.AddCookie(&http.Cookie{Name: guardCookie, Value: testGuard})
	if status, _, _ := upstreamtest.Do(t, req); status != 403 || len(f.Calls()) != 0 {
		t.Errorf("status %d, calls %v", status, f.Calls())
	}
}

// The person types the address once; the code, the password and the state find
// each other again, and no URL contains the address.
func TestSignUpSignsIn(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Replies["/login"] = redirect()
	pages, origin := start(t, f)
	status, header, _ := postForm(t, origin+"/signup", appQuery("username", " a@x.example ", "password", "p", "password_again", "p"))
	next := header.Get("Location")
	if status != 303 || !strings.HasPrefix(next, "/confirm?") || strings.Contains(next, "x.example") {
		t.Fatalf("status %d, location %q", status, next)
	}
	_, _, page := visit(t, origin+next)
	if !strings.Contains(page, "a***@x***") || !strings.Contains(page, "always 123456") || strings.Contains(page, "a@x.example") {
		t.Errorf("page %s", page)
	}
	to, err := url.Parse(next)
	if err != nil {
		t.Fatal(err)
	}
	id := to.Query().Get(flowField)
	status, header, _ = postForm(t, origin+"/confirm", appQuery(flowField, id, "code", "123 456"))
	if status != 302 || header.Get("Location") != redirect().Header.Get("Location") {
		t.Errorf("status %d, %v", status, header)
	}
	want := []string{"SignUp", "ConfirmSignUp", preFired, "/login", postFired}
	if diff := cmp.Diff(want, f.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if _, ok := pages.flows.get(id); ok {
		t.Error("the password is kept after the confirmation")
	}
	all := strings.Join(f.Bodies(), "\n")
	for _, part := range []string{`"Username":"a@x.example"`, `"ConfirmationCode":"123456"`, `"Name":"email"`} {
		if !strings.Contains(all, part) {
			t.Errorf("no %s in %s", part, all)
		}
	}
}

// A flow of one browser is none in another.
func TestFlowsBelongToTheirBrowser(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	pages, origin := start(t, f)
	id := pages.flows.add(flow{browser: "SOMEBODYELSESCOOKIE2222222", name: "a@x.example", password: "p"})
	_, _, page := visit(t, origin+"/confirm?"+appQuery(flowField, id).Encode())
	if strings.Contains(page, "a***@x***") || !strings.Contains(page, `name="username"`) {
		t.Errorf("page %s", page)
	}
	if _, header, _ := postForm(t, origin+"/confirm", appQuery(flowField, id, "code", "123456")); strings.Contains(header.Get("Location"), "code=") {
		t.Error("signed in as somebody else")
	}
}

// Nobody learns from a page who has an account.
func TestPagesTellNobodyWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, action string
		replies      []upstreamtest.Reply
	}{
		"forgotten": {"/forgotPassword", "ForgotPassword", []upstreamtest.Reply{
			{Status: 200, Body: "{}"}, failing("UserNotFoundException", "Username/client id combination not found."),
			failing("InvalidParameterException", "Cannot reset password for the user as there is no registered/verified email or phone_number"),
		}},
		"resend": {"/resendcode", "ResendConfirmationCode", []upstreamtest.Reply{
			{Status: 200, Body: "{}"}, failing("UserNotFoundException", "x"), failing("InvalidParameterException", "User is already confirmed."),
		}},
		"reset": {"/confirmforgotPassword", "ConfirmForgotPassword", []upstreamtest.Reply{
			failing("CodeMismatchException", "Invalid verification code provided, please try again."),
			failing("ExpiredCodeException", "Invalid code provided, please request a code again."), failing("UserNotFoundException", "x"),
		}},
		"confirm": {"/confirm", "ConfirmSignUp", []upstreamtest.Reply{
			failing("CodeMismatchException", "Invalid verification code provided, please try again."),
			failing("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED"), failing("ExpiredCodeException", "x"),
		}},
		"sign_in": {"/login", "/login", []upstreamtest.Reply{
			htmlReply(upstreamtest.Form("Incorrect username or password.")), htmlReply(upstreamtest.Form("User is not confirmed.")), htmlReply(upstreamtest.Form("User is disabled.")),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var first string
			for _, one := range tc.replies {
				f := upstreamtest.New(t)
				f.Replies[tc.action] = one
				pages, origin := start(t, f)
				status, header, body := postForm(t, origin+tc.path, appQuery("username", "a@x.example", "password", "p", "password_again", "p", "code", "1"))
				id, _ := pages.flows.find(func(flow) bool { return true })
				said := http.StatusText(status) + strings.ReplaceAll(header.Get("Location")+body, id+"&", "&")
				if first == "" {
					first = said
				}
				if diff := cmp.Diff(first, said); diff != "" {
					t.Errorf("%s\n%s", one.Body, diff)
				}
			}
		})
	}
}

// A person who signed up here and forgot the code is led to it by the right
// password, and only then.
func TestUnconfirmedPeopleAreLedToTheCode(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Replies["/login"] = htmlReply(upstreamtest.Form("User is not confirmed."))
	pages, origin := start(t, f)
	pages.flows.add(flow{browser: testGuard, name: "a@x.example", password: "p"})
	if status, header, _ := postForm(t, origin+"/login", appQuery("username", "a@x.example", "password", "p")); status != 303 || !strings.HasPrefix(header.Get("Location"), "/confirm?") {
		t.Errorf("right password: %d %v", status, header)
	}
	if status, _, body := postForm(t, origin+"/login", appQuery("username", "a@x.example", "password", "q")); status != 200 || !strings.Contains(body, "Incorrect email address or password.") {
		t.Errorf("wrong password: %d %s", status, body)
	}
}

func TestReadable(t *testing.T) {
	t.Parallel()
	person := appRequest{pool: upstream.Pool{Aliases: []string{"email"}}}
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"refusal":          {upstream.Refuse("UserLambdaValidationException", "PreSignUp failed with error Please enter a valid email address."), "Please enter a valid email address."},
		"two_sentences":    {upstream.Refuse("UserLambdaValidationException", "PreSignUp failed with error No. Please use another one.."), "No. Please use another one."},
		"crash":            {upstream.Refuse("UnexpectedLambdaException", "PreSignUp invocation failed due to error AccessDeniedException."), unavailable},
		"broken":           {upstream.Refuse("InvalidLambdaResponseException", "Unrecognizable lambda output"), unavailable},
		"policy":           {upstream.Refuse("InvalidPasswordException", "Password did not conform with policy: Password not long enough"), "Please choose another password: Password not long enough."},
		"exists":           {upstream.Refuse("UsernameExistsException", "User already exists."), "An account with this email address already exists."},
		"no_address":       {upstream.Refuse("InvalidParameterException", "Username should be an email."), "Please enter a valid email address."},
		"bounds":           {upstream.Refuse("InvalidParameterException", "1 validation error detected: Value at 'password' failed"), "Please check what you entered."},
		"no_cognito_error": {errors.New("dial tcp 127.0.0.1:1: refused"), unavailable},
	} {
		if got := person.readable(tc.err); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Client["LogoutURLs"] = []string{"https://app.example/bye"}
	_, origin := start(t, f)
	for name, tc := range map[string]struct {
		query    string
		status   int
		location string
	}{
		"registered":    {"client_id=c1&logout_uri=https%3A%2F%2Fapp.example%2Fbye", 302, "https://app.example/bye"},
		"other":         {"client_id=c1&logout_uri=https%3A%2F%2Fother.example%2F", 400, ""},
		"twice":         {"client_id=c1&logout_uri=https%3A%2F%2Fapp.example%2Fbye&logout_uri=https%3A%2F%2Fother.example%2F", 400, ""},
		"none":          {"client_id=c1", 400, ""},
		"unknown":       {"client_id=c2&logout_uri=https%3A%2F%2Fapp.example%2Fbye", 400, ""},
		"openid":        {"id_token_hint=x&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye", 400, ""},
		"bad_encoding":  {"client_id=c1&logout_uri=%zz", 400, ""},
		"sign_in_again": {appQuery("state", "s").Encode(), 302, "/login?" + appQuery("state", "s").Encode()},
	} {
		status, header, _ := visit(t, origin+"/logout?"+tc.query)
		if status != tc.status || header.Get("Location") != tc.location {
			t.Errorf("%s: %d %q", name, status, header.Get("Location"))
		}
	}
	delete(f.Client, "LogoutURLs")
	if status, header, _ := visit(t, origin+"/logout?client_id=c1&logout_uri=https%3A%2F%2Fother.example%2F"); status != 400 {
		t.Errorf("a client without logout addresses: %d %q", status, header.Get("Location"))
	}
}

func TestSignUpStaysHere(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		invited bool
		again   string
		status  int
		text    string
	}{
		"passwords_differ": {false, "q", 400, "The two passwords differ."},
		"by_invitation":    {true, "p", 403, "Accounts are created by an administrator here."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Invited = tc.invited
			_, origin := start(t, f)
			status, _, body := postForm(t, origin+"/signup", appQuery("username", "a@x.example", "password", "p", "password_again", tc.again))
			if status != tc.status || !strings.Contains(body, tc.text) || len(f.Calls()) != 0 {
				t.Errorf("%d, calls %v: %s", status, f.Calls(), body)
			}
			_, _, login := visit(t, origin+"/login?"+appQuery().Encode())
			if strings.Contains(login, "/signup?") == tc.invited {
				t.Errorf("the sign-in page: %s", login)
			}
		})
	}
}

// A later step of a sign-in belongs to the browser that began it.
func TestStepsBelongToTheirBrowser(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Replies["/login"] = redirect()
	pages, origin := start(t, f)
	pages.sessions.put("t-1", signInSession{browser: "SOMEBODYELSESCOOKIE2222222", name: "a@x.example"})
	if status, header, _ := postForm(t, origin+"/login", url.Values{"ua_token": {"t-1"}, "password": {"p"}}); status != 400 || header.Get("Location") != "" {
		t.Errorf("status %d, %v", status, header)
	}
}
