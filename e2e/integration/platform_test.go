package integration

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/coreos/go-oidc/v3/oidc"
)

// tokenLife is the longest that an ID or access token may live.
const tokenLife = 15 * time.Minute

// TestPlatform: any OpenID Connect library finds the pool and accepts its tokens,
// the clients can do what they are for, and the pool calls every trigger.
func TestPlatform(t *testing.T) {
	t.Parallel()
	e := here(t)
	pool := e.of(t, "platform/user-pool-id")
	idp := cognito.NewFromConfig(e.cfg)
	t.Run("tokens", func(t *testing.T) {
		t.Parallel()
		p := e.signedIn(t)
		issuer := "https://cognito-idp." + e.cfg.Region + ".amazonaws.com/" + pool
		ctx, at := oidc.InsecureIssuerURLContext(t.Context(), issuer), issuer
		if e.cfg.BaseEndpoint != nil { // an emulator is elsewhere, with AWS's issuer
			at = *e.cfg.BaseEndpoint + "/" + pool
		}
		provider := must(oidc.NewProvider(ctx, at))(t)
		token := must(provider.Verifier(&oidc.Config{ClientID: p.ClientID}).Verify(ctx, p.IDToken))(t)
		if token.Subject != p.Sub || token.Issuer != issuer || token.Expiry.Sub(token.IssuedAt) > tokenLife {
			t.Errorf("token of %s about %s lives %s", token.Issuer, token.Subject, token.Expiry.Sub(token.IssuedAt))
		}
	})
	for name, wrong := range map[string]func(types.UserPoolClientType) string{
		"web-client-id": func(c types.UserPoolClientType) string {
			return first(c.ClientSecret != nil, "has a secret", !slices.Contains(c.AllowedOAuthFlows, types.OAuthFlowTypeCode), "has no code flow",
				slices.Contains(c.AllowedOAuthFlows, types.OAuthFlowTypeImplicit), "has the implicit flow")
		},
		"native-client-id": func(c types.UserPoolClientType) string {
			return first(c.ClientSecret != nil, "has a secret",
				!slices.Contains(c.ExplicitAuthFlows, types.ExplicitAuthFlowsTypeAllowUserSrpAuth), "has no SRP")
		},
		"machine-client-id": func(c types.UserPoolClientType) string {
			return first(c.ClientSecret == nil, "has no secret", len(c.AllowedOAuthFlows) != 1 || c.AllowedOAuthFlows[0] != types.OAuthFlowTypeClientCredentials,
				"has other flows than client credentials")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := e.of(t, "platform/"+name)
			client := *must(idp.DescribeUserPoolClient(t.Context(), &cognito.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: &id}))(t).UserPoolClient
			if is := wrong(client); is != "" {
				t.Errorf("the client %s", is)
			}
			if client.PreventUserExistenceErrors != types.PreventUserExistenceErrorTypesEnabled {
				t.Error("the client reveals who has an account")
			}
		})
	}
	t.Run("triggers", func(t *testing.T) {
		t.Parallel()
		out := must(idp.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &pool}))(t)
		triggers := out.UserPool.LambdaConfig
		if triggers == nil {
			t.Fatal("the pool has no triggers")
		}
		for resource, calls := range map[string]*string{
			"signup-guard/presignup-arn": triggers.PreSignUp, "user-events/postconfirmation-arn": triggers.PostConfirmation,
			"signin-audit/preauthentication-arn": triggers.PreAuthentication, "signin-audit/postauthentication-arn": triggers.PostAuthentication,
		} {
			if want := e.of(t, resource); aws.ToString(calls) != want || !strings.HasSuffix(want, ":live") {
				t.Errorf("the pool calls %q, and %s is %s", aws.ToString(calls), resource, want)
			}
		}
	})
}

// first is the text behind the first condition that holds.
func first(pairs ...any) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if holds, _ := pairs[i].(bool); holds {
			return pairs[i+1].(string)
		}
	}
	return ""
}
