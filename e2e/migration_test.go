package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
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
	old := func() *person {
		p := s.newPerson(t)
		p.PoolID, p.ClientID, p.Email = *pool.Id, *app.ClientId, "old."+strings.ToLower(p.Email)
		s.isInTheOldSystem(t, p.Email)
		return p
	}
	inbox := s.subscribe(t)

	app1 := old()
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

	forgot := old()
	for _, email := range []string{forgot.Email, nobody.Email} {
		must(c.ForgotPassword(t.Context(), &cognito.ForgotPasswordInput{ClientId: app.ClientId, Username: aws.String(email)}))(t)
	}
	must(c.ConfirmForgotPassword(t.Context(), &cognito.ConfirmForgotPasswordInput{
		ClientId: app.ClientId, Username: &forgot.Email, ConfirmationCode: aws.String(resetCode), Password: aws.String(password),
	}))(t)
	check(t, forgot.SignInByPassword(t.Context(), password))

	web := old()
	browser := newBrowser(t)
	form := formOf(t, browser.get(t, s.env["HOSTED_UI_URL"]+"/oauth2/authorize?"+url.Values{
		"client_id": {*app.ClientId}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
	}.Encode()))
	form.Set("username", web.Email)
	form.Set("password", oldPassword)
	if browser.post(t, s.env["HOSTED_UI_URL"]+"/login", form).Get("code") == "" {
		t.Error("the hosted page gave no code")
	}
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

// isInTheOldSystem adds a person to the table of imported hashes.
func (s *system) isInTheOldSystem(t *testing.T, address string) {
	t.Helper()
	table := strings.TrimSpace(must(s.run(t, "aws", "cloudformation", "describe-stacks", "--stack-name", "gatehouse-local-migration",
		"--query", "Stacks[0].Outputs[?OutputKey=='TableName'].OutputValue", "--output", "text"))(t))
	item := must(json.Marshal(map[string]any{
		"key": map[string]string{"S": "user#" + address}, "hash": map[string]string{"S": oldHash}, "verified": map[string]bool{"BOOL": true},
		"attributes": map[string]any{"M": map[string]any{"name": map[string]string{"S": "Ada"}}},
	}))(t)
	must(s.run(t, "aws", "dynamodb", "put-item", "--table-name", table, "--item", string(item)))(t)
}
