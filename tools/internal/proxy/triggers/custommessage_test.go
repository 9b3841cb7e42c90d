package triggers

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// writer answers CustomMessage with a message, and everything else as it came.
func writer(message string) func(http.ResponseWriter, *http.Request, []byte) {
	return func(w http.ResponseWriter, _ *http.Request, payload []byte) {
		var ev map[string]any
		if json.Unmarshal(payload, &ev) == nil && strings.HasPrefix(ev["triggerSource"].(string), "CustomMessage_") {
			ev["response"] = map[string]any{"emailSubject": "Betreff", "emailMessage": message, "smsMessage": "x"}
		}
		upstreamtest.WriteJSON(w, 200, ev)
	}
}

// TestCustomMessageFires: where Cognito sends a code, and the mail becomes the function's.
func TestCustomMessageFires(t *testing.T) {
	t.Parallel()
	const sent = `{"CodeDeliveryDetails":{}}`
	for name, tc := range map[string]struct {
		action, reply string
		status        int
		want          []string
		code          string
	}{
		"sign_up":         {"SignUp", `{"UserConfirmed":false}`, 200, []string{"SignUp", "CustomMessage_SignUp", recordMessage}, "123456"},
		"confirmed":       {"SignUp", `{"UserConfirmed":true}`, 200, []string{"SignUp", "PostConfirmation_ConfirmSignUp"}, ""},
		"resent":          {"ResendConfirmationCode", sent, 200, []string{"ResendConfirmationCode", "CustomMessage_ResendCode", recordMessage}, "123456"},
		"forgotten":       {"ForgotPassword", sent, 200, []string{"ForgotPassword", "CustomMessage_ForgotPassword", recordMessage}, "654321"},
		"reset_by_admin":  {"AdminResetUserPassword", `{}`, 200, []string{"AdminResetUserPassword", "CustomMessage_ForgotPassword", recordMessage}, "654321"},
		"refused_forgot":  {"ForgotPassword", `{"__type":"LimitExceededException"}`, 400, []string{"ForgotPassword"}, ""},
		"refused_sign_up": {"SignUp", `{"__type":"UsernameExistsException"}`, 400, []string{"SignUp"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Functions["CustomMessage"], f.Invoke = upstreamtest.Function, writer("Ihr Code ist {####}")
			f.Replies[tc.action] = upstreamtest.Reply{Status: tc.status, Body: tc.reply}
			f.Replies[recordMessage] = upstreamtest.Reply{Status: 200, Body: "{}"}
			_, origin := start(t, f)
			status, _, body := upstreamtest.CallCognito(t, origin, tc.action, map[string]any{
				"ClientId": "c1", "UserPoolId": upstreamtest.Pool, "Username": "a@x.example", "ClientMetadata": map[string]string{"lang": "de"},
			})
			if status != tc.status || body != tc.reply {
				t.Errorf("answer changed: %d %s", status, body)
			}
			if diff := cmp.Diff(tc.want, f.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if tc.code == "" {
				return
			}
			want := `{"Code":"` + tc.code + `","EmailMessage":"Ihr Code ist {####}","EmailSubject":"Betreff","Replace":true,"To":"a@x.example","UserPoolId":"` + upstreamtest.Pool + `","Username":"u-1"}`
			if got := f.Bodies()[len(f.Bodies())-1]; got != want {
				t.Errorf("recorded %s, want %s", got, want)
			}
			if got := string(f.Payloads()[0]); !strings.Contains(got, `"codeParameter":"{####}","usernameParameter":null,"clientMetadata":{"lang":"de"}`) {
				t.Errorf("payload %s", got)
			}
		})
	}
}

// TestCustomMessageIsOptional: without a function, a text or a user, the emulator's mail stays.
func TestCustomMessageIsOptional(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*upstreamtest.Fake){
		"no_function": func(f *upstreamtest.Fake) { delete(f.Functions, "CustomMessage") },
		"no_text": func(f *upstreamtest.Fake) {
			f.Invoke = func(w http.ResponseWriter, _ *http.Request, p []byte) { _, _ = w.Write(p) }
		},
		"no_user":    func(f *upstreamtest.Fake) { f.User = nil },
		"no_address": func(f *upstreamtest.Fake) { f.User["UserAttributes"] = upstreamtest.Attributes("sub", "u-1") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Functions["CustomMessage"], f.Invoke = upstreamtest.Function, writer("{####}")
			f.Replies["ForgotPassword"] = upstreamtest.Reply{Status: 200, Body: "{}"}
			change(f)
			_, origin := start(t, f)
			status, _, body := upstreamtest.CallCognito(t, origin, "ForgotPassword", map[string]any{"ClientId": "c1", "Username": "a@x.example"})
			if status != 200 || body != "{}" || strings.Contains(strings.Join(f.Calls(), " "), recordMessage) {
				t.Errorf("%d %s after %v", status, body, f.Calls())
			}
		})
	}
}

// TestCustomMessageThatFails: Cognito sends nothing, and the caller gets the error.
func TestCustomMessageThatFails(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Functions["CustomMessage"] = upstreamtest.Function
	f.Invoke = func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = w.Write([]byte(`{"errorMessage":"no"}`))
	}
	f.Replies["ForgotPassword"] = upstreamtest.Reply{Status: 200, Body: "{}"}
	f.Replies[recordMessage] = upstreamtest.Reply{Status: 200, Body: "{}"}
	_, origin := start(t, f)
	status, _, body := upstreamtest.CallCognito(t, origin, "ForgotPassword", map[string]any{"ClientId": "c1", "Username": "a@x.example"})
	if status != 400 || !strings.Contains(body, "CustomMessage failed with error no.") {
		t.Errorf("%d %s", status, body)
	}
	if last := f.Bodies()[len(f.Bodies())-1]; !strings.Contains(last, `"Withdraw":true`) {
		t.Errorf("recorded %s", last)
	}
}

// TestChangedAddressGetsAMail: to the new address, with the pool's text if there is no function.
func TestChangedAddressGetsAMail(t *testing.T) {
	t.Parallel()
	for name, written := range map[string]bool{"by_the_function": true, "by_the_pool": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Verify = []string{"email"}
			want := `"EmailMessage":null`
			if written {
				f.Functions["CustomMessage"], f.Invoke = upstreamtest.Function, writer("neu {####}")
				want = `"EmailMessage":"neu {####}"`
			}
			_, origin := start(t, f)
			update(t, origin, upstreamtest.Attributes("email", "new@y.example")...)
			if last := f.Bodies()[len(f.Bodies())-1]; !strings.Contains(last, want) || !strings.Contains(last, `"To":"new@y.example"`) || strings.Contains(last, "Replace") {
				t.Errorf("recorded %s", last)
			}
			if written && !strings.Contains(string(f.Payloads()[0]), `"CustomMessage_UpdateUserAttribute"`) {
				t.Errorf("payload %s", f.Payloads()[0])
			}
		})
	}
}

// TestRecordMessageIsTheProxysOwn: nobody else writes mails with it.
func TestRecordMessageIsTheProxysOwn(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	status, _, body := upstreamtest.CallCognito(t, origin, recordMessage, map[string]any{"UserPoolId": upstreamtest.Pool})
	if status == 200 || !strings.Contains(body, "UnknownOperationException") || len(f.Calls()) != 0 {
		t.Errorf("%d %s after %v", status, body, f.Calls())
	}
}
