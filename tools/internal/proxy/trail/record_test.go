package trail

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// private is a part of every value in these tests that no record may have.
const private = "Private-1"

// account is a fake emulator, with a bus on which one rule gets every record of Cognito.
type account struct {
	*upstreamtest.Fake

	note     string // who signs
	messages chan string
	hold     chan struct{} // the bus's answers, until it is closed
}

func newAccount(t *testing.T) (origin string, a *account) {
	t.Helper()
	a = &account{Fake: upstreamtest.New(t), messages: make(chan string, 10)}
	a.User["UserAttributes"] = upstreamtest.Attributes("sub", "5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11", "email", private)
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	up := upstreamtest.Upstream(t, server.URL)
	trail := New(up, "local", slog.New(slog.DiscardHandler))
	go trail.Run(t.Context())
	proxy := httptest.NewServer(trail.Recording(up))
	t.Cleanup(proxy.Close)
	return proxy.URL, a
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const arn = "arn:aws:events:us-east-1:000000000000:rule/everything"
	switch r.Header.Get("X-Amz-Target") {
	case "AWSEvents.ListRules":
		if a.hold != nil {
			<-a.hold
		}
		upstreamtest.WriteJSON(w, 200, map[string]any{"Rules": []rule{{Name: "everything", ARN: arn, State: stateAll, EventPattern: `{"source":["aws.cognito-idp"]}`}}})
	case "AWSEvents.TestEventPattern":
		upstreamtest.WriteJSON(w, 200, map[string]bool{"Result": true})
	case "AWSEvents.ListTargetsByRule":
		upstreamtest.WriteJSON(w, 200, map[string]any{"Targets": []target{{ID: "Q", ARN: queueARN}}})
	case "AmazonSSM.GetParameter":
		upstreamtest.WriteJSON(w, 200, map[string]any{"Parameter": map[string]string{"Value": upstreamtest.Pool}})
	case "AmazonSQS.GetQueueUrl":
		upstreamtest.WriteJSON(w, 200, map[string]string{"QueueUrl": "http://queue"})
	case "AmazonSQS.SendMessage":
		var in struct{ MessageBody string }
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &in)
		a.messages <- in.MessageBody
	default:
		w.Header().Set("X-Amzn-Requestid", "the-answer's-id")
		if a.note != "" {
			w.Header().Set(upstream.NoteCaller, a.note)
		}
		a.Fake.ServeHTTP(w, r)
	}
}

// received is the next record, which the reader of the services must be able to read.
func (a *account) received(t *testing.T) (whole string, detail map[string]any) {
	t.Helper()
	select {
	case whole = <-a.messages:
	case <-time.After(10 * time.Second):
		t.Fatal("no record")
	}
	if _, err := cloudtrail.Parse([]byte(whole)); err != nil {
		t.Errorf("cloudtrail.Parse: %v", err)
	}
	if strings.Contains(whole, private) {
		t.Errorf("private values are in %s", whole)
	}
	var event struct {
		Source     string
		DetailType string `json:"detail-type"`
		Account    string
		Detail     map[string]any
	}
	if err := json.Unmarshal([]byte(whole), &event); err != nil {
		t.Fatal(err)
	}
	kind := map[any]string{"AwsApiCall": apiCall, "AwsServiceEvent": serviceEvent}[event.Detail["eventType"]]
	if event.Source != "aws.cognito-idp" || event.DetailType != kind || event.Account != "000000000000" {
		t.Errorf("envelope of %s", whole)
	}
	return whole, event.Detail
}

// same compares a record with a fixture. What differs from run to run is checked apart.
func same(t *testing.T, file string, detail map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	at, _ := detail["eventTime"].(string)
	if when, err := time.Parse(time.RFC3339, at); err != nil || time.Since(when) > time.Minute {
		t.Errorf("eventTime %q", at)
	}
	if id, _ := detail["eventID"].(string); len(id) != 36 {
		t.Errorf("eventID %q", id)
	}
	detail["eventTime"], detail["eventID"] = want["eventTime"], want["eventID"]
	if diff := cmp.Diff(want, detail); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

const (
	ofRole = `{"arn":"arn:aws:sts::000000000000:assumed-role/Support/desk-7","id":"AROAEXAMPLE","role":"arn:aws:iam::000000000000:role/people/Support"}`
	ofUser = `{"arn":"arn:aws:iam::000000000000:user/people/ada","id":"AIDAEXAMPLE"}`
	ofRoot = `{"arn":"arn:aws:iam::000000000000:root","id":""}`
)

// token is an access token of the fake's user.
const token = "e30.eyJzdWIiOiI1ZjBjNmEzZS02ZDBiLTRjN2UtOWQ1My0wZjZiMWYxZjhhMTEiLCJjbGllbnRfaWQiOiJjMSJ9." + private

func TestCalls(t *testing.T) {
	t.Parallel()
	type fields = map[string]any
	refuse := func(code, text string) upstreamtest.Reply {
		return upstreamtest.Reply{Status: 400, Body: `{"__type":"` + code + `","message":"` + text + `"}`}
	}
	ok := func(body string) upstreamtest.Reply { return upstreamtest.Reply{Status: 200, Body: body} }
	tokens := ok(`{"ChallengeParameters":{},"AuthenticationResult":{"AccessToken":"` + token + `","ExpiresIn":3600,"TokenType":"Bearer","RefreshToken":"` + private + `","IdToken":"` + private + `"}}`)
	signIn := fields{"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": "c1", "AuthParameters": fields{"USERNAME": private, "PASSWORD": private}}
	person := func(more fields) fields {
		in := fields{"UserPoolId": upstreamtest.Pool, "Username": private}
		for name, value := range more {
			in[name] = value
		}
		return in
	}
	for file, tc := range map[string]struct {
		action string
		in     fields
		reply  upstreamtest.Reply
		note   string
		change func(*account)
	}{
		"initiateauth-wrong-password.json": {"InitiateAuth", signIn, refuse("NotAuthorizedException", "Incorrect username or password."), "", nil},
		"initiateauth-unknown-user.json": {
			"InitiateAuth", signIn, refuse("NotAuthorizedException", "Incorrect username or password."), "", func(a *account) { a.User = nil },
		},
		"initiateauth-tokens.json": {"InitiateAuth", signIn, tokens, "", nil},
		"respondtoauthchallenge.json": {
			"RespondToAuthChallenge", fields{"ChallengeName": "SOFTWARE_TOKEN_MFA", "ClientId": "c1", "Session": private, "ChallengeResponses": fields{"USERNAME": private, "SOFTWARE_TOKEN_MFA_CODE": private}},
			refuse("CodeMismatchException", "Invalid code received for user"), "", nil,
		},
		"signup.json": {
			"SignUp", fields{"ClientId": "c1", "Username": private, "Password": private, "UserAttributes": upstreamtest.Attributes("email", private), "ClientMetadata": fields{"a": private}},
			ok(`{"UserConfirmed":false,"UserSub":"u-2","CodeDeliveryDetails":{"Destination":"` + private + `","DeliveryMedium":"EMAIL","AttributeName":"email"}}`), "", nil,
		},
		"changepassword.json": {"ChangePassword", fields{"AccessToken": token, "PreviousPassword": private, "ProposedPassword": private}, refuse("NotAuthorizedException", "Incorrect username or password."), "", func(a *account) {
			a.Replies["GetUser"] = ok(`{"Username":"u","UserAttributes":[{"Name":"sub","Value":"u-of-the-token"}]}`)
		}},
		"deleteuser.json":       {"DeleteUser", fields{"AccessToken": token}, ok(``), "", nil},
		"globalsignout.json":    {"GlobalSignOut", fields{"AccessToken": token}, ok(`{}`), "", nil},
		"getuser-forged.json":   {"GetUser", fields{"AccessToken": token}, refuse("NotAuthorizedException", "Invalid Access Token"), "", nil},
		"setusermfa.json":       {"SetUserMFAPreference", fields{"AccessToken": token, "SoftwareTokenMfaSettings": fields{"Enabled": true, "PreferredMfa": true}}, ok(`{}`), "", nil},
		"updateattributes.json": {"UpdateUserAttributes", fields{"AccessToken": token, "UserAttributes": upstreamtest.Attributes("email", private)}, ok(`{"CodeDeliveryDetailsList":[{"Destination":"` + private + `","DeliveryMedium":"EMAIL","AttributeName":"email"}]}`), "", nil},
		"admincreateuser.json": {
			"AdminCreateUser", person(fields{"TemporaryPassword": private, "UserAttributes": upstreamtest.Attributes("email", private), "MessageAction": "SUPPRESS"}),
			ok(`{"User":{"Username":"` + private + `","Attributes":[{"Name":"sub","Value":"u-3"},{"Name":"email","Value":"` + private + `"}],"UserCreateDate":1.795e9,"Enabled":true,"UserStatus":"FORCE_CHANGE_PASSWORD"}}`), ofRoot, nil,
		},
		"adminaddusertogroup.json": {"AdminAddUserToGroup", person(fields{"GroupName": "auditors"}), ok(``), ofRole, nil},
		"admindisableuser.json":    {"AdminDisableUser", person(nil), ok(`{}`), ofUser, nil},
		"admindeleteuser.json":     {"AdminDeleteUser", person(nil), upstreamtest.Reply{Status: 200}, ofRole, nil},
		"admin-denied.json": {
			"AdminEnableUser", person(nil), refuse("AccessDeniedException", "User: arn:aws:sts::000000000000:assumed-role/Support/desk-7 is not authorized to perform: cognito-idp:AdminEnableUser on resource: x"), "", nil,
		},
		"updateuserpoolclient.json": {
			"UpdateUserPoolClient", fields{"UserPoolId": upstreamtest.Pool, "ClientId": "c1", "CallbackURLs": []string{"https://app.example/"}},
			ok(`{"UserPoolClient":{"ClientId":"c1","ClientSecret":"` + private + `","RefreshTokenValidity":30}}`), ofRole, nil,
		},
		"createidentityprovider.json": {
			"CreateIdentityProvider", fields{"UserPoolId": upstreamtest.Pool, "ProviderName": "Example", "ProviderType": "OIDC", "ProviderDetails": fields{"client_secret": private}}, ok(`{}`), ofRole, nil,
		},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			origin, a := newAccount(t)
			if tc.change != nil {
				tc.change(a)
			}
			if _, set := a.Replies["GetUser"]; !set && tc.action != "GetUser" {
				a.Replies["GetUser"] = refuse("NotAuthorizedException", "Invalid Access Token")
			}
			a.Replies[tc.action], a.note = tc.reply, tc.note
			status, header, _ := upstreamtest.CallCognito(t, origin, tc.action, tc.in)
			if status != tc.reply.Status || header.Get("X-Amzn-Requestid") == "" || header.Get(upstream.NoteCaller) != "" {
				t.Errorf("status %d, headers %v", status, header)
			}
			_, detail := a.received(t)
			same(t, file, detail)
		})
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	const app = "response_type=code&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&client_id=c1"
	noted := http.Header{upstream.NoteUser: {private}, upstream.NoteClient: {"c1"}}
	for file, tc := range map[string]struct {
		method, target, form string
		basic                string // a client's id
		reply                upstreamtest.Reply
	}{
		"login-get.json":                  {http.MethodGet, "/login?" + app + "&state=" + private, "", "", upstreamtest.Reply{Status: 200}},
		"cognitoauthentication.json":      {http.MethodPost, "/login", app + "&username=" + private + "&password=" + private + "&_csrf=" + private, "", upstreamtest.Reply{Status: 302}},
		"login-error-post.json":           {http.MethodPost, "/login", app + "&username=" + private + "&password=" + private, "", upstreamtest.Reply{Status: 200, Header: http.Header{upstream.NoteProblem: {"true"}}}},
		"cognitoauthentication-step.json": {http.MethodPost, "/login", "np_token=" + private + "&new_password=" + private + "&_csrf=" + private, "", upstreamtest.Reply{Status: 302, Header: noted}},
		"mfa-totp-post.json": {http.MethodPost, "/mfa/totp", app + "&code=" + private + "&flow=" + private + "&_csrf=" + private, "", upstreamtest.Reply{Status: 400, Header: http.Header{
			upstream.NoteUser: {private}, upstream.NoteClient: {"c1"}, upstream.NoteProblem: {"CodeMismatchException: Invalid code received for user"},
		}}},
		"signup-post.json":               {http.MethodPost, "/signup", app + "&username=" + private + "&password=" + private + "&password_again=" + private + "&_csrf=" + private, "", upstreamtest.Reply{Status: 302}},
		"confirm-post.json":              {http.MethodPost, "/confirm", app + "&code=" + private + "&flow=" + private + "&_csrf=" + private, "", upstreamtest.Reply{Status: 302, Header: noted}},
		"token-post-code.json":           {http.MethodPost, "/oauth2/token", "grant_type=authorization_code&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&client_id=c1&code=" + private + "&code_verifier=" + private, "", upstreamtest.Reply{Status: 200}},
		"token-post-machine.json":        {http.MethodPost, "/oauth2/token", "grant_type=client_credentials&scope=events%2Fread", "c1", upstreamtest.Reply{Status: 200}},
		"token-post-refused.json":        {http.MethodPost, "/oauth2/token", "grant_type=client_credentials&client_id=c1&client_secret=" + private, "", upstreamtest.Reply{Status: 400}},
		"token-post-unknown-client.json": {http.MethodPost, "/oauth2/token", "grant_type=client_credentials&client_id=c9", "", upstreamtest.Reply{Status: 400}},
		"logout.json":                    {http.MethodGet, "/logout?client_id=c1&logout_uri=" + private, "", "", upstreamtest.Reply{Status: 302}},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			origin, a := newAccount(t)
			path, _, _ := strings.Cut(tc.target, "?")
			a.Replies[path] = tc.reply
			req := upstreamtest.Request(t, tc.method, origin+tc.target, tc.form)
			if tc.basic != "" {
				req.SetBasicAuth(tc.basic, private)
			}
			status, header, _ := upstreamtest.Do(t, req)
			if status != tc.reply.Status || header.Get(upstream.NoteUser)+header.Get(upstream.NoteClient) != "" {
				t.Errorf("status %d, headers %v", status, header)
			}
			_, detail := a.received(t)
			same(t, file, detail)
		})
	}
}

// Callers do not wait for the delivery. Records arrive in the order of the calls, and what
// does not fit in the queue is dropped.
func TestOrder(t *testing.T) {
	t.Parallel()
	origin, a := newAccount(t)
	wait := make(chan struct{})
	a.hold = wait
	actions := []string{"AdminDisableUser", "AdminEnableUser", "AdminUserGlobalSignOut", "SignUp", "AdminResetUserPassword"}
	for _, action := range actions {
		upstreamtest.CallCognito(t, origin, action, map[string]any{"UserPoolId": upstreamtest.Pool, "ClientId": "c1", "Username": private})
	}
	close(wait)
	for _, want := range actions {
		if _, detail := a.received(t); detail["eventName"] != want {
			t.Errorf("%v came before %s", detail["eventName"], want)
		}
	}
}

func TestFullQueueDrops(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	var log strings.Builder
	trail := New(upstreamtest.Upstream(t, f.Server.URL), "local", slog.New(slog.NewTextHandler(&log, nil)))
	for range capacity {
		trail.waiting <- entry{}
	}
	server := httptest.NewServer(trail.Recording(trail.up))
	t.Cleanup(server.Close)
	status, _, _ := upstreamtest.CallCognito(t, server.URL, "ForgotPassword", map[string]any{"ClientId": "c1", "Username": private})
	server.Close()
	if status != http.StatusOK || !strings.Contains(log.String(), "record dropped") || strings.Contains(log.String(), private) {
		t.Errorf("status %d, log %q", status, log.String())
	}
}

// A caller that AWS could not identify has no record, and neither has a page without one, or
// a call of which AWS cannot know whose account it is about.
func TestUnrecorded(t *testing.T) {
	t.Parallel()
	origin, a := newAccount(t)
	a.Replies["AdminEnableUser"] = upstreamtest.Reply{Status: 400, Body: `{"__type":"UnrecognizedClientException"}`}
	upstreamtest.CallCognito(t, origin, "AdminEnableUser", map[string]any{})
	for _, path := range []string{"/oauth2/revoke", "/app", "/"} {
		upstreamtest.Do(t, upstreamtest.Request(t, http.MethodPost, origin+path, "a=b"))
	}
	for _, action := range []string{"InitiateAuth", "GetUser"} {
		a.Replies[action] = upstreamtest.Reply{Status: 400, Body: `{"__type":"NotAuthorizedException"}`}
	}
	for _, in := range []map[string]any{{"ClientId": "c9"}, {}, {"AccessToken": "forged"}} {
		upstreamtest.CallCognito(t, origin, "InitiateAuth", in)
	}
	upstreamtest.CallCognito(t, origin, "RevokeToken", map[string]any{"ClientId": "c1", "Token": private})
	if _, detail := a.received(t); detail["eventName"] != "RevokeToken" {
		t.Errorf("%v is recorded", detail["eventName"])
	}
}
