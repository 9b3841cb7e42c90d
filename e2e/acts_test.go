package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

// caused is an event that an act has to cause.
type caused struct {
	typ string
	// who is a person of the stage by name, or app or machine: an event with that client and
	// without a user.
	who string
	// data is the event's in JSON. It is not compared if it is empty.
	data string
}

// act is what somebody does, and all that it has to cause.
type act struct {
	name string
	does func(*testing.T, *stage)
	want []caused
}

// stage has everybody who takes part in the story. The app client, the machine and the people
// are its own, so that events of other tests are told apart.
type stage struct {
	s            *system
	cognito      *cognito.Client
	support      *cognito.Client // of a role that may disable users
	app, machine *string
	secret       string // the machine's
	people       map[string]*person
	totp         string  // ada's secret
	session      *string // dora's, between two steps of her sign-in
}

// Data of events that occur more than once.
const (
	byUser  = `"by":{"kind":"user"}`
	byRoot  = `"by":{"kind":"root"}`
	nothing = `{}`
	wrong   = `{"reason":"wrong-password-or-unknown-user","via":"api"}`
)

func attempted(who string) caused { return caused{contracts.TypeSigninAttempted, who, nothing} }
func succeeded(who string) caused { return caused{contracts.TypeSigninSucceeded, who, nothing} }
func allowed(who string) caused   { return caused{typ: contracts.TypeSignupAllowed, who: who} }

func failed(who, data string) caused { return caused{contracts.TypeSigninFailed, who, data} }

func poolChanged(who, change, operation string) caused {
	return caused{contracts.TypePoolChanged, who, `{` + byRoot + `,"change":"` + change + `","operation":"` + operation + `"}`}
}

// refuses expects the call's error to have this code.
func refuses(t *testing.T, code string, err error) {
	t.Helper()
	var failure smithy.APIError
	if !errors.As(err, &failure) || failure.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// signIn starts a sign-in of a person by password, in the story's app.
func (g *stage) signIn(t *testing.T, name, password string) (*cognito.InitiateAuthOutput, error) {
	t.Helper()
	return g.cognito.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: g.app, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
	})
}

// answer answers a challenge.
func (g *stage) answer(t *testing.T, challenge types.ChallengeNameType, session *string, responses map[string]string) (*cognito.RespondToAuthChallengeOutput, error) {
	t.Helper()
	return g.cognito.RespondToAuthChallenge(t.Context(), &cognito.RespondToAuthChallengeInput{
		ClientId: g.app, ChallengeName: challenge, Session: session, ChallengeResponses: responses,
	})
}

// oneTime is the code of an authenticator app for a secret (RFC 6238).
func oneTime(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key := must(base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(strings.ToUpper(secret), "=")))(t)
	var step [8]byte
	binary.BigEndian.PutUint64(step[:], uint64(at.Unix()/30))
	mac := hmac.New(sha1.New, key)
	mac.Write(step[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}

// page signs a person in on the hosted pages, and returns the parameters of the redirect.
func (g *stage) page(t *testing.T, p *person, password string) url.Values {
	t.Helper()
	b := newBrowser(t)
	return b.post(t, g.s.env["HOSTED_UI_URL"]+"/login", g.signInForm(t, b, p, password))
}

// signInForm is the form of the hosted sign-in page, filled in.
func (g *stage) signInForm(t *testing.T, b *browser, p *person, password string) url.Values {
	t.Helper()
	query := url.Values{"client_id": {*g.app}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}}
	form := formOf(t, b.get(t, g.s.env["HOSTED_UI_URL"]+"/oauth2/authorize?"+query.Encode()))
	form.Set("username", p.Email)
	form.Set("password", password)
	return form
}

// token asks for a machine's token and returns the status.
func (g *stage) token(t *testing.T, secret string) int {
	t.Helper()
	resp := must(http.PostForm(g.s.env["HOSTED_UI_URL"]+"/oauth2/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {*g.machine}, "client_secret": {secret}, "scope": {"gatehouse/client"},
	}))(t)
	check(t, resp.Body.Close())
	return resp.StatusCode
}

// clientActs change the pool and get tokens for a machine.
func clientActs() []act {
	return []act{
		{
			"an app client is made", func(t *testing.T, g *stage) {
				g.app = must(g.cognito.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
					UserPoolId: g.s.pool(), ClientName: aws.String("story"), CallbackURLs: []string{callback},
					ExplicitAuthFlows: []types.ExplicitAuthFlowsType{
						types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowUserSrpAuth,
						types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth,
					},
					AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode},
					AllowedOAuthScopes: []string{"openid"}, SupportedIdentityProviders: []string{"COGNITO"},
					PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
				}))(t).UserPoolClient.ClientId
				for _, p := range g.people {
					p.ClientID = *g.app
				}
			}, []caused{poolChanged("app", "client", "CreateUserPoolClient")},
		},
		{
			"a client for a machine is made", func(t *testing.T, g *stage) {
				made := must(g.cognito.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
					UserPoolId: g.s.pool(), ClientName: aws.String("story-machine"), GenerateSecret: true,
					AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeClientCredentials},
					AllowedOAuthScopes: []string{"gatehouse/client"},
				}))(t).UserPoolClient
				g.machine, g.secret = made.ClientId, *made.ClientSecret
			}, []caused{poolChanged("machine", "client", "CreateUserPoolClient")},
		},
		{"the machine gets a token", func(t *testing.T, g *stage) {
			if status := g.token(t, g.secret); status != http.StatusOK {
				t.Errorf("status %d", status)
			}
		}, []caused{{contracts.TypeTokenIssued, "machine", nothing}}},
		{"the machine's secret is wrong", func(t *testing.T, g *stage) {
			if status := g.token(t, "guessed"); status != http.StatusBadRequest {
				t.Errorf("status %d", status)
			}
		}, nil}, // its event has no client: a request that is refused can name any
		{"the machine gets a second secret", func(t *testing.T, g *stage) {
			must(g.cognito.AddUserPoolClientSecret(t.Context(), &cognito.AddUserPoolClientSecretInput{UserPoolId: g.s.pool(), ClientId: g.machine}))(t)
		}, []caused{poolChanged("machine", "client-secret", "AddUserPoolClientSecret")}},
		{"the machine's client is changed", func(t *testing.T, g *stage) {
			must(g.cognito.UpdateUserPoolClient(t.Context(), &cognito.UpdateUserPoolClientInput{
				UserPoolId: g.s.pool(), ClientId: g.machine, ClientName: aws.String("story-machine-2"), AllowedOAuthFlowsUserPoolClient: true,
				AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeClientCredentials}, AllowedOAuthScopes: []string{"gatehouse/client"},
			}))(t)
		}, []caused{poolChanged("machine", "client", "UpdateUserPoolClient")}},
		{"a client of another pool is made", func(t *testing.T, g *stage) { g.s.choicePool(t) }, nil},
	}
}

// signInActs are sign-ins that fail and succeed.
func signInActs() []act {
	return []act{
		{"ada is refused at another address", func(t *testing.T, g *stage) {
			refused := *g.people["mallory"]
			if text := actors.Refusal(refused.SignUp(t.Context())); text == "" {
				t.Error("a disposable address is accepted")
			}
		}, []caused{{typ: contracts.TypeSignupRejected, who: "app"}}},
		{"ada signs up", func(t *testing.T, g *stage) { g.people["ada"].signUp(t) }, []caused{allowed("ada")}},
		{"ada signs in before she has confirmed", func(t *testing.T, g *stage) {
			_, err := g.signIn(t, g.people["ada"].Email, password)
			refuses(t, "UserNotConfirmedException", err)
		}, []caused{attempted("ada"), failed("ada", `{"reason":"not-confirmed","via":"api"}`)}},
		{
			"ada confirms", func(t *testing.T, g *stage) { g.people["ada"].confirm(t) },
			[]caused{{contracts.TypeUserCreated, "ada", `{"via":"signup"}`}},
		},
		{"ada mistypes her password", func(t *testing.T, g *stage) {
			_, err := g.signIn(t, g.people["ada"].Email, "Wrong-horse-7-battery")
			refuses(t, "NotAuthorizedException", err)
		}, []caused{attempted("ada"), failed("ada", wrong)}},
		{"ada mistypes her password, with SRP", func(t *testing.T, g *stage) {
			p := g.people["ada"]
			must(p.WrongPassword(t.Context(), p.SignInBySRP))(t)
		}, []caused{attempted("ada"), failed("ada", `{"challenge":"password-verifier",`+wrong[1:])}},
		{"a back end mistypes her password", func(t *testing.T, g *stage) {
			_, err := g.cognito.AdminInitiateAuth(t.Context(), &cognito.AdminInitiateAuthInput{
				UserPoolId: g.s.pool(), ClientId: g.app, AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth,
				AuthParameters: map[string]string{"USERNAME": g.people["ada"].Email, "PASSWORD": "Wrong-horse-7-battery"},
			})
			refuses(t, "NotAuthorizedException", err)
		}, []caused{attempted("ada"), failed("ada", wrong)}},
		{"somebody guesses an address", func(t *testing.T, g *stage) {
			_, err := g.signIn(t, "nobody@"+g.people["ada"].domain, password)
			refuses(t, "NotAuthorizedException", err)
		}, []caused{{contracts.TypeSigninAttempted, "app", `{"userNotFound":true}`}, failed("app", wrong)}},
		{"ada mistypes her password on the hosted page", func(t *testing.T, g *stage) {
			if back := g.page(t, g.people["ada"], "Wrong-horse-7-battery"); back.Has("code") {
				t.Error("she got a code")
			}
		}, []caused{attempted("ada"), failed("app", `{"reason":"unspecified","via":"page"}`)}},
		{"ada signs in on the hosted page", func(t *testing.T, g *stage) {
			if back := g.page(t, g.people["ada"], password); !back.Has("code") {
				t.Errorf("she got %v", back)
			}
		}, []caused{attempted("ada"), succeeded("ada")}},
		{"an app asks for a flow that its client does not have", func(t *testing.T, g *stage) {
			_, err := g.cognito.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
				ClientId: g.app, AuthFlow: types.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": g.people["ada"].Email},
			})
			refuses(t, "InvalidParameterException", err)
		}, []caused{failed("ada", `{"reason":"misconfigured-client","via":"api"}`)}},
		{"ada signs in", func(t *testing.T, g *stage) { g.people["ada"].signIn(t) }, []caused{attempted("ada"), succeeded("ada")}},
		{"ada gets new tokens", func(t *testing.T, g *stage) { check(t, g.people["ada"].Refresh(t.Context())) }, nil},
	}
}

// mfaActs add a second factor.
func mfaActs() []act {
	prefer := func(on bool) func(*testing.T, *stage) {
		return func(t *testing.T, g *stage) {
			must(g.cognito.SetUserMFAPreference(t.Context(), &cognito.SetUserMFAPreferenceInput{
				AccessToken: &g.people["ada"].AccessToken, SoftwareTokenMfaSettings: &types.SoftwareTokenMfaSettingsType{Enabled: on, PreferredMfa: on},
			}))(t)
		}
	}
	withCode := func(t *testing.T, g *stage, code string) error {
		out := must(g.signIn(t, g.people["ada"].Email, password))(t)
		_, err := g.answer(t, types.ChallengeNameTypeSoftwareTokenMfa, out.Session, map[string]string{"USERNAME": g.people["ada"].Sub, "SOFTWARE_TOKEN_MFA_CODE": code})
		return err
	}
	return []act{
		{"ada asks for an authenticator's secret", func(t *testing.T, g *stage) {
			g.totp = *must(g.cognito.AssociateSoftwareToken(t.Context(), &cognito.AssociateSoftwareTokenInput{AccessToken: &g.people["ada"].AccessToken}))(t).SecretCode
		}, nil},
		{"she mistypes its code", func(t *testing.T, g *stage) {
			_, err := g.cognito.VerifySoftwareToken(t.Context(), &cognito.VerifySoftwareTokenInput{
				AccessToken: &g.people["ada"].AccessToken, UserCode: aws.String(oneTime(t, g.totp, time.Now().Add(time.Hour))),
			})
			refuses(t, "EnableSoftwareTokenMFAException", err)
		}, nil},
		{"she types its code", func(t *testing.T, g *stage) {
			must(g.cognito.VerifySoftwareToken(t.Context(), &cognito.VerifySoftwareTokenInput{
				AccessToken: &g.people["ada"].AccessToken, UserCode: aws.String(oneTime(t, g.totp, time.Now())),
			}))(t)
		}, []caused{{contracts.TypeMFAChanged, "ada", `{` + byUser + `,"change":"software-token"}`}}},
		{"she prefers it", prefer(true), []caused{{contracts.TypeMFAChanged, "ada", `{` + byUser + `,"change":"preference"}`}}},
		{"she signs in and mistypes the code", func(t *testing.T, g *stage) {
			refuses(t, "CodeMismatchException", withCode(t, g, oneTime(t, g.totp, time.Now().Add(time.Hour))))
		}, []caused{attempted("ada"), failed("ada", `{"challenge":"software-token-mfa","reason":"code-wrong","via":"api"}`)}},
		{"she signs in with the code", func(t *testing.T, g *stage) {
			check(t, withCode(t, g, oneTime(t, g.totp, time.Now())))
		}, []caused{attempted("ada"), succeeded("ada")}},
		{"she signs in on the hosted page, and mistypes the code once", func(t *testing.T, g *stage) {
			b, origin := newBrowser(t), g.s.env["HOSTED_UI_URL"]
			code := formOf(t, must(b.PostForm(origin+"/login", g.signInForm(t, b, g.people["ada"], password)))(t))
			code.Set("code", oneTime(t, g.totp, time.Now().Add(time.Hour)))
			if back := b.post(t, origin+"/mfa/totp", code); back.Has("code") {
				t.Error("a wrong code signs in")
			}
			code.Set("code", oneTime(t, g.totp, time.Now()))
			if back := b.post(t, origin+"/mfa/totp", code); !back.Has("code") {
				t.Errorf("she got %v", back)
			}
		}, []caused{attempted("ada"), failed("app", `{"challenge":"software-token-mfa","reason":"code-wrong","via":"page"}`), succeeded("ada")}},
		{"she prefers it no longer", prefer(false), []caused{{contracts.TypeMFAChanged, "ada", `{` + byUser + `,"change":"preference"}`}}},
	}
}

// ownActs are what a person changes of the own account.
func ownActs() []act {
	update := func(name, value string) func(*testing.T, *stage) {
		return func(t *testing.T, g *stage) {
			p := g.people["ada"]
			must(g.cognito.UpdateUserAttributes(t.Context(), &cognito.UpdateUserAttributesInput{
				AccessToken: &p.AccessToken, UserAttributes: []types.AttributeType{{Name: &name, Value: aws.String(strings.ReplaceAll(value, "DOMAIN", p.domain))}},
			}))(t)
		}
	}
	changed := func(change string) []caused {
		return []caused{{contracts.TypeAttributesChanged, "ada", `{` + byUser + `,"change":"` + change + `"}`}}
	}
	return []act{
		{"ada mistypes her old password", func(t *testing.T, g *stage) {
			_, err := g.cognito.ChangePassword(t.Context(), &cognito.ChangePasswordInput{
				AccessToken: &g.people["ada"].AccessToken, PreviousPassword: aws.String("Wrong-horse-7-battery"), ProposedPassword: aws.String(password + "2"),
			})
			refuses(t, "NotAuthorizedException", err)
		}, nil},
		{"ada changes her password", func(t *testing.T, g *stage) {
			must(g.cognito.ChangePassword(t.Context(), &cognito.ChangePasswordInput{
				AccessToken: &g.people["ada"].AccessToken, PreviousPassword: aws.String(password), ProposedPassword: aws.String(password + "2"),
			}))(t)
		}, []caused{{contracts.TypePasswordChanged, "ada", `{` + byUser + `,"how":"changed"}`}}},
		{"ada changes her name", update("name", "Ada"), changed("updated")},
		{"ada gives a new address", update("email", "ada@new.DOMAIN"), changed("updated")},
		{"ada proves it", func(t *testing.T, g *stage) {
			must(g.cognito.VerifyUserAttribute(t.Context(), &cognito.VerifyUserAttributeInput{
				AccessToken: &g.people["ada"].AccessToken, AttributeName: aws.String("email"), Code: aws.String(signUpCode),
			}))(t)
			g.people["ada"].Email = "ada@new." + g.people["ada"].domain
		}, changed("verified")},
		{"ada signs out everywhere", func(t *testing.T, g *stage) {
			must(g.cognito.GlobalSignOut(t.Context(), &cognito.GlobalSignOutInput{AccessToken: &g.people["ada"].AccessToken}))(t)
		}, []caused{{contracts.TypeSignedOut, "ada", `{` + byUser + `}`}}},
	}
}

// cleanly runs after the test, also after a failure.
func cleanly(t *testing.T, do func(context.Context) error) {
	t.Helper()
	t.Cleanup(func() {
		if err := do(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}
