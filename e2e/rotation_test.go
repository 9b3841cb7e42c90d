package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/template"
)

// platform reads a property of a resource of the platform's template, as it is with
// these parameters, into a value of the SDK.
func (s *system) platform(t *testing.T, parameters map[string]string, to any, resource string, property ...string) {
	t.Helper()
	platform := must(template.ReadFile(filepath.Join(s.root, "platform", "template.yaml")))(t)
	parameters["Environment"] = "local"
	node := template.Get(platform.Root, append([]string{"Resources", resource, "Properties"}, property...)...)
	value := must(platform.Evaluator(parameters, nil).Value(t.Context(), node))(t)
	check(t, json.Unmarshal(must(json.Marshal(value))(t), to))
}

// rotatingClient makes a client with the flows and the rotation that the native client
// gets from the platform's template with RefreshTokenRotation=on. A replaced token stays
// valid for so many seconds, unless that is negative.
func (s *system) rotatingClient(t *testing.T, seconds int32) *string {
	t.Helper()
	in := cognito.CreateUserPoolClientInput{UserPoolId: s.pool(), ClientName: aws.String("rotating")}
	with := map[string]string{"NativePasswordFlow": "true", "RefreshTokenRotation": "on"}
	s.platform(t, with, &in.ExplicitAuthFlows, "NativeClient", "ExplicitAuthFlows")
	s.platform(t, with, &in.RefreshTokenRotation, "NativeClient", "RefreshTokenRotation")
	if seconds >= 0 {
		in.RefreshTokenRotation.RetryGracePeriodSeconds = &seconds
	}
	return must(s.clients(t).cognito.CreateUserPoolClient(t.Context(), &in))(t).UserPoolClient.ClientId
}

// endpointRefresh gets new tokens at the token endpoint and returns the status and the
// new refresh token.
func (s *system) endpointRefresh(t *testing.T, client, token string) (int, string) {
	t.Helper()
	resp := must(http.PostForm(s.env["HOSTED_UI_URL"]+"/oauth2/token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {client}, "refresh_token": {token},
	}))(t)
	defer resp.Body.Close()
	var out struct {
		Refresh string `json:"refresh_token"`
	}
	check(t, json.NewDecoder(resp.Body).Decode(&out))
	return resp.StatusCode, out.Refresh
}

// TestRotation refreshes with clients that rotate refresh tokens. None of it is a sign-in.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	sessions := map[string]*person{}
	for name, seconds := range map[string]int32{"with_grace": -1, "without_grace": 0} {
		p := s.member(t)
		p.ClientID = *s.rotatingClient(t, seconds)
		sessions[name] = p
		first := p.tokens(t).refresh
		check(t, p.Refresh(t.Context()))
		second := p.RefreshToken
		if second == first {
			t.Fatalf("%s: a refresh gave no new refresh token", name)
		}
		if err := p.Refresh(t.Context()); err != nil || p.RefreshToken == second {
			t.Errorf("%s: the new refresh token: %v", name, err)
		}
		p.RefreshToken = first
		var reused *types.RefreshTokenReuseException
		if err := p.Refresh(t.Context()); (seconds == 0) != errors.As(err, &reused) {
			t.Errorf("%s: the replaced refresh token: %v", name, err)
		}
	}
	p := sessions["without_grace"]
	held := p.tokens(t).refresh
	status, next := s.endpointRefresh(t, p.ClientID, held)
	if status != http.StatusOK || next == "" || next == held {
		t.Errorf("the token endpoint: %d, rotated %v", status, next != held)
	}
	if status, _ := s.endpointRefresh(t, p.ClientID, held); status != http.StatusBadRequest {
		t.Errorf("the replaced refresh token at the token endpoint: %d", status)
	}
	_, err := p.c.cognito.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: &p.ClientID, AuthFlow: types.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": next},
	})
	if err == nil {
		t.Error("REFRESH_TOKEN_AUTH works with a client that rotates refresh tokens")
	}
	s.barrier(t, inbox)
	for name, want := range map[string]int{"with_grace": 1, "without_grace": 2} {
		exactly(t, inbox, want, of(contracts.TypeSigninAttempted, sessions[name].Sub))
		exactly(t, inbox, want, of(contracts.TypeSigninSucceeded, sessions[name].Sub))
	}
}
