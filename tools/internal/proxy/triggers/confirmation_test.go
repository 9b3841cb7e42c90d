package triggers

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

func TestConfirmationFires(t *testing.T) {
	t.Parallel()
	const signUp, forgot = "PostConfirmation_ConfirmSignUp", "PostConfirmation_ConfirmForgotPassword"
	fine, bad := upstreamtest.Reply{Status: 200, Body: "{}"}, upstreamtest.Reply{Status: 400, Body: `{"__type":"CodeMismatchException"}`}
	for name, tc := range map[string]struct {
		action string
		status string
		reply  upstreamtest.Reply
		want   []string
	}{
		"confirm":         {"ConfirmSignUp", "CONFIRMED", fine, []string{"ConfirmSignUp", signUp}},
		"wrong_code":      {"ConfirmSignUp", "UNCONFIRMED", bad, []string{"ConfirmSignUp"}},
		"admin":           {"AdminConfirmSignUp", "UNCONFIRMED", fine, []string{"AdminConfirmSignUp", signUp}},
		"admin_repeats":   {"AdminConfirmSignUp", "CONFIRMED", fine, []string{"AdminConfirmSignUp"}},
		"forgot":          {"ConfirmForgotPassword", "CONFIRMED", fine, []string{"ConfirmForgotPassword", forgot}},
		"forgot_mismatch": {"ConfirmForgotPassword", "CONFIRMED", bad, []string{"ConfirmForgotPassword"}},
		"sign_up":         {"SignUp", "UNCONFIRMED", upstreamtest.Reply{Status: 200, Body: `{"UserConfirmed":false}`}, []string{"SignUp"}},
		"auto_confirmed":  {"SignUp", "CONFIRMED", upstreamtest.Reply{Status: 200, Body: `{"UserConfirmed":true}`}, []string{"SignUp", signUp}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.User["UserStatus"] = tc.status
			f.Replies[tc.action] = tc.reply
			_, origin := start(t, f)
			status, _, body := upstreamtest.CallCognito(t, origin, tc.action, map[string]any{
				"ClientId": "c1", "UserPoolId": upstreamtest.Pool, "Username": "a@x.example", "ClientMetadata": map[string]string{"k": "v"},
			})
			if status != tc.reply.Status || body != tc.reply.Body {
				t.Errorf("answer changed: %d %s", status, body)
			}
			if diff := cmp.Diff(tc.want, f.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfirmSignUpVerifiesTheAddress(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.User["UserAttributes"] = upstreamtest.Attributes("sub", "u-1", "email", "a@x.example")
	_, origin := start(t, f)
	upstreamtest.CallCognito(t, origin, "ConfirmSignUp", map[string]any{"ClientId": "c1", "Username": "a@x.example"})
	want := []string{"ConfirmSignUp", "AdminUpdateUserAttributes", "PostConfirmation_ConfirmSignUp"}
	if diff := cmp.Diff(want, f.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if !strings.Contains(f.Bodies()[1], `{"Name":"email_verified","Value":"true"}`) {
		t.Errorf("update %s", f.Bodies()[1])
	}
}

func TestAdminCreateUserFiresPreSignUp(t *testing.T) {
	t.Parallel()
	const create, fired = "AdminCreateUser", "PreSignUp_AdminCreateUser"
	let := upstreamtest.Reply{Status: 400, Body: `{"__type":"InvalidParameterException","message":"Username is required."}`}
	for name, tc := range map[string]struct {
		in     map[string]any
		exists bool
		reply  upstreamtest.Reply
		want   []string
	}{
		"new":           {map[string]any{"Username": "a@x.example"}, false, let, []string{create, fired, create}},
		"exists":        {map[string]any{"Username": "a@x.example"}, true, let, []string{create, create}},
		"resend":        {map[string]any{"Username": "a@x.example", "MessageAction": "RESEND"}, true, let, []string{create}},
		"denied_by_iam": {map[string]any{"Username": "a@x.example"}, false, upstreamtest.Reply{Status: 400, Body: `{"__type":"AccessDeniedException"}`}, []string{create, create}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			if !tc.exists {
				f.User = nil
			}
			f.Replies[create] = tc.reply
			_, origin := start(t, f)
			tc.in["UserPoolId"] = upstreamtest.Pool
			upstreamtest.CallCognito(t, origin, create, tc.in)
			if diff := cmp.Diff(tc.want, f.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if len(f.Payloads()) == 0 {
				return
			}
			var ev struct {
				UserName      string
				CallerContext callerContext
				Request       preSignUpRequest
			}
			if err := json.Unmarshal(f.Payloads()[0], &ev); err != nil {
				t.Fatal(err)
			}
			if ev.CallerContext.ClientID != adminClient || ev.Request.UserAttributes["email"] != "a@x.example" || len(ev.UserName) != 36 {
				t.Errorf("event %+v", ev)
			}
		})
	}
}

func TestSignUpRefusalIsWordedAsOnAWS(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ emulator, want string }{
		"json":       {`{"errorMessage": "Use another address", "errorType": "Refusal"}`, "PreSignUp failed with error Use another address."},
		"python":     {`{'errorMessage': 'it\'s "taken"', 'errorType': 'Refusal'}`, `PreSignUp failed with error it's "taken".`},
		"python_alt": {`{'errorMessage': "it's taken", 'errorType': 'Refusal'}`, "PreSignUp failed with error it's taken."},
		"plain":      {"Task timed out after 4.00 seconds", "PreSignUp failed with error Task timed out after 4.00 seconds."},
		"repaired":   {"PreSignUp failed with error x.", "PreSignUp failed with error x."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			body, err := json.Marshal(map[string]string{"__type": "UserLambdaValidationException", "message": tc.emulator})
			if err != nil {
				t.Fatal(err)
			}
			f.Replies["SignUp"] = upstreamtest.Reply{Status: 400, Body: string(body)}
			_, origin := start(t, f)
			_, _, got := upstreamtest.CallCognito(t, origin, "SignUp", map[string]any{"ClientId": "c1", "Username": "a@x.example"})
			var answer struct {
				Type    string `json:"__type"`
				Message string `json:"message"`
			}
			if err := json.Unmarshal([]byte(got), &answer); err != nil {
				t.Fatal(err)
			}
			if answer.Type != "UserLambdaValidationException" || answer.Message != tc.want {
				t.Errorf("got %+v, want %q", answer, tc.want)
			}
		})
	}
}

func TestSignUpNeedsPermission(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Policy = ""
	_, origin := start(t, f)
	_, _, body := upstreamtest.CallCognito(t, origin, "SignUp", map[string]any{"ClientId": "c1", "Username": "a@x.example"})
	if !strings.Contains(body, "PreSignUp invocation failed due to error AccessDeniedException.") || len(f.Calls()) != 0 {
		t.Errorf("got %s after %v", body, f.Calls())
	}
}
