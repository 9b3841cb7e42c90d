package e2e

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"gatehouse.example/contracts"
)

// TestHostedSignIn does what a browser does, with an OpenID Connect library:
// discovery, authorization code with PKCE, the sign-in form, tokens.
func TestHostedSignIn(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	p := s.member(t)

	issuer := "https://cognito-idp." + s.env["AWS_REGION"] + ".amazonaws.com/" + s.env["USER_POOL_ID"]
	ctx := oidc.InsecureIssuerURLContext(t.Context(), issuer)
	provider := must(oidc.NewProvider(ctx, s.env["AWS_ENDPOINT_URL"]+"/"+s.env["USER_POOL_ID"]))(t)
	client := oauth2.Config{
		ClientID: s.env["WEB_CLIENT_ID"], Endpoint: provider.Endpoint(),
		RedirectURL: "http://127.0.0.1:8400/callback", Scopes: []string{"openid", "email"},
	}
	verifier := oauth2.GenerateVerifier()

	browser := newBrowser(t)
	page := browser.get(t, client.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier)))
	form := formOf(t, page)
	form.Set("username", p.Email)
	form.Set("password", "Wrong-horse-7-battery")
	if code := browser.post(t, s.env["HOSTED_UI_URL"]+"/login", form).Get("code"); code != "" {
		t.Fatal("a wrong password gave a code")
	}
	form.Set("password", password)
	back := browser.post(t, s.env["HOSTED_UI_URL"]+"/login", form)
	if back.Get("state") != "state-1" {
		t.Errorf("state came back as %q", back.Get("state"))
	}
	token := must(client.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(verifier)))(t)
	raw, _ := token.Extra("id_token").(string)
	id := must(provider.Verifier(&oidc.Config{ClientID: client.ClientID}).Verify(ctx, raw))(t)
	if id.Subject != p.Sub {
		t.Errorf("signed in as %q, want %q", id.Subject, p.Sub)
	}

	inbox.wait(t, 1, of(contracts.TypeSigninSucceeded, p.Sub))
	s.barrier(t, inbox)
	exactly(t, inbox, 2, of(contracts.TypeSigninAttempted, p.Sub))
	exactly(t, inbox, 1, of(contracts.TypeSigninSucceeded, p.Sub))
}

// browser keeps cookies and does not follow the redirect to the application.
type browser struct{ http.Client }

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar := must(cookiejar.New(nil))(t)
	return &browser{http.Client{Jar: jar, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if req.URL.Path == "/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

func (b *browser) get(t *testing.T, address string) *http.Response {
	t.Helper()
	req := must(http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, address, http.NoBody))(t)
	return must(b.Do(req))(t)
}

// post sends a form and returns the parameters of the redirect that follows, if any.
func (b *browser) post(t *testing.T, address string, form url.Values) url.Values {
	t.Helper()
	resp := must(b.PostForm(address, form))(t)
	defer resp.Body.Close()
	location, err := resp.Location()
	if err != nil {
		return url.Values{}
	}
	return location.Query()
}
