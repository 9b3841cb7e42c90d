package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/uuid"
)

// routes are those that require a token.
func routes() []string { return []string{"/user", "/activity", "/client"} }

// TestEachRouteAcceptsItsOwnTokens and no others.
func TestEachRouteAcceptsItsOwnTokens(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	for name, tc := range map[string]struct {
		token string
		opens []string
	}{
		"id_token":            {p.tokens(t).id, []string{"/user", "/activity"}},
		"access_token":        {p.tokens(t).access, nil},
		"token_of_a_machine":  {s.machineToken(t), []string{"/client"}},
		"of_a_second_machine": {s.secondMachine(t, "gatehouse/client"), []string{"/client"}},
		"wrong_scope":         {s.secondMachine(t, "other-"+uuid.NewString()[:8]+"/client"), nil},
		"refresh_token":       {p.tokens(t).refresh, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, route := range routes() {
				want := http.StatusUnauthorized
				for _, open := range tc.opens {
					if route == open {
						want = http.StatusOK
					}
				}
				s.expect(t, route, tc.token, want)
			}
		})
	}
	// The guests' route does not look at tokens.
	s.expect(t, "/guest", "", http.StatusOK)
	s.expect(t, "/guest", "no.token.atall", http.StatusOK)
}

// TestForgedTokens are refused by every route, whichever kind they imitate.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	s := start(t)
	p, other := s.member(t), s.member(t)
	pool := s.publicKey(t)
	own := newKey(t)
	for kind, good := range map[string]string{"id": p.tokens(t).id, "machine": s.machineToken(t)} {
		token := parseToken(t, good)
		for name, forged := range map[string]string{
			"alg_none":              token.header("alg", "none").unsigned(),
			"alg_none_in_capitals":  token.header("alg", "NONE").unsigned(),
			"hs256_with_public_key": token.header("alg", "HS256").hmac(pool.pem),
			"hs256_with_modulus":    token.header("alg", "HS256").hmac(pool.modulus),
			"unknown_kid":           token.header("kid", "unknown").signed(t, own),
			"no_kid":                token.header("kid", nil).signed(t, own),
			"own_key":               token.signed(t, own),
			"own_key_in_the_header": token.header("jwk", own.jwk()).signed(t, own),
			"own_keys_address":      token.header("jku", "http://127.0.0.1:1/keys").signed(t, own),
			"changed_claims":        token.claim("sub", other.Sub).withSignatureOf(good),
			"longer_life":           token.claim("exp", time.Now().Add(time.Hour).Unix()).withSignatureOf(good),
			"no_signature":          good[:strings.LastIndex(good, ".")+1],
			"two_parts":             good[:strings.LastIndex(good, ".")],
			"four_parts":            good + ".x",
			"no_token":              "",
			"not_a_token":           "no.token.atall",
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				for _, route := range routes() {
					s.expect(t, route, forged, http.StatusUnauthorized)
				}
			})
		}
	}
}

// TestTokensOfOtherPoolsAndClients have a valid signature and are refused.
func TestTokensOfOtherPoolsAndClients(t *testing.T) {
	t.Parallel()
	s := start(t)
	t.Run("another_pool", func(t *testing.T) {
		t.Parallel()
		p := s.newPerson(t)
		pool := must(p.c.cognito.CreateUserPool(t.Context(), &cognito.CreateUserPoolInput{PoolName: aws.String("stranger-" + p.domain)}))(t).UserPool.Id
		client := s.clientFor(t, pool, 60)
		must(p.c.cognito.AdminCreateUser(t.Context(), &cognito.AdminCreateUserInput{UserPoolId: pool, Username: &p.local}))(t)
		must(p.c.cognito.AdminSetUserPassword(t.Context(), &cognito.AdminSetUserPasswordInput{
			UserPoolId: pool, Username: &p.local, Password: aws.String(password), Permanent: true,
		}))(t)
		for _, route := range routes() {
			s.expect(t, route, s.tokenOf(t, p, client, p.local), http.StatusUnauthorized)
		}
	})
	t.Run("another_client", func(t *testing.T) {
		t.Parallel()
		p := s.member(t)
		token := s.tokenOf(t, p, s.clientFor(t, s.pool(), 60), p.Email)
		for _, route := range routes() {
			s.expect(t, route, token, http.StatusUnauthorized)
		}
		if _, body := s.ask(t, "/user", token); !strings.Contains(body, "another client") {
			t.Errorf("refused for another reason: %s", body)
		}
	})
	t.Run("expired", func(t *testing.T) {
		t.Parallel()
		p := s.member(t)
		token := s.tokenOf(t, p, s.clientFor(t, s.pool(), 1), p.Email)
		// Before, the function refuses it for its client; after, the gateway does.
		eventually(t, "the token to expire", func() bool {
			_, body := s.ask(t, "/user", token)
			return strings.Contains(body, "expired")
		})
		for _, route := range routes() {
			s.expect(t, route, token, http.StatusUnauthorized)
		}
	})
}

// expect checks the status, and that a refusal is a problem that reveals nothing.
func (s *system) expect(t *testing.T, route, token string, want int) {
	t.Helper()
	status, body := s.ask(t, route, token)
	if status != want {
		t.Errorf("%s: %d %s, want %d", route, status, body, want)
	}
	if want == http.StatusOK {
		return
	}
	var problem map[string]any
	if err := json.Unmarshal([]byte(body), &problem); err != nil || problem["title"] != "Unauthorized" || problem["trace_id"] == "" {
		t.Errorf("%s: no problem details: %s", route, body)
	}
	for name := range problem {
		if !strings.Contains("type title status detail trace_id", name) {
			t.Errorf("%s: the refusal tells %s: %s", route, name, body)
		}
	}
}

// clientFor makes a client whose ID tokens live so many seconds, which is shorter
// than AWS allows.
func (s *system) clientFor(t *testing.T, pool *string, seconds int32) *string {
	t.Helper()
	out := must(s.clients(t).cognito.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: pool, ClientName: aws.String("stranger"), IdTokenValidity: &seconds,
		TokenValidityUnits: &types.TokenValidityUnitsType{IdToken: types.TimeUnitsTypeSeconds},
		ExplicitAuthFlows:  []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	}))(t)
	return out.UserPoolClient.ClientId
}

// tokenOf is the ID token of a sign-in through a client.
func (s *system) tokenOf(t *testing.T, p *person, client *string, username string) string {
	t.Helper()
	out := must(p.c.cognito.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": username, "PASSWORD": password},
	}))(t)
	return aws.ToString(out.AuthenticationResult.IdToken)
}

func (s *system) machineToken(t *testing.T) string {
	t.Helper()
	config := s.machine("gatehouse/client")
	return must(config.Token(t.Context()))(t).AccessToken
}

// secondMachine is the token of another machine client of the pool, for one scope.
func (s *system) secondMachine(t *testing.T, scope string) string {
	t.Helper()
	c := s.clients(t).cognito
	server, name, _ := strings.Cut(scope, "/")
	if server != "gatehouse" {
		must(c.CreateResourceServer(t.Context(), &cognito.CreateResourceServerInput{
			UserPoolId: s.pool(), Identifier: &server, Name: &server,
			Scopes: []types.ResourceServerScopeType{{ScopeName: &name, ScopeDescription: aws.String("of another API")}},
		}))(t)
		t.Cleanup(func() {
			_, _ = c.DeleteResourceServer(context.WithoutCancel(t.Context()), &cognito.DeleteResourceServerInput{UserPoolId: s.pool(), Identifier: &server})
		})
	}
	made := must(c.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: s.pool(), ClientName: aws.String("second-machine"), GenerateSecret: true,
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeClientCredentials},
		AllowedOAuthScopes: []string{scope},
	}))(t).UserPoolClient
	config := s.machine(scope)
	config.ClientID, config.Secret = aws.ToString(made.ClientId), aws.ToString(made.ClientSecret)
	return must(config.Token(t.Context()))(t).AccessToken
}
