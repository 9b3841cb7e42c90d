package integration

import (
	"net/http"
	"strings"
	"testing"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"gatehouse.example/tools/actors"
)

// TestApi: each route accepts its own kind of token and answers any other with a problem.
func TestApi(t *testing.T) {
	t.Parallel()
	e := here(t)
	p, machine := e.signedIn(t), e.machineToken(t)
	for name, tc := range map[string]struct {
		path, token string
		status      int
		says        string
	}{
		"guest":                 {"/guest", "", 200, ""},
		"description":           {"/openapi.json", "", 200, `"openapi":"3.1.0"`},
		"user":                  {"/user", p.IDToken, 200, p.Sub},
		"user_without_token":    {"/user", "", 401, ""},
		"user_access_token":     {"/user", p.AccessToken, 401, ""},
		"user_as_machine":       {"/user", machine, 401, ""},
		"user_broken_token":     {"/user", p.IDToken[:len(p.IDToken)-8] + "AAAAAAAA", 401, ""},
		"client":                {"/client", machine, 200, "gatehouse/client"},
		"client_without_token":  {"/client", "", 401, ""},
		"client_as_user":        {"/client", p.IDToken, 401, ""},
		"client_access_of_user": {"/client", p.AccessToken, 401, ""},
		"activity":              {"/activity", p.IDToken, 200, `"items"`},
		"activity_no_token":     {"/activity", "", 401, ""},
		"activity_as_machine":   {"/activity", machine, 401, ""},
		"activity_of_others":    {"/activity/00000000-0000-4000-8000-000000000000", p.IDToken, 403, ""},
		"activity_bad_limit":    {"/activity?limit=0", p.IDToken, 400, ""},
		"nothing":               {"/nope", "", 404, ""},
		"nothing_with_token":    {"/nope", p.IDToken, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := e.ask(t, tc.path, tc.token)
			if tc.status != http.StatusOK {
				got.isProblem(t, tc.status)
				return
			}
			if body := strings.ReplaceAll(string(got.Body), " ", ""); got.Status != http.StatusOK || !strings.Contains(body, tc.says) {
				t.Errorf("GET %s: %d, want 200 with %q", tc.path, got.Status, tc.says)
			}
		})
	}
}

// machineToken is the machine client's. Its secret is not printed anywhere.
func (e *environment) machineToken(t *testing.T) string {
	t.Helper()
	m := actors.Machine{
		ClientID: e.of(t, "platform/machine-client-id"), Origin: e.of(t, "platform/hosted-ui-url"),
		Scopes: []string{e.of(t, "platform/resource-server-id") + "/client"},
	}
	if err := m.ReadSecret(t.Context(), cognito.NewFromConfig(e.cfg), e.of(t, "platform/user-pool-id")); err != nil {
		t.Fatal(err)
	}
	return must(m.Token(t.Context()))(t).AccessToken
}
