package triggers

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// oldSystem answers UserMigration with a person, and everything else as it came.
func oldSystem(response string) func(http.ResponseWriter, *http.Request, []byte) {
	return func(w http.ResponseWriter, _ *http.Request, payload []byte) {
		var ev map[string]any
		if json.Unmarshal(payload, &ev) == nil && strings.HasPrefix(ev["triggerSource"].(string), "UserMigration_") {
			ev["response"] = json.RawMessage(response)
		}
		upstreamtest.WriteJSON(w, 200, ev)
	}
}

// TestUserMigrationFires: for an unknown user whose password is sent as it is, or forgotten.
func TestUserMigrationFires(t *testing.T) {
	t.Parallel()
	const signIn, forgot, pre = "UserMigration_Authentication", "UserMigration_ForgotPassword", "PreAuthentication_Authentication"
	const ada = `{"userAttributes":{"email":"a@x.example"},"finalUserStatus":"CONFIRMED","messageAction":"SUPPRESS"}`
	params := map[string]string{"USERNAME": "a@x.example", "PASSWORD": "p"}
	flow := func(name string) map[string]any { return map[string]any{"AuthFlow": name, "AuthParameters": params} }
	for name, tc := range map[string]struct {
		action   string
		in       map[string]any
		response string
		change   func(*upstreamtest.Fake)
		want     []string
		migrated string
	}{
		"sign_in":        {"InitiateAuth", flow("USER_PASSWORD_AUTH"), ada, nil, []string{signIn, "AdminCreateUser", migrateUser, pre, "InitiateAuth"}, `"Password":"p","Status":"CONFIRMED"`},
		"status_left":    {"InitiateAuth", flow("USER_PASSWORD_AUTH"), `{"userAttributes":{"email":"a@x.example"}}`, nil, []string{signIn, "AdminCreateUser", migrateUser, pre, "InitiateAuth"}, `"Password":"p","Status":"RESET_REQUIRED"`},
		"srp":            {"InitiateAuth", flow("USER_SRP_AUTH"), ada, nil, []string{pre, "InitiateAuth"}, ""},
		"known":          {"InitiateAuth", flow("USER_PASSWORD_AUTH"), ada, func(f *upstreamtest.Fake) { f.User = map[string]any{"Username": "u-1"} }, []string{pre, "InitiateAuth"}, ""},
		"no_trigger":     {"InitiateAuth", flow("USER_PASSWORD_AUTH"), ada, func(f *upstreamtest.Fake) { delete(f.Functions, "UserMigration") }, []string{pre, "InitiateAuth"}, ""},
		"not_allowed":    {"InitiateAuth", flow("USER_PASSWORD_AUTH"), ada, func(f *upstreamtest.Fake) { f.Client["ExplicitAuthFlows"] = []string{"ALLOW_USER_SRP_AUTH"} }, []string{"InitiateAuth"}, ""},
		"no_attributes":  {"InitiateAuth", flow("USER_PASSWORD_AUTH"), `{}`, nil, []string{signIn, pre, "InitiateAuth"}, ""},
		"forgot":         {"ForgotPassword", map[string]any{"Username": "a@x.example"}, `{"userAttributes":{"email":"a@x.example"},"finalUserStatus":"RESET_REQUIRED"}`, nil, []string{forgot, "AdminCreateUser", migrateUser, "ForgotPassword"}, `"Password":null,"Status":"RESET_REQUIRED"`},
		"forgot_unknown": {"ForgotPassword", map[string]any{"Username": "a@x.example"}, `null`, nil, []string{forgot, "ForgotPassword"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.User, f.Functions["UserMigration"], f.Invoke = nil, upstreamtest.Function, oldSystem(tc.response)
			if tc.change != nil {
				tc.change(f)
			}
			_, origin := start(t, f)
			in := map[string]any{"ClientId": "c1"}
			for key, value := range tc.in {
				in[key] = value
			}
			upstreamtest.CallCognito(t, origin, tc.action, in)
			if diff := cmp.Diff(tc.want, f.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if all := strings.Join(f.Bodies(), "\n"); !strings.Contains(all, tc.migrated) || strings.Contains(all, `"Status"`) != (tc.migrated != "") {
				t.Errorf("bodies %s, want %s", all, tc.migrated)
			}
		})
	}
}

// TestUserMigrationThatFails: a client that hides users learns nothing, and another one what
// AWS says.
func TestUserMigrationThatFails(t *testing.T) {
	t.Parallel()
	for existence, want := range map[string]string{"ENABLED": "of the emulator", "LEGACY": "Exception migrating user in app client c1"} {
		t.Run(existence, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.User, f.Functions["UserMigration"], f.Client["PreventUserExistenceErrors"] = nil, upstreamtest.Function, existence
			delete(f.Functions, "PreAuthentication")
			f.Invoke = func(w http.ResponseWriter, _ *http.Request, _ []byte) {
				w.Header().Set("X-Amz-Function-Error", "Unhandled")
				_, _ = w.Write([]byte(`{"errorMessage":"no"}`))
			}
			f.Replies["InitiateAuth"] = upstreamtest.Reply{Status: 400, Body: `{"__type":"NotAuthorizedException","message":"of the emulator"}`}
			_, origin := start(t, f)
			_, _, body := upstreamtest.CallCognito(t, origin, "InitiateAuth", map[string]any{
				"ClientId": "c1", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": "a@x.example", "PASSWORD": "p"},
			})
			if !strings.Contains(body, want) {
				t.Errorf("%s, want %s", body, want)
			}
		})
	}
}

// TestMigrateUserIsTheProxysOwn: nobody else sets passwords with it.
func TestMigrateUserIsTheProxysOwn(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	_, origin := start(t, f)
	status, _, body := upstreamtest.CallCognito(t, origin, migrateUser, map[string]any{"UserPoolId": upstreamtest.Pool})
	if status == 200 || !strings.Contains(body, "UnknownOperationException") || len(f.Calls()) != 0 {
		t.Errorf("%d %s after %v", status, body, f.Calls())
	}
}
