package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"
)

// hostedTokens signs a person in on the hosted pages, with the web client.
func (s *system) hostedTokens(t *testing.T, p *person) tokens {
	t.Helper()
	back := s.codeFor(t, p, "scope", "openid email profile")
	resp := must(http.PostForm(s.env["HOSTED_UI_URL"]+"/oauth2/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {s.env["WEB_CLIENT_ID"]}, "code": {back.Get("code")}, "redirect_uri": {callback},
	}))(t)
	defer resp.Body.Close()
	var out struct {
		ID      string `json:"id_token"`
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || out.Refresh == "" {
		t.Fatalf("no tokens: %s, %v", resp.Status, err)
	}
	return tokens{out.ID, out.Access, out.Refresh}
}

// srpTokens signs a person in by SRP, with a client that need not be their usual one.
func (p *person) srpTokens(t *testing.T, client string) tokens {
	t.Helper()
	usual := p.ClientID
	defer func() { p.ClientID = usual }()
	p.ClientID = client
	check(t, p.SignInBySRP(t.Context(), password))
	return tokens{p.IDToken, p.AccessToken, p.RefreshToken}
}

// TestAccessTokens calls what takes a person's access token, with the token of each
// client and each way to sign in.
func TestAccessTokens(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, tc := range map[string]struct {
		get    func(*testing.T, *person) tokens
		scopes string
		// operations are GetUser, ChangePassword and GlobalSignOut.
		operations, userInfo bool
	}{
		"web_pages": {s.hostedTokens, "openid email profile", false, true},
		"web_srp": {func(t *testing.T, p *person) tokens { return p.srpTokens(t, s.env["WEB_CLIENT_ID"]) },
			"aws.cognito.signin.user.admin", true, false},
		"native_srp": {func(t *testing.T, p *person) tokens { return p.srpTokens(t, s.env["NATIVE_CLIENT_ID"]) },
			"aws.cognito.signin.user.admin", true, false},
		"native_password": {func(t *testing.T, p *person) tokens {
			check(t, p.SignInByPassword(t.Context(), password))
			return tokens{p.IDToken, p.AccessToken, p.RefreshToken}
		}, "aws.cognito.signin.user.admin", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.member(t)
			access := tc.get(t, p).access
			scope, _ := parseToken(t, access).claims["scope"].(string)
			want := map[string]bool{}
			for _, one := range strings.Fields(tc.scopes) {
				want[one] = true
			}
			got := map[string]bool{}
			for _, one := range strings.Fields(scope) {
				got[one] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("scopes (-want +got):\n%s", diff)
			}
			if ok := s.userInfo(t, access); ok != tc.userInfo {
				t.Errorf("userInfo: %v, want %v", ok, tc.userInfo)
			}
			next := password + "2"
			for operation, call := range []func() error{
				func() error {
					_, err := p.c.cognito.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: &access})
					return err
				},
				func() error {
					_, err := p.c.cognito.ChangePassword(t.Context(), &cognito.ChangePasswordInput{
						AccessToken: &access, PreviousPassword: aws.String(password), ProposedPassword: &next,
					})
					return err
				},
				func() error {
					_, err := p.c.cognito.GlobalSignOut(t.Context(), &cognito.GlobalSignOutInput{AccessToken: &access})
					return err
				},
			} {
				if err := call(); (err == nil) != tc.operations || err != nil && !refused(err) {
					t.Errorf("operation %d: %v, want success: %v", operation, err, tc.operations)
				}
			}
		})
	}
}

// userInfo reports whether the endpoint accepts the token.
func (s *system) userInfo(t *testing.T, access string) bool {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.env["HOSTED_UI_URL"]+"/oauth2/userInfo", http.NoBody))(t)
	req.Header.Set("Authorization", "Bearer "+access)
	resp := must(http.DefaultClient.Do(req))(t)
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return true
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest:
		return false
	}
	t.Errorf("userInfo: %s", resp.Status)
	return false
}

// TestBrowserSignsOut: a page of the web client ends its own session, and all of them
// after the person has typed the password again.
func TestBrowserSignsOut(t *testing.T) {
	t.Parallel()
	s := start(t)
	valid := func(t *testing.T, held tokens) bool {
		t.Helper()
		status, _ := s.exchange(t, url.Values{"grant_type": {"refresh_token"}, "client_id": {s.env["WEB_CLIENT_ID"]}, "refresh_token": {held.refresh}})
		return status == http.StatusOK
	}
	t.Run("here", func(t *testing.T) {
		t.Parallel()
		p := s.member(t)
		here, elsewhere := s.hostedTokens(t, p), s.hostedTokens(t, p)
		revoked := must(http.PostForm(s.env["HOSTED_UI_URL"]+"/oauth2/revoke", url.Values{"client_id": {s.env["WEB_CLIENT_ID"]}, "token": {here.refresh}}))(t)
		revoked.Body.Close()
		if valid(t, here) || !valid(t, elsewhere) {
			t.Errorf("here %v, elsewhere %v; want only the session here to end", valid(t, here), valid(t, elsewhere))
		}
	})
	t.Run("everywhere", func(t *testing.T) {
		t.Parallel()
		p := s.member(t)
		here, elsewhere := s.hostedTokens(t, p), s.hostedTokens(t, p)
		again := p.srpTokens(t, s.env["WEB_CLIENT_ID"])
		must(p.c.cognito.GlobalSignOut(t.Context(), &cognito.GlobalSignOutInput{AccessToken: &again.access}))(t)
		if valid(t, here) || valid(t, elsewhere) || valid(t, again) {
			t.Error("a session is still valid")
		}
	})
}
