package proxy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConfirmationFires(t *testing.T) {
	t.Parallel()
	const signUp, forgot = "PostConfirmation_ConfirmSignUp", "PostConfirmation_ConfirmForgotPassword"
	fine, bad := reply{status: 200, body: "{}"}, reply{status: 400, body: `{"__type":"CodeMismatchException"}`}
	for name, tc := range map[string]struct {
		action string
		status string
		reply  reply
		want   []string
	}{
		"confirm":         {"ConfirmSignUp", "CONFIRMED", fine, []string{"ConfirmSignUp", signUp}},
		"wrong_code":      {"ConfirmSignUp", "UNCONFIRMED", bad, []string{"ConfirmSignUp"}},
		"admin":           {"AdminConfirmSignUp", "UNCONFIRMED", fine, []string{"AdminConfirmSignUp", signUp}},
		"admin_repeats":   {"AdminConfirmSignUp", "CONFIRMED", fine, []string{"AdminConfirmSignUp"}},
		"forgot":          {"ConfirmForgotPassword", "CONFIRMED", fine, []string{"ConfirmForgotPassword", forgot}},
		"forgot_mismatch": {"ConfirmForgotPassword", "CONFIRMED", bad, []string{"ConfirmForgotPassword"}},
		"sign_up":         {"SignUp", "UNCONFIRMED", reply{status: 200, body: `{"UserConfirmed":false}`}, []string{"SignUp"}},
		"auto_confirmed":  {"SignUp", "CONFIRMED", reply{status: 200, body: `{"UserConfirmed":true}`}, []string{"SignUp", signUp}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.user["UserStatus"] = tc.status
			f.replies[tc.action] = tc.reply
			_, origin := edgeBefore(t, f)
			status, _, body := callCognito(t, origin, tc.action, map[string]any{
				"ClientId": "c1", "UserPoolId": testPool, "Username": "a@x.example", "ClientMetadata": map[string]string{"k": "v"},
			})
			if status != tc.reply.status || body != tc.reply.body {
				t.Errorf("answer changed: %d %s", status, body)
			}
			if diff := cmp.Diff(tc.want, f.calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfirmSignUpVerifiesTheAddress(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.user["UserAttributes"] = []attribute{{"sub", "u-1"}, {"email", "a@x.example"}}
	_, origin := edgeBefore(t, f)
	callCognito(t, origin, "ConfirmSignUp", map[string]any{"ClientId": "c1", "Username": "a@x.example"})
	want := []string{"ConfirmSignUp", "AdminUpdateUserAttributes", "PostConfirmation_ConfirmSignUp"}
	if diff := cmp.Diff(want, f.calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if !strings.Contains(f.bodies[1], `{"Name":"email_verified","Value":"true"}`) {
		t.Errorf("update %s", f.bodies[1])
	}
}

func TestAdminCreateUserFiresPreSignUp(t *testing.T) {
	t.Parallel()
	const create, fired = "AdminCreateUser", "PreSignUp_AdminCreateUser"
	let := reply{status: 400, body: `{"__type":"InvalidParameterException","message":"Username is required."}`}
	for name, tc := range map[string]struct {
		in     map[string]any
		exists bool
		reply  reply
		want   []string
	}{
		"new":           {map[string]any{"Username": "a@x.example"}, false, let, []string{create, fired, create}},
		"exists":        {map[string]any{"Username": "a@x.example"}, true, let, []string{create, create}},
		"resend":        {map[string]any{"Username": "a@x.example", "MessageAction": "RESEND"}, true, let, []string{create}},
		"denied_by_iam": {map[string]any{"Username": "a@x.example"}, false, reply{status: 400, body: `{"__type":"AccessDeniedException"}`}, []string{create, create}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			if !tc.exists {
				f.user = nil
			}
			f.replies[create] = tc.reply
			_, origin := edgeBefore(t, f)
			tc.in["UserPoolId"] = testPool
			callCognito(t, origin, create, tc.in)
			if diff := cmp.Diff(tc.want, f.calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if len(f.payloads) == 0 {
				return
			}
			var ev struct {
				UserName      string
				CallerContext callerContext
				Request       preSignUpRequest
			}
			if err := json.Unmarshal(f.payloads[0], &ev); err != nil {
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
			f := newFake(t)
			body, err := json.Marshal(map[string]string{"__type": "UserLambdaValidationException", "message": tc.emulator})
			if err != nil {
				t.Fatal(err)
			}
			f.replies["SignUp"] = reply{status: 400, body: string(body)}
			_, origin := edgeBefore(t, f)
			_, _, got := callCognito(t, origin, "SignUp", map[string]any{"ClientId": "c1", "Username": "a@x.example"})
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
	f := newFake(t)
	f.policy = ""
	_, origin := edgeBefore(t, f)
	_, _, body := callCognito(t, origin, "SignUp", map[string]any{"ClientId": "c1", "Username": "a@x.example"})
	if !strings.Contains(body, "PreSignUp invocation failed due to error AccessDeniedException.") || len(f.calls()) != 0 {
		t.Errorf("got %s after %v", body, f.calls())
	}
}
