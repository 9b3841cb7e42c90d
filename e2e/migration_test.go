package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/contracts"
)

// oldPassword is that of everybody in the old system, and oldHash a bcrypt hash of it. It
// breaks the pool's policy, which Cognito does not apply to it.
const (
	oldPassword = "correct horse battery staple"
	oldHash     = "$2a$04$vvlrQSGugDhnMrpjrDg1r.BNjIIYozU941u2XrITwcX8MKztPLwSi"
)

// TestPeopleOfAnOldSystem: with the table of hashes, people who are not in the pool sign in by
// the API and on the hosted page with their old password, and set a new one if they forgot it.
// Each is announced once, as a migration.
func TestPeopleOfAnOldSystem(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.clients(t).cognito
	pool := must(c.CreateUserPool(t.Context(), &cognito.CreateUserPoolInput{
		PoolName: aws.String("old-system"), AutoVerifiedAttributes: []types.VerifiedAttributeType{"email"}, UsernameAttributes: []types.UsernameAttributeType{"email"},
	}))(t).UserPool
	t.Cleanup(func() {
		if _, err := c.DeleteUserPool(context.WithoutCancel(t.Context()), &cognito.DeleteUserPoolInput{UserPoolId: pool.Id}); err != nil {
			t.Error(err)
		}
	})
	const callback = "http://127.0.0.1:8400/callback"
	app := must(c.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: pool.Id, ClientName: aws.String("app"), ExplicitAuthFlows: []types.ExplicitAuthFlowsType{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{"code"}, AllowedOAuthScopes: []string{"openid", "email"},
		CallbackURLs: []string{callback}, SupportedIdentityProviders: []string{"COGNITO"}, PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
	}))(t).UserPoolClient
	out, err := s.gatehouse(t, "attach", "--user-pool-id", *pool.Id, "--environment", "local", "--trigger", "UserMigration", "--save", filepath.Join(t.TempDir(), "pool.json"), "--yes")
	if err != nil {
		t.Fatalf("attach: %v\n%s", err, out)
	}
	var lines strings.Builder
	old := func() *person {
		p := s.newPerson(t)
		p.PoolID, p.ClientID, p.Email = *pool.Id, *app.ClientId, "old."+strings.ToLower(p.Email)
		check(t, json.NewEncoder(&lines).Encode(map[string]any{"address": p.Email, "hash": oldHash, "emailVerified": true, "attributes": map[string]string{"name": "Ada"}}))
		return p
	}
	app1, forgot, web := old(), old(), old()
	people := filepath.Join(t.TempDir(), "people.jsonl")
	check(t, os.WriteFile(people, []byte(lines.String()), 0o600))
	s.users(t, "3 people are in the table now", "import", "--file", people, "--into", "table", "--environment", "local")
	inbox := s.subscribe(t)

	var refused *types.NotAuthorizedException
	if err := app1.SignInByPassword(t.Context(), "another horse"); !errors.As(err, &refused) {
		t.Errorf("a wrong password: %v", err)
	}
	check(t, app1.SignInByPassword(t.Context(), oldPassword))
	check(t, app1.SignInByPassword(t.Context(), oldPassword)) // now the pool knows it

	nobody := s.newPerson(t)
	nobody.PoolID, nobody.ClientID = *pool.Id, *app.ClientId
	if err := nobody.SignInByPassword(t.Context(), oldPassword); !errors.As(err, &refused) {
		t.Errorf("somebody unknown: %v", err)
	}

	for _, email := range []string{forgot.Email, nobody.Email} {
		must(c.ForgotPassword(t.Context(), &cognito.ForgotPasswordInput{ClientId: app.ClientId, Username: aws.String(email)}))(t)
	}
	must(c.ConfirmForgotPassword(t.Context(), &cognito.ConfirmForgotPasswordInput{
		ClientId: app.ClientId, Username: &forgot.Email, ConfirmationCode: aws.String(resetCode), Password: aws.String(password),
	}))(t)
	check(t, forgot.SignInByPassword(t.Context(), password))

	browser := newBrowser(t)
	form := formOf(t, browser.get(t, s.env["HOSTED_UI_URL"]+"/oauth2/authorize?"+url.Values{
		"client_id": {*app.ClientId}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
	}.Encode()))
	form.Set("username", web.Email)
	form.Set("password", oldPassword)
	if browser.post(t, s.env["HOSTED_UI_URL"]+"/login", form).Get("code") == "" {
		t.Error("the hosted page gave no code")
	}
	s.users(t, "3 of 3 people are in (100.0 %)", "forecast", "--file", people, "--user-pool-id", *pool.Id)
	backup := filepath.Join(t.TempDir(), "backup.jsonl")
	s.users(t, "3 users in", "export", "--user-pool-id", *pool.Id, "--file", backup)
	s.users(t, "3 people, no problems", "import", "--file", backup, "--into", "pool", "--user-pool-id", *pool.Id, "--check")
	found := must(c.ListUsers(t.Context(), &cognito.ListUsersInput{UserPoolId: pool.Id}))(t).Users
	if len(found) != 3 {
		t.Errorf("%d users, want 3", len(found))
	}
	for _, u := range found {
		sub := aws.ToString(u.Username)
		ev := inbox.wait(t, 1, of(contracts.TypeUserCreated, sub))[0].Event
		var data contracts.UserCreated
		check(t, ev.DataAs(&data))
		if data.Via != contracts.ViaMigration || ev.Source() != *pool.Arn {
			t.Errorf("created via %s in %s", data.Via, ev.Source())
		}
	}
	s.barrier(t, inbox)
	for _, u := range found {
		exactly(t, inbox, 1, of(contracts.TypeUserCreated, aws.ToString(u.Username)))
	}
}

// users runs `gatehouse users`, and looks for a text in what it prints.
func (s *system) users(t *testing.T, want string, args ...string) {
	t.Helper()
	out, err := s.gatehouse(t, append([]string{"users"}, args...)...)
	if err != nil || !strings.Contains(out, want) {
		t.Errorf("users %v: %v\n%s", args, err, out)
	}
}
