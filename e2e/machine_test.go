package e2e

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"gatehouse.example/tools/actors"
)

// TestMachineGetsATokenForTheAPI with an OAuth library, and checks the token's
// signature, lifetime and claims.
func TestMachineGetsATokenForTheAPI(t *testing.T) {
	t.Parallel()
	s := start(t)
	machine := s.machine("gatehouse/client")
	token := must(machine.Token(t.Context()))(t)
	if left := time.Until(token.Expiry); left > 15*time.Minute {
		t.Errorf("the token lives %s", left)
	}
	if token.RefreshToken != "" || token.Extra("id_token") != nil {
		t.Error("a machine got more than an access token")
	}
	issuer := "https://cognito-idp." + s.env["AWS_REGION"] + ".amazonaws.com/" + s.env["USER_POOL_ID"]
	ctx := oidc.InsecureIssuerURLContext(t.Context(), issuer)
	provider := must(oidc.NewProvider(ctx, s.env["AWS_ENDPOINT_URL"]+"/"+s.env["USER_POOL_ID"]))(t)
	// Cognito's access tokens name no audience.
	verified := must(provider.Verifier(&oidc.Config{SkipClientIDCheck: true}).Verify(ctx, token.AccessToken))(t)
	var claims struct {
		Use    string `json:"token_use"`
		Client string `json:"client_id"`
		Scope  string
	}
	if err := verified.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if claims.Use != "access" || claims.Client != s.env["MACHINE_CLIENT_ID"] || claims.Scope != "gatehouse/client" {
		t.Errorf("claims %+v", claims)
	}
}

// TestMachineClientIsLimitedToItsScope, which no other client gets.
func TestMachineClientIsLimitedToItsScope(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, change := range map[string]func(*actors.Machine){
		"scope_of_people":  func(m *actors.Machine) { m.Scopes = []string{"openid"} },
		"unknown_scope":    func(m *actors.Machine) { m.Scopes = []string{"gatehouse/admin"} },
		"one_scope_of_two": func(m *actors.Machine) { m.Scopes = []string{"gatehouse/client", "email"} },
		"wrong_secret":     func(m *actors.Machine) { m.Secret = "guessed" },
		"no_secret":        func(m *actors.Machine) { m.Secret = "" },
		"web_client":       func(m *actors.Machine) { m.ClientID, m.Secret = s.env["WEB_CLIENT_ID"], "" },
		"native_client":    func(m *actors.Machine) { m.ClientID, m.Secret = s.env["NATIVE_CLIENT_ID"], "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := s.machine("gatehouse/client")
			change(config)
			var refused *oauth2.RetrieveError
			if token, err := config.Token(t.Context()); !errors.As(err, &refused) {
				t.Errorf("got %v, %v, want a refusal", token != nil, err)
			}
		})
	}
	t.Run("people_cannot_use_it", func(t *testing.T) {
		t.Parallel()
		p := s.member(t)
		var refused *types.NotAuthorizedException
		var invalid *types.InvalidParameterException
		_, err := p.c.cognito.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
			ClientId: aws.String(s.env["MACHINE_CLIENT_ID"]), AuthFlow: types.AuthFlowTypeUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": p.Email, "PASSWORD": password},
		})
		if !errors.As(err, &refused) && !errors.As(err, &invalid) {
			t.Errorf("got %v, want a refusal", err)
		}
	})
}

// TestMachineSecretIsInTheEnvFileOnly looks for it where everybody reads.
func TestMachineSecretIsInTheEnvFileOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.clients(t)
	machine := s.machine("gatehouse/client")
	must(machine.Token(t.Context()))(t)
	s.member(t)
	eventually(t, "a log line", func() bool { return s.logsOf(t, "/gatehouse/") != "" })
	s.nothingInLogs(t, s.env["MACHINE_CLIENT_SECRET"])
	stacks := must(c.cloudformation.DescribeStacks(t.Context(), nil))(t)
	for _, stack := range stacks.Stacks {
		for _, o := range stack.Outputs {
			if aws.ToString(o.OutputValue) == s.env["MACHINE_CLIENT_SECRET"] {
				t.Errorf("%s: output %s is the secret", *stack.StackName, *o.OutputKey)
			}
		}
	}
}
