package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// ownPool is a pool without triggers, for a test about Cognito alone. It has an attribute
// that changes, one that never does, and two clients: plain tells unknown users apart and
// writes the standard attributes, careful does not and writes two.
type ownPool struct {
	*cognito.Client
	id, plain, careful string
}

func (s *system) ownPool(t *testing.T) ownPool {
	t.Helper()
	c := s.clients(t).cognito
	pool := must(c.CreateUserPool(t.Context(), &cognito.CreateUserPoolInput{
		PoolName: aws.String("own-" + uuid.NewString()), UsernameAttributes: []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		Schema: []types.SchemaAttributeType{
			{Name: aws.String("plan"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true)},
			{Name: aws.String("tenant"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(false)},
		},
	}))(t).UserPool
	t.Cleanup(func() { _, _ = c.DeleteUserPool(t.Context(), &cognito.DeleteUserPoolInput{UserPoolId: pool.Id}) })
	client := func(in cognito.CreateUserPoolClientInput) string {
		in.UserPoolId, in.ClientName = pool.Id, aws.String("own")
		in.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowUserSrpAuth}
		return *must(c.CreateUserPoolClient(t.Context(), &in))(t).UserPoolClient.ClientId
	}
	return ownPool{
		Client: c, id: *pool.Id, plain: client(cognito.CreateUserPoolClientInput{}),
		careful: client(cognito.CreateUserPoolClientInput{
			PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled, WriteAttributes: []string{"email", "custom:plan"},
		}),
	}
}

// user signs up, and is signed in with both clients unless they stay unconfirmed.
func (p ownPool) user(t *testing.T, confirmed bool) (name string, tokens map[string]string) {
	t.Helper()
	name = "erika." + uuid.NewString()[:8] + "@example.net"
	must(p.SignUp(t.Context(), &cognito.SignUpInput{ClientId: &p.plain, Username: &name, Password: aws.String(password)}))(t)
	if !confirmed {
		return name, nil
	}
	must(p.ConfirmSignUp(t.Context(), &cognito.ConfirmSignUpInput{ClientId: &p.plain, Username: &name, ConfirmationCode: aws.String(signUpCode)}))(t)
	tokens = map[string]string{}
	for _, id := range []string{p.plain, p.careful} {
		out := must(p.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
			ClientId: &id, AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
		}))(t)
		tokens[id] = *out.AuthenticationResult.AccessToken
	}
	return name, tokens
}

// answer is an error as Cognito names it, with its text.
func answer(err error) string {
	if failure := smithy.APIError(nil); errors.As(err, &failure) {
		return failure.ErrorCode() + ": " + strings.TrimSpace(failure.ErrorMessage())
	}
	if err != nil {
		return err.Error()
	}
	return "done"
}

const (
	unauthorized = "NotAuthorizedException: A client attempted to write unauthorized attribute"
	noAddress    = "InvalidParameterException: Invalid email address format."
	noAttribute  = "InvalidParameterException: Attributes did not conform to the schema: custom:none: Attribute does not exist in the schema."
)

// TestUsersWriteTheirOwnAttributesOnly: what a user, a new user and an administrator may write.
func TestUsersWriteTheirOwnAttributesOnly(t *testing.T) {
	t.Parallel()
	p := start(t).ownPool(t)
	name, tokens := p.user(t, true)
	for attribute, want := range map[string]struct{ value, plain, careful, signUp, admin string }{
		"given_name":            {"Erika", "done", unauthorized, "done", "done"},
		"custom:plan":           {"free", unauthorized, "done", unauthorized, "done"},
		"custom:tenant":         {"t", unauthorized, unauthorized, unauthorized, "InvalidParameterException: user.custom:tenant: Attribute cannot be updated."},
		"custom:none":           {"x", noAttribute, noAttribute, noAttribute, noAttribute},
		"sub":                   {uuid.NewString(), unauthorized, unauthorized, "InvalidParameterException: Cannot modify the non-mutable attribute sub", "InvalidParameterException: user.sub: Attribute cannot be updated."},
		"email_verified":        {"true", unauthorized, unauthorized, unauthorized, "done"},
		"phone_number_verified": {"true", unauthorized, unauthorized, unauthorized, "done"},
		"email":                 {"x", noAddress, noAddress, noAddress, noAddress},
		"phone_number":          {"030", "InvalidParameterException: Invalid phone number format.", "InvalidParameterException: Invalid phone number format.", "InvalidParameterException: Invalid phone number format.", "InvalidParameterException: Invalid phone number format."},
	} {
		attributes := []types.AttributeType{{Name: &attribute, Value: &want.value}}
		update := func(client string) string {
			token := tokens[client]
			_, err := p.UpdateUserAttributes(t.Context(), &cognito.UpdateUserAttributesInput{AccessToken: &token, UserAttributes: attributes})
			return answer(err)
		}
		_, signUp := p.SignUp(t.Context(), &cognito.SignUpInput{
			ClientId: &p.plain, Username: aws.String(uuid.NewString() + "@example.net"), Password: aws.String(password), UserAttributes: attributes,
		})
		_, admin := p.AdminUpdateUserAttributes(t.Context(), &cognito.AdminUpdateUserAttributesInput{UserPoolId: &p.id, Username: &name, UserAttributes: attributes})
		got := []string{update(p.plain), update(p.careful), answer(signUp), answer(admin)}
		if diff := cmp.Diff([]string{want.plain, want.careful, want.signUp, want.admin}, got); diff != "" {
			t.Errorf("%s by plain, careful, sign-up, administrator (-want +got):\n%s", attribute, diff)
		}
	}
	token := tokens[p.plain]
	if devices := must(p.ListDevices(t.Context(), &cognito.ListDevicesInput{AccessToken: &token}))(t).Devices; len(devices) != 0 {
		t.Errorf("devices: %v", devices)
	}
	if _, err := p.ListDevices(t.Context(), &cognito.ListDevicesInput{AccessToken: aws.String("x.y.z")}); !refused(err) {
		t.Errorf("devices with a wrong token: %v", err)
	}
}

// TestForgottenPasswordNeedsAProvedAddress: a code confirms nobody who has proved nothing.
func TestForgottenPasswordNeedsAProvedAddress(t *testing.T) {
	t.Parallel()
	p := start(t).ownPool(t)
	confirmed, _ := p.user(t, true)
	unconfirmed, _ := p.user(t, false)
	unverified, _ := p.user(t, false)
	must(p.AdminConfirmSignUp(t.Context(), &cognito.AdminConfirmSignUpInput{UserPoolId: &p.id, Username: &unverified}))(t)
	invited := uuid.NewString() + "@example.net"
	must(p.AdminCreateUser(t.Context(), &cognito.AdminCreateUserInput{
		UserPoolId: &p.id, Username: &invited, TemporaryPassword: aws.String(password), MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &invited}, {Name: aws.String("email_verified"), Value: aws.String("true")}},
	}))(t)
	const (
		unreachable = "InvalidParameterException: Cannot reset password for the user as there is no registered/verified email or phone_number"
		wrongState  = "NotAuthorizedException: User password cannot be reset in the current state."
		expired     = "ExpiredCodeException: Invalid code provided, please request a code again."
		mismatch    = "CodeMismatchException: Invalid verification code provided, please try again."
	)
	for user, want := range map[string]struct{ name, plain, careful, reset string }{
		"confirmed":   {confirmed, "done", "done", "done"},
		"unconfirmed": {unconfirmed, unreachable, "done", expired},
		"unverified":  {unverified, unreachable, "done", expired},
		"invited":     {invited, wrongState, wrongState, expired},
		"unknown":     {"nobody@example.net", "UserNotFoundException: Username/client id combination not found.", "done", mismatch},
	} {
		_, plain := p.ForgotPassword(t.Context(), &cognito.ForgotPasswordInput{ClientId: &p.plain, Username: &want.name})
		_, careful := p.ForgotPassword(t.Context(), &cognito.ForgotPasswordInput{ClientId: &p.careful, Username: &want.name})
		_, reset := p.ConfirmForgotPassword(t.Context(), &cognito.ConfirmForgotPasswordInput{
			ClientId: &p.careful, Username: &want.name, ConfirmationCode: aws.String(resetCode), Password: aws.String(newPassword),
		})
		if diff := cmp.Diff([]string{want.plain, want.careful, want.reset}, []string{answer(plain), answer(careful), answer(reset)}); diff != "" {
			t.Errorf("%s by plain, careful, reset (-want +got):\n%s", user, diff)
		}
	}
	if status := must(p.AdminGetUser(t.Context(), &cognito.AdminGetUserInput{UserPoolId: &p.id, Username: &unconfirmed}))(t).UserStatus; status != types.UserStatusTypeUnconfirmed {
		t.Errorf("the unconfirmed user is %s", status)
	}
}

var userID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// TestSecureRemotePasswordHidesUnknownUsers: the first answer for an unknown user looks as
// that for a known one, and is the same the next time.
func TestSecureRemotePasswordHidesUnknownUsers(t *testing.T) {
	t.Parallel()
	p := start(t).ownPool(t)
	known, _ := p.user(t, true)
	challenge := func(name string) (id, salt string) {
		out := must(p.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
			ClientId: &p.careful, AuthFlow: types.AuthFlowTypeUserSrpAuth, AuthParameters: map[string]string{"USERNAME": name, "SRP_A": strings.Repeat("a1", 384)},
		}))(t).ChallengeParameters
		if out["USERNAME"] != out["USER_ID_FOR_SRP"] || !userID.MatchString(out["USERNAME"]) || len(out["SALT"]) != 32 {
			t.Errorf("%s: %q, %q, salt %q", name, out["USERNAME"], out["USER_ID_FOR_SRP"], out["SALT"])
		}
		return out["USERNAME"], out["SALT"]
	}
	challenge(known)
	firstID, firstSalt := challenge("nobody@example.net")
	againID, againSalt := challenge("nobody@example.net")
	otherID, otherSalt := challenge("nobody.else@example.net")
	if firstID != againID || firstSalt != againSalt || firstID == otherID || firstSalt == otherSalt {
		t.Errorf("ids %s %s %s, salts %s %s %s", firstID, againID, otherID, firstSalt, againSalt, otherSalt)
	}
	_, err := p.RespondToAuthChallenge(t.Context(), &cognito.RespondToAuthChallengeInput{
		ClientId: &p.careful, ChallengeName: types.ChallengeNameTypePasswordVerifier, ChallengeResponses: map[string]string{
			"USERNAME": firstID, "TIMESTAMP": "Mon Nov 30 00:00:00 UTC 2026", "PASSWORD_CLAIM_SIGNATURE": "eA==", "PASSWORD_CLAIM_SECRET_BLOCK": "eA==",
		},
	})
	if got := answer(err); got != "NotAuthorizedException: Incorrect username or password." {
		t.Errorf("the proof: %s", got)
	}
}

// TestUserInfoShowsWhatTheScopesName: the endpoint returns the claims of the token's scopes.
func TestUserInfoShowsWhatTheScopesName(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	must(p.c.cognito.AdminUpdateUserAttributes(t.Context(), &cognito.AdminUpdateUserAttributesInput{
		UserPoolId: s.pool(), Username: &p.Email, UserAttributes: []types.AttributeType{{Name: aws.String("given_name"), Value: aws.String("Erika")}},
	}))(t)
	for scope, want := range map[string]string{
		"openid":               "email email_verified given_name",
		"openid email":         "email email_verified",
		"openid profile":       "given_name",
		"openid email profile": "email email_verified given_name",
	} {
		resp := must(http.PostForm(s.env["HOSTED_UI_URL"]+"/oauth2/token", url.Values{
			"grant_type": {"authorization_code"}, "client_id": {s.env["WEB_CLIENT_ID"]}, "redirect_uri": {callback},
			"code": {s.codeFor(t, p, "scope", scope).Get("code")},
		}))(t)
		var tokens struct {
			Access string `json:"access_token"`
		}
		check(t, json.NewDecoder(resp.Body).Decode(&tokens))
		resp.Body.Close()
		req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.env["HOSTED_UI_URL"]+"/oauth2/userInfo", http.NoBody))(t)
		req.Header.Set("Authorization", "Bearer "+tokens.Access)
		resp = must(http.DefaultClient.Do(req))(t)
		claims := map[string]any{}
		check(t, json.NewDecoder(resp.Body).Decode(&claims))
		resp.Body.Close()
		var got []string
		for _, name := range []string{"email", "email_verified", "given_name"} {
			if _, ok := claims[name]; ok {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != want || claims["sub"] != p.Sub {
			t.Errorf("%s: %v, want %s", scope, claims, want)
		}
	}
}
