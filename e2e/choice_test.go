package e2e

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"golang.org/x/oauth2"

	"gatehouse.example/contracts"
)

// choicePool makes a pool and a client with the sign-in policy and the flows that the
// platform's template has with EmailCodes=on, and with the platform's triggers.
func (s *system) choicePool(t *testing.T) (pool, client string) {
	t.Helper()
	c := s.clients(t).cognito
	deployed := must(c.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: s.pool()}))(t).UserPool
	var policy types.SignInPolicyType
	var flows []types.ExplicitAuthFlowsType
	with := map[string]string{"EmailCodes": "on"}
	s.platform(t, with, &policy, "UserPool", "Policies", "SignInPolicy")
	s.platform(t, with, &flows, "WebClient", "ExplicitAuthFlows")
	made := must(c.CreateUserPool(t.Context(), &cognito.CreateUserPoolInput{
		PoolName: aws.String("choice"), LambdaConfig: deployed.LambdaConfig, UsernameAttributes: deployed.UsernameAttributes,
		AutoVerifiedAttributes: deployed.AutoVerifiedAttributes,
		Policies:               &types.UserPoolPolicyType{PasswordPolicy: deployed.Policies.PasswordPolicy, SignInPolicy: &policy},
	}))(t).UserPool
	t.Cleanup(func() {
		_, err := c.DeleteUserPool(context.WithoutCancel(t.Context()), &cognito.DeleteUserPoolInput{UserPoolId: made.Id})
		if err != nil {
			t.Error(err)
		}
	})
	app := must(c.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: made.Id, ClientName: aws.String("web"), ExplicitAuthFlows: flows,
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode},
		AllowedOAuthScopes: []string{"openid", "email"}, CallbackURLs: []string{callback}, SupportedIdentityProviders: []string{"COGNITO"},
		PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
	}))(t).UserPoolClient
	return aws.ToString(made.Id), aws.ToString(app.ClientId)
}

// TestEmailCode signs in on the hosted pages without a password. It is a sign-in like any
// other: one attempt, whatever the person chooses and mistypes, and one success.
func TestEmailCode(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	p := s.newPerson(t)
	p.PoolID, p.ClientID = s.choicePool(t)
	p.signUp(t)
	p.confirm(t)

	app := oauth2.Config{
		ClientID: p.ClientID, RedirectURL: callback, Scopes: []string{"openid", "email"},
		Endpoint: oauth2.Endpoint{AuthURL: s.env["HOSTED_UI_URL"] + "/oauth2/authorize", TokenURL: s.env["HOSTED_UI_URL"] + "/oauth2/token"},
	}
	verifier := oauth2.GenerateVerifier()
	b, login := newBrowser(t), s.env["HOSTED_UI_URL"]+"/login"
	form := formOf(t, b.get(t, app.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier))))
	form.Set("username", p.Email)
	choice := formOf(t, must(b.PostForm(login, form))(t))
	choice.Set("challenge", "EMAIL_OTP")
	code := formOf(t, must(b.PostForm(login, choice))(t))
	code.Set("code", "000000")
	if back := b.post(t, login, code); back.Get("code") != "" {
		t.Fatal("a wrong code signs in")
	}
	code.Set("code", signUpCode)
	token := must(app.Exchange(t.Context(), b.post(t, login, code).Get("code"), oauth2.VerifierOption(verifier)))(t)
	if id, _ := token.Extra("id_token").(string); parseToken(t, id).claims["sub"] != p.Sub {
		t.Errorf("signed in as %v, want %s", parseToken(t, id).claims["sub"], p.Sub)
	}
	inbox.wait(t, 1, of(contracts.TypeSigninSucceeded, p.Sub))
	s.barrier(t, inbox)
	exactly(t, inbox, 1, of(contracts.TypeSigninAttempted, p.Sub))
	exactly(t, inbox, 1, of(contracts.TypeSigninSucceeded, p.Sub))
}
