package triggers

import (
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

func TestSignInFires(t *testing.T) {
	t.Parallel()
	const pre, post = "PreAuthentication_Authentication", "PostAuthentication_Authentication"
	params := map[string]string{"USERNAME": "a@x.example", "PASSWORD": "p"}
	signedIn := upstreamtest.Reply{Status: 200, Body: tokens}
	wrong := upstreamtest.Reply{Status: 400, Body: `{"__type":"NotAuthorizedException","message":"Incorrect username or password."}`}
	challenge := upstreamtest.Reply{Status: 200, Body: `{"ChallengeName":"PASSWORD_VERIFIER"}`}
	for name, tc := range map[string]struct {
		action string
		in     map[string]any
		reply  upstreamtest.Reply
		change func(*upstreamtest.Fake)
		want   []string
	}{
		"password":       {"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, signedIn, nil, []string{pre, "InitiateAuth", post}},
		"wrong_password": {"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, wrong, nil, []string{pre, "InitiateAuth"}},
		"srp_begin":      {"InitiateAuth", map[string]any{"AuthFlow": "USER_SRP_AUTH"}, challenge, nil, []string{pre, "InitiateAuth"}},
		"custom":         {"InitiateAuth", map[string]any{"AuthFlow": "CUSTOM_AUTH"}, challenge, nil, []string{pre, "InitiateAuth"}},
		"choice":         {"InitiateAuth", map[string]any{"AuthFlow": "USER_AUTH"}, challenge, nil, []string{pre, "InitiateAuth"}},
		// "Amazon Cognito invokes the Lambda function the pre token generation trigger", and no other:
		// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GetTokensFromRefreshToken.html
		"refresh":        {"InitiateAuth", map[string]any{"AuthFlow": "REFRESH_TOKEN_AUTH"}, signedIn, nil, []string{"InitiateAuth"}},
		"refresh_old":    {"InitiateAuth", map[string]any{"AuthFlow": "REFRESH_TOKEN"}, signedIn, nil, []string{"InitiateAuth"}},
		"refresh_new":    {"GetTokensFromRefreshToken", nil, signedIn, nil, []string{"GetTokensFromRefreshToken"}},
		"srp_end":        {"RespondToAuthChallenge", map[string]any{"ChallengeName": "PASSWORD_VERIFIER"}, signedIn, nil, []string{"RespondToAuthChallenge", post}},
		"next_challenge": {"RespondToAuthChallenge", map[string]any{"ChallengeName": "PASSWORD_VERIFIER"}, challenge, nil, []string{"RespondToAuthChallenge"}},
		"admin_respond":  {"AdminRespondToAuthChallenge", map[string]any{"UserPoolId": upstreamtest.Pool}, signedIn, nil, []string{"AdminRespondToAuthChallenge", post}},
		// AWS's tables of triggers do not list the challenges of USER_AUTH. Any InitiateAuth fires
		// PreAuthentication, and PostAuthentication fires "after Amazon Cognito signs in a user":
		// https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-post-authentication.html
		"choice_selects":    {"RespondToAuthChallenge", map[string]any{"ChallengeName": "SELECT_CHALLENGE"}, challenge, nil, []string{"RespondToAuthChallenge"}},
		"choice_password":   {"RespondToAuthChallenge", map[string]any{"ChallengeName": "SELECT_CHALLENGE"}, signedIn, nil, []string{"RespondToAuthChallenge", post}},
		"choice_after_code": {"InitiateAuth", map[string]any{"AuthFlow": "USER_AUTH", "Session": "of ConfirmSignUp"}, signedIn, nil, []string{pre, "InitiateAuth", post}},
		"email_code":        {"RespondToAuthChallenge", map[string]any{"ChallengeName": "EMAIL_OTP"}, signedIn, nil, []string{"RespondToAuthChallenge", post}},
		"wrong_email_code":  {"RespondToAuthChallenge", map[string]any{"ChallengeName": "EMAIL_OTP"}, wrong, nil, []string{"RespondToAuthChallenge"}},
		"passkey":           {"RespondToAuthChallenge", map[string]any{"ChallengeName": "WEB_AUTHN"}, signedIn, nil, []string{"RespondToAuthChallenge", post}},
		"passkey_wanted":    {"StartWebAuthnRegistration", nil, challenge, nil, []string{"StartWebAuthnRegistration"}},
		"passkey_added":     {"CompleteWebAuthnRegistration", nil, challenge, nil, []string{"CompleteWebAuthnRegistration"}},
		"admin_flow_in_public_call": {
			"InitiateAuth", map[string]any{"AuthFlow": "ADMIN_NO_SRP_AUTH"}, wrong, nil, []string{"InitiateAuth"},
		},
		"choice_not_allowed": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_AUTH"}, wrong,
			func(f *upstreamtest.Fake) { f.Client["ExplicitAuthFlows"] = []string{"ALLOW_USER_SRP_AUTH"} }, []string{"InitiateAuth"},
		},
		"flow_not_allowed": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, wrong,
			func(f *upstreamtest.Fake) { f.Client["ExplicitAuthFlows"] = []string{"ALLOW_USER_SRP_AUTH"} }, []string{"InitiateAuth"},
		},
		"secret_not_proved": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, wrong,
			func(f *upstreamtest.Fake) { f.Client["ClientSecret"] = "s" }, []string{"InitiateAuth"},
		},
		"unknown_user_hidden": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, wrong,
			func(f *upstreamtest.Fake) { f.User = nil }, []string{pre, "InitiateAuth"},
		},
		"unknown_user_shown": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, wrong,
			func(f *upstreamtest.Fake) { f.User = nil; f.Client["PreventUserExistenceErrors"] = "LEGACY" }, []string{"InitiateAuth"},
		},
		"unknown_client": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, wrong,
			func(f *upstreamtest.Fake) { f.Client["ClientId"] = "other" }, []string{"InitiateAuth"},
		},
		"no_triggers": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, signedIn,
			func(f *upstreamtest.Fake) { f.Functions = nil }, []string{"InitiateAuth"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			if tc.change != nil {
				tc.change(f)
			}
			f.Replies[tc.action] = tc.reply
			in := map[string]any{"ClientId": "c1", "AuthParameters": params}
			for k, v := range tc.in {
				in[k] = v
			}
			_, origin := start(t, f)
			status, _, body := upstreamtest.CallCognito(t, origin, tc.action, in)
			if status != tc.reply.Status || body != tc.reply.Body {
				t.Errorf("answer changed: %d %s", status, body)
			}
			if diff := cmp.Diff(tc.want, f.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAdminSignIn(t *testing.T) {
	t.Parallel()
	in := map[string]any{
		"ClientId": "c1", "UserPoolId": upstreamtest.Pool, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
		"AuthParameters": map[string]string{"USERNAME": "a@x.example", "PASSWORD": "p"},
	}
	for name, tc := range map[string]struct {
		reply upstreamtest.Reply
		want  []string
	}{
		// The first call is the probe whether IAM lets the caller in at all.
		"denied_by_iam": {
			upstreamtest.Reply{Status: 400, Body: `{"__type":"AccessDeniedException"}`},
			[]string{"AdminInitiateAuth", "AdminInitiateAuth"},
		},
		"let_in": {
			upstreamtest.Reply{Status: 400, Body: `{"__type":"ResourceNotFoundException"}`},
			[]string{"AdminInitiateAuth", "PreAuthentication_Authentication", "AdminInitiateAuth"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Replies["AdminInitiateAuth"] = tc.reply
			_, origin := start(t, f)
			upstreamtest.CallCognito(t, origin, "AdminInitiateAuth", in)
			if diff := cmp.Diff(tc.want, f.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorOfATrigger(t *testing.T) {
	t.Parallel()
	answer := func(status int, header, body string) func(http.ResponseWriter, *http.Request, []byte) {
		return func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			if header != "" {
				w.Header().Set("X-Amz-Function-Error", header)
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, tc := range map[string]struct {
		invoke   func(http.ResponseWriter, *http.Request, []byte)
		policy   string
		wantType string
		wantText string
		invokes  int
	}{
		"function_error": {answer(200, "Unhandled", `{"errorMessage":"not you","errorType":"x"}`), upstreamtest.Policy, "UserLambdaValidationException", "PreAuthentication failed with error not you.", 1},
		"error_no_text":  {answer(200, "Unhandled", `{}`), upstreamtest.Policy, "UserLambdaValidationException", "PreAuthentication failed with error Unhandled.", 1},
		"not_json":       {answer(200, "", `nope`), upstreamtest.Policy, "InvalidLambdaResponseException", "Invalid lambda function output : Invalid JSON", 1},
		"null":           {answer(200, "", `null`), upstreamtest.Policy, "InvalidLambdaResponseException", "Unrecognizable lambda output", 1},
		"not_the_event":  {answer(200, "", `{"ok":true}`), upstreamtest.Policy, "InvalidLambdaResponseException", "Unrecognizable lambda output", 1},
		"lambda_5xx":     {answer(500, "", `{"__type":"ServiceException"}`), upstreamtest.Policy, "UnexpectedLambdaException", "PreAuthentication invocation failed due to error ServiceException.", 1},
		"throttled":      {answer(429, "", `{"__type":"TooManyRequestsException"}`), upstreamtest.Policy, "UnexpectedLambdaException", "PreAuthentication invocation failed due to error TooManyRequestsException.", 1},
		"no_permission":  {nil, "", "UnexpectedLambdaException", "PreAuthentication invocation failed due to error AccessDeniedException.", 0},
		"other_pool":     {nil, strings.ReplaceAll(upstreamtest.Policy, "userpool/*", "userpool/other"), "UnexpectedLambdaException", "PreAuthentication invocation failed due to error AccessDeniedException.", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Invoke, f.Policy = tc.invoke, tc.policy
			_, origin := start(t, f)
			status, header, body := upstreamtest.CallCognito(t, origin, "InitiateAuth", map[string]any{
				"ClientId": "c1", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": "a@x.example"},
			})
			want := `{"__type":"` + tc.wantType + `","message":"` + tc.wantText + `"}`
			if status != 400 || body != want || header.Get("X-Amzn-Errortype") != tc.wantType+":" || header.Get("X-Amzn-Errormessage") != tc.wantText {
				t.Errorf("got %d %v %s, want 400 %s", status, header, body, want)
			}
			if n := len(f.Payloads()); n != tc.invokes {
				t.Errorf("function ran %d times, want %d", n, tc.invokes)
			}
			for _, c := range f.Calls() {
				if c == "InitiateAuth" {
					t.Error("the sign-in continued after its trigger failed")
				}
			}
		})
	}
}

// A trigger that does not answer is asked three times, and only its silence is.
func TestTriggerOutOfTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		silent  int
		want    string
		invokes int
	}{
		"always_silent":  {9, "PostAuthentication invocation failed due to error Socket timeout while invoking Lambda function.", 3},
		"third_answers":  {2, "AuthenticationResult", 3},
		"second_answers": {1, "AuthenticationResult", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Functions = map[string]any{"PostAuthentication": upstreamtest.Function}
			f.Replies["InitiateAuth"] = upstreamtest.Reply{Status: 200, Body: tokens}
			var mu sync.Mutex
			asked := 0
			f.Invoke = func(w http.ResponseWriter, r *http.Request, payload []byte) {
				mu.Lock()
				asked++
				silent := asked <= tc.silent
				mu.Unlock()
				if silent {
					<-r.Context().Done()
					return
				}
				_, _ = w.Write(payload)
			}
			tr, origin := start(t, f)
			tr.timeout /= 10
			_, _, body := upstreamtest.CallCognito(t, origin, "InitiateAuth", map[string]any{
				"ClientId": "c1", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": "a@x.example"},
			})
			if !strings.Contains(body, tc.want) {
				t.Errorf("got %s, want %s", body, tc.want)
			}
			if n := len(f.Payloads()); n != tc.invokes {
				t.Errorf("asked %d times, want %d", n, tc.invokes)
			}
		})
	}
}

func TestPostAuthenticationWithholdsTokens(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Replies["RespondToAuthChallenge"] = upstreamtest.Reply{Status: 200, Body: tokens, Header: http.Header{"X-Amzn-Requestid": {"r1"}}}
	f.Invoke = func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = w.Write([]byte(`{"errorMessage":"no"}`))
	}
	_, origin := start(t, f)
	status, header, body := upstreamtest.CallCognito(t, origin, "RespondToAuthChallenge", map[string]any{"ClientId": "c1"})
	if status != 400 || strings.Contains(body, "Token") || !strings.Contains(body, "PostAuthentication failed with error no.") {
		t.Errorf("got %d %s", status, body)
	}
	if header.Get("X-Amzn-Requestid") != "r1" {
		t.Error("the request id of the emulator is lost")
	}
}

func TestSecretHash(t *testing.T) {
	t.Parallel()
	c := upstream.AppClient{ID: "c1", Secret: "s3"}
	// printf ac1 | openssl dgst -sha256 -hmac s3 -binary | base64
	if !proves(c, "a", "701/pZbZq67EP2V8kJiMW+e7hYIMq51t9jZNy70QCWs=") {
		t.Error("the right hash does not pass")
	}
	if proves(c, "a", base64.StdEncoding.EncodeToString(make([]byte, 32))) || proves(c, "a", "") {
		t.Error("a wrong hash passes")
	}
	if proves(upstream.AppClient{ID: "c1"}, "a", "x") || !proves(upstream.AppClient{ID: "c1"}, "a", "") {
		t.Error("a client without secret takes no hash")
	}
}

func TestConcurrentSignIns(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Replies["InitiateAuth"] = upstreamtest.Reply{Status: 200, Body: tokens}
	_, origin := start(t, f)
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			status, _, _ := upstreamtest.CallCognito(t, origin, "InitiateAuth", map[string]any{
				"ClientId": "c1", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": "a@x.example"},
			})
			if status != 200 {
				t.Errorf("status %d", status)
			}
		})
	}
	wg.Wait()
	if n := len(f.Payloads()); n != 80 {
		t.Errorf("%d invocations, want one of each trigger per sign-in", n)
	}
}
