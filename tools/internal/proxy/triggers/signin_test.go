package proxy

import (
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSignInFires(t *testing.T) {
	t.Parallel()
	const pre, post = "PreAuthentication_Authentication", "PostAuthentication_Authentication"
	params := map[string]string{"USERNAME": "a@x.example", "PASSWORD": "p"}
	tokens := reply{status: 200, body: testTokens}
	wrong := reply{status: 400, body: `{"__type":"NotAuthorizedException","message":"Incorrect username or password."}`}
	challenge := reply{status: 200, body: `{"ChallengeName":"PASSWORD_VERIFIER"}`}
	for name, tc := range map[string]struct {
		action string
		in     map[string]any
		reply  reply
		change func(*fake)
		want   []string
	}{
		"password":       {"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, tokens, nil, []string{pre, "InitiateAuth", post}},
		"wrong_password": {"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, wrong, nil, []string{pre, "InitiateAuth"}},
		"srp_begin":      {"InitiateAuth", map[string]any{"AuthFlow": "USER_SRP_AUTH"}, challenge, nil, []string{pre, "InitiateAuth"}},
		"custom":         {"InitiateAuth", map[string]any{"AuthFlow": "CUSTOM_AUTH"}, challenge, nil, []string{pre, "InitiateAuth"}},
		"choice":         {"InitiateAuth", map[string]any{"AuthFlow": "USER_AUTH"}, challenge, nil, []string{pre, "InitiateAuth"}},
		"refresh":        {"InitiateAuth", map[string]any{"AuthFlow": "REFRESH_TOKEN_AUTH"}, tokens, nil, []string{"InitiateAuth"}},
		"refresh_old":    {"InitiateAuth", map[string]any{"AuthFlow": "REFRESH_TOKEN"}, tokens, nil, []string{"InitiateAuth"}},
		"refresh_new":    {"GetTokensFromRefreshToken", nil, tokens, nil, []string{"GetTokensFromRefreshToken"}},
		"srp_end":        {"RespondToAuthChallenge", map[string]any{"ChallengeName": "PASSWORD_VERIFIER"}, tokens, nil, []string{"RespondToAuthChallenge", post}},
		"next_challenge": {"RespondToAuthChallenge", map[string]any{"ChallengeName": "PASSWORD_VERIFIER"}, challenge, nil, []string{"RespondToAuthChallenge"}},
		"admin_respond":  {"AdminRespondToAuthChallenge", map[string]any{"UserPoolId": testPool}, tokens, nil, []string{"AdminRespondToAuthChallenge", post}},
		"admin_flow_in_public_call": {
			"InitiateAuth", map[string]any{"AuthFlow": "ADMIN_NO_SRP_AUTH"}, wrong, nil, []string{"InitiateAuth"},
		},
		"flow_not_allowed": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, wrong,
			func(f *fake) { f.client["ExplicitAuthFlows"] = []string{"ALLOW_USER_SRP_AUTH"} }, []string{"InitiateAuth"},
		},
		"secret_not_proved": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, wrong,
			func(f *fake) { f.client["ClientSecret"] = "s" }, []string{"InitiateAuth"},
		},
		"unknown_user_hidden": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, wrong,
			func(f *fake) { f.user = nil }, []string{pre, "InitiateAuth"},
		},
		"unknown_user_shown": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, wrong,
			func(f *fake) { f.user = nil; f.client["PreventUserExistenceErrors"] = "LEGACY" }, []string{"InitiateAuth"},
		},
		"unknown_client": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, wrong,
			func(f *fake) { f.client["ClientId"] = "other" }, []string{"InitiateAuth"},
		},
		"no_triggers": {
			"InitiateAuth", map[string]any{"AuthFlow": "USER_PASSWORD_AUTH"}, tokens,
			func(f *fake) { f.functions = nil }, []string{"InitiateAuth"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			if tc.change != nil {
				tc.change(f)
			}
			f.replies[tc.action] = tc.reply
			in := map[string]any{"ClientId": "c1", "AuthParameters": params}
			for k, v := range tc.in {
				in[k] = v
			}
			_, origin := edgeBefore(t, f)
			status, _, body := callCognito(t, origin, tc.action, in)
			if status != tc.reply.status || body != tc.reply.body {
				t.Errorf("answer changed: %d %s", status, body)
			}
			if diff := cmp.Diff(tc.want, f.calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAdminSignIn(t *testing.T) {
	t.Parallel()
	in := map[string]any{
		"ClientId": "c1", "UserPoolId": testPool, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
		"AuthParameters": map[string]string{"USERNAME": "a@x.example", "PASSWORD": "p"},
	}
	for name, tc := range map[string]struct {
		reply reply
		want  []string
	}{
		// The first call is the probe whether IAM lets the caller in at all.
		"denied_by_iam": {
			reply{status: 400, body: `{"__type":"AccessDeniedException"}`},
			[]string{"AdminInitiateAuth", "AdminInitiateAuth"},
		},
		"let_in": {
			reply{status: 400, body: `{"__type":"ResourceNotFoundException"}`},
			[]string{"AdminInitiateAuth", "PreAuthentication_Authentication", "AdminInitiateAuth"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.replies["AdminInitiateAuth"] = tc.reply
			_, origin := edgeBefore(t, f)
			callCognito(t, origin, "AdminInitiateAuth", in)
			if diff := cmp.Diff(tc.want, f.calls()); diff != "" {
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
		"function_error": {answer(200, "Unhandled", `{"errorMessage":"not you","errorType":"x"}`), testPolicy, "UserLambdaValidationException", "PreAuthentication failed with error not you.", 1},
		"error_no_text":  {answer(200, "Unhandled", `{}`), testPolicy, "UserLambdaValidationException", "PreAuthentication failed with error Unhandled.", 1},
		"not_json":       {answer(200, "", `nope`), testPolicy, "InvalidLambdaResponseException", "Invalid lambda function output : Invalid JSON", 1},
		"null":           {answer(200, "", `null`), testPolicy, "InvalidLambdaResponseException", "Unrecognizable lambda output", 1},
		"not_the_event":  {answer(200, "", `{"ok":true}`), testPolicy, "InvalidLambdaResponseException", "Unrecognizable lambda output", 1},
		"lambda_5xx":     {answer(500, "", `{"__type":"ServiceException"}`), testPolicy, "UnexpectedLambdaException", "PreAuthentication invocation failed due to error ServiceException.", 1},
		"throttled":      {answer(429, "", `{"__type":"TooManyRequestsException"}`), testPolicy, "UnexpectedLambdaException", "PreAuthentication invocation failed due to error TooManyRequestsException.", 1},
		"no_permission":  {nil, "", "UnexpectedLambdaException", "PreAuthentication invocation failed due to error AccessDeniedException.", 0},
		"other_pool":     {nil, strings.ReplaceAll(testPolicy, "userpool/*", "userpool/other"), "UnexpectedLambdaException", "PreAuthentication invocation failed due to error AccessDeniedException.", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.invoke, f.policy = tc.invoke, tc.policy
			_, origin := edgeBefore(t, f)
			status, header, body := callCognito(t, origin, "InitiateAuth", map[string]any{
				"ClientId": "c1", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": "a@x.example"},
			})
			want := `{"__type":"` + tc.wantType + `","message":"` + tc.wantText + `"}`
			if status != 400 || body != want || header.Get("X-Amzn-Errortype") != tc.wantType+":" || header.Get("X-Amzn-Errormessage") != tc.wantText {
				t.Errorf("got %d %v %s, want 400 %s", status, header, body, want)
			}
			if n := f.invocations(); n != tc.invokes {
				t.Errorf("function ran %d times, want %d", n, tc.invokes)
			}
			for _, c := range f.calls() {
				if c == "InitiateAuth" {
					t.Error("the sign-in went on after its trigger failed")
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
			f := newFake(t)
			f.functions = map[string]any{"PostAuthentication": testFunction}
			f.replies["InitiateAuth"] = reply{status: 200, body: testTokens}
			var mu sync.Mutex
			asked := 0
			f.invoke = func(w http.ResponseWriter, r *http.Request, payload []byte) {
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
			h, origin := edgeBefore(t, f)
			h.triggers.attemptLimit /= 10
			_, _, body := callCognito(t, origin, "InitiateAuth", map[string]any{
				"ClientId": "c1", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": "a@x.example"},
			})
			if !strings.Contains(body, tc.want) {
				t.Errorf("got %s, want %s", body, tc.want)
			}
			if n := f.invocations(); n != tc.invokes {
				t.Errorf("asked %d times, want %d", n, tc.invokes)
			}
		})
	}
}

func TestPostAuthenticationWithholdsTokens(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.replies["RespondToAuthChallenge"] = reply{status: 200, body: testTokens, header: http.Header{"X-Amzn-Requestid": {"r1"}}}
	f.invoke = func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = w.Write([]byte(`{"errorMessage":"no"}`))
	}
	_, origin := edgeBefore(t, f)
	status, header, body := callCognito(t, origin, "RespondToAuthChallenge", map[string]any{"ClientId": "c1"})
	if status != 400 || strings.Contains(body, "Token") || !strings.Contains(body, "PostAuthentication failed with error no.") {
		t.Errorf("got %d %s", status, body)
	}
	if header.Get("X-Amzn-Requestid") != "r1" {
		t.Error("the request id of the emulator is lost")
	}
}

func TestSecretHash(t *testing.T) {
	t.Parallel()
	c := client{ID: "c1", Secret: "s3"}
	// printf ac1 | openssl dgst -sha256 -hmac s3 -binary | base64
	if !c.proves("a", "701/pZbZq67EP2V8kJiMW+e7hYIMq51t9jZNy70QCWs=") {
		t.Error("the right hash does not pass")
	}
	if c.proves("a", base64.StdEncoding.EncodeToString(make([]byte, 32))) || c.proves("a", "") {
		t.Error("a wrong hash passes")
	}
	if (client{ID: "c1"}).proves("a", "x") || !(client{ID: "c1"}).proves("a", "") {
		t.Error("a client without secret takes no hash")
	}
}

func TestConcurrentSignIns(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.replies["InitiateAuth"] = reply{status: 200, body: testTokens}
	_, origin := edgeBefore(t, f)
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			status, _, _ := callCognito(t, origin, "InitiateAuth", map[string]any{
				"ClientId": "c1", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": "a@x.example"},
			})
			if status != 200 {
				t.Errorf("status %d", status)
			}
		})
	}
	wg.Wait()
	if n := f.invocations(); n != 80 {
		t.Errorf("%d invocations, want one of each trigger per sign-in", n)
	}
}
