package integration

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// TestApi: each door opens to its own token and answers every other with a problem.
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
		"user":                  {"/user", p.idToken, 200, p.sub},
		"user_without_token":    {"/user", "", 401, ""},
		"user_access_token":     {"/user", p.accessToken, 401, ""},
		"user_as_machine":       {"/user", machine, 401, ""},
		"user_broken_token":     {"/user", p.idToken[:len(p.idToken)-8] + "AAAAAAAA", 401, ""},
		"client":                {"/client", machine, 200, "gatehouse/client"},
		"client_without_token":  {"/client", "", 401, ""},
		"client_as_user":        {"/client", p.idToken, 401, ""},
		"client_access_of_user": {"/client", p.accessToken, 401, ""},
		"activity":              {"/activity", p.idToken, 200, `"items"`},
		"activity_no_token":     {"/activity", "", 401, ""},
		"activity_as_machine":   {"/activity", machine, 401, ""},
		"activity_of_others":    {"/activity/00000000-0000-4000-8000-000000000000", p.idToken, 403, ""},
		"activity_bad_limit":    {"/activity?limit=0", p.idToken, 400, ""},
		"nothing":               {"/nope", "", 404, ""},
		"nothing_with_token":    {"/nope", p.idToken, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := e.ask(t, tc.path, tc.token)
			if tc.status != http.StatusOK {
				got.isProblem(t, tc.status)
				return
			}
			if body := strings.ReplaceAll(string(got.body), " ", ""); got.status != http.StatusOK || !strings.Contains(body, tc.says) {
				t.Errorf("GET %s: %d, want 200 with %q", tc.path, got.status, tc.says)
			}
		})
	}
}

// machineToken is the machine client's; its secret is nowhere printed.
func (e *environment) machineToken(t *testing.T) string {
	t.Helper()
	pool, id := e.of(t, "platform/user-pool-id"), e.of(t, "platform/machine-client-id")
	client := must(cognito.NewFromConfig(e.cfg).DescribeUserPoolClient(t.Context(), &cognito.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: &id}))(t)
	token, err := (&clientcredentials.Config{
		ClientID: id, ClientSecret: aws.ToString(client.UserPoolClient.ClientSecret), AuthStyle: oauth2.AuthStyleInHeader,
		TokenURL: e.of(t, "platform/hosted-ui-url") + "/oauth2/token", Scopes: []string{e.of(t, "platform/resource-server-id") + "/client"},
	}).Token(context.WithValue(t.Context(), oauth2.HTTPClient, http.DefaultClient))
	if err != nil {
		t.Fatalf("clientcredentials.Token: %v", err)
	}
	return token.AccessToken
}
