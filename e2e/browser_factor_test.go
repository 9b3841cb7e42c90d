package e2e

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/e2e/chromium"
)

// factorPool makes a pool in which everybody has a second factor, and a client that leads
// back to an address of the local system.
func (s *system) factorPool(t *testing.T, back string) (pool, client string) {
	t.Helper()
	c := s.clients(t).cognito
	made := must(c.CreateUserPool(t.Context(), &cognito.CreateUserPoolInput{
		PoolName: aws.String("factor"), UsernameAttributes: []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
	}))(t).UserPool
	t.Cleanup(func() {
		_, err := c.DeleteUserPool(context.WithoutCancel(t.Context()), &cognito.DeleteUserPoolInput{UserPoolId: made.Id})
		if err != nil {
			t.Error(err)
		}
	})
	must(c.SetUserPoolMfaConfig(t.Context(), &cognito.SetUserPoolMfaConfigInput{
		UserPoolId: made.Id, MfaConfiguration: types.UserPoolMfaTypeOn, SoftwareTokenMfaConfiguration: &types.SoftwareTokenMfaConfigType{Enabled: true},
	}))(t)
	app := must(c.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: made.Id, ClientName: aws.String("web"), SupportedIdentityProviders: []string{"COGNITO"}, CallbackURLs: []string{back},
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode}, AllowedOAuthScopes: []string{"openid"},
	}))(t).UserPoolClient
	return aws.ToString(made.Id), aws.ToString(app.ClientId)
}

// TestBrowserSecondFactor sets a second factor up on a narrow phone, and signs in with it,
// with the keyboard. The mail of the sign-up is in the mailbox.
func TestBrowserSecondFactor(t *testing.T) {
	t.Parallel()
	s := start(t)
	origin := s.env["HOSTED_UI_URL"]
	back := origin + "/_gatehouse/health"
	p := s.newPerson(t)
	p.PoolID, p.ClientID = s.factorPool(t, back)
	p.signUp(t)
	p.confirm(t)
	login := origin + "/login?" + url.Values{"client_id": {p.ClientID}, "redirect_uri": {back}, "response_type": {"code"}, "scope": {"openid"}}.Encode()
	w := openWindow(t, 360, 740)
	w.must(w.Visit(origin+"/_gatehouse/mail"), w.Heading("Mailbox"), w.Says(p.Email), w.Says("Code: "+signUpCode))
	w.fitsEverybody()
	signIn := func(heading string) {
		w.must(w.Visit(login))
		w.signIn(p.Email, password)
		w.must(w.Heading(heading), w.HasFocus("Code"))
		w.fitsEverybody()
	}
	typeCode := func(secret string, at time.Time) { w.must(w.Type(oneTime(t, secret, at)), w.Enter()) }
	wrong := func(secret, heading string) {
		typeCode(secret, time.Now().Add(time.Hour))
		w.must(w.Says("That code is not right."), w.Heading(heading), w.HasFocus("Code"))
		w.fitsEverybody()
		w.tellsTheProblem()
	}
	right := func(secret string) {
		typeCode(secret, time.Now())
		w.must(w.Until(`location.pathname === "/_gatehouse/health" && location.search.includes("code=")`))
	}

	signIn("Set up a second factor")
	w.must(w.Until(`document.querySelector("svg[role=img][aria-label]").getBoundingClientRect().width > 150`))
	secret, err := chromium.Script[string](w.Browser, `document.querySelector(".key code").textContent.replaceAll(" ", "")`)
	w.must(err, w.Until(`document.querySelector("a[href^='otpauth://totp/']").href.includes("secret=`+secret+`")`))
	wrong(secret, "Set up a second factor")
	right(secret)

	signIn("Enter your code")
	wrong(secret, "Enter your code")
	right(secret)
}
