package e2e

import (
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// revocations are the ways to end somebody's session, by the names that
// docs/tokens.md has.
func revocations() map[string]func(*testing.T, *person, *types.AuthenticationResultType) error {
	return map[string]func(*testing.T, *person, *types.AuthenticationResultType) error{
		"global_sign_out": func(t *testing.T, p *person, tokens *types.AuthenticationResultType) error {
			_, err := p.c.cognito.GlobalSignOut(t.Context(), &cognito.GlobalSignOutInput{AccessToken: tokens.AccessToken})
			return err
		},
		"signed_out_by_administrator": func(t *testing.T, p *person, _ *types.AuthenticationResultType) error {
			_, err := p.c.cognito.AdminUserGlobalSignOut(t.Context(), &cognito.AdminUserGlobalSignOutInput{UserPoolId: p.s.pool(), Username: &p.email})
			return err
		},
		"refresh_token_revoked": func(t *testing.T, p *person, tokens *types.AuthenticationResultType) error {
			_, err := p.c.cognito.RevokeToken(t.Context(), &cognito.RevokeTokenInput{ClientId: p.s.nativeClient(), Token: tokens.RefreshToken})
			return err
		},
		"disabled": func(t *testing.T, p *person, _ *types.AuthenticationResultType) error {
			_, err := p.c.cognito.AdminDisableUser(t.Context(), &cognito.AdminDisableUserInput{UserPoolId: p.s.pool(), Username: &p.email})
			return err
		},
		"deleted": func(t *testing.T, p *person, _ *types.AuthenticationResultType) error {
			_, err := p.c.cognito.AdminDeleteUser(t.Context(), &cognito.AdminDeleteUserInput{UserPoolId: p.s.pool(), Username: &p.email})
			return err
		},
	}
}

// TestRevokedTokens holds what ends at once, and what goes on until it expires.
func TestRevokedTokens(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, revoke := range revocations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.member(t)
			tokens := p.tokens(t)
			must(p.refresh(t, tokens))(t)
			if err := revoke(t, p, tokens); err != nil {
				t.Fatal(err)
			}
			if _, err := p.refresh(t, tokens); !refused(err) {
				t.Errorf("the refresh token: %v, want a refusal", err)
			}
			if _, err := p.c.cognito.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: tokens.AccessToken}); !refused(err) {
				t.Errorf("GetUser with the access token: %v, want a refusal", err)
			}
			// The API sees signature and expiry only, so the ID token is as good as before.
			for _, path := range []string{"/user", "/activity"} {
				if status, body := s.ask(t, path, aws.ToString(tokens.IdToken)); status != http.StatusOK {
					t.Errorf("%s with the ID token: %d %s, want 200 until it expires", path, status, body)
				}
			}
		})
	}
}

// TestFormerAuditors are turned away at once, whatever their tokens say.
func TestFormerAuditors(t *testing.T) {
	t.Parallel()
	s := start(t)
	erika := s.member(t)
	ways := revocations()
	ways["left_the_group"] = func(t *testing.T, p *person, _ *types.AuthenticationResultType) error {
		_, err := p.c.cognito.AdminRemoveUserFromGroup(t.Context(), &cognito.AdminRemoveUserFromGroupInput{
			UserPoolId: p.s.pool(), Username: &p.email, GroupName: aws.String(auditorsGroup),
		})
		return err
	}
	for name, revoke := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := http.StatusForbidden
			switch name {
			case "global_sign_out", "signed_out_by_administrator", "refresh_token_revoked":
				// Still an auditor: Cognito tells nobody that a session ended.
				want = http.StatusOK
			}
			auditor := s.member(t)
			auditor.becomesAuditor(t)
			tokens := auditor.tokens(t)
			path := "/activity/" + erika.sub
			if status, body := s.ask(t, path, aws.ToString(tokens.IdToken)); status != http.StatusOK {
				t.Fatalf("before: %d %s", status, body)
			}
			if err := revoke(t, auditor, tokens); err != nil {
				t.Fatal(err)
			}
			if status, body := s.ask(t, path, aws.ToString(tokens.IdToken)); status != want {
				t.Errorf("after: %d %s, want %d", status, body, want)
			}
		})
	}
}

// TestJoiningTheGroupNeedsANewToken: the claim is of the time of the sign-in.
func TestJoiningTheGroupNeedsANewToken(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	old := p.tokens(t)
	p.becomesAuditor(t)
	if status, body := s.ask(t, "/activity/"+p.sub, aws.ToString(old.IdToken)); status != http.StatusForbidden {
		t.Errorf("with a token from before: %d %s", status, body)
	}
	refreshed := must(p.refresh(t, old))(t).AuthenticationResult
	if status, body := s.ask(t, "/activity/"+p.sub, aws.ToString(refreshed.IdToken)); status != http.StatusOK {
		t.Errorf("with a refreshed token: %d %s", status, body)
	}
	if status, body := s.ask(t, "/activity/"+p.sub, aws.ToString(p.tokens(t).IdToken)); status != http.StatusOK {
		t.Errorf("with a token from after: %d %s", status, body)
	}
}

func (p *person) refresh(t *testing.T, tokens *types.AuthenticationResultType) (*cognito.InitiateAuthOutput, error) {
	t.Helper()
	return p.c.cognito.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: p.s.nativeClient(), AuthFlow: types.AuthFlowTypeRefreshTokenAuth,
		AuthParameters: map[string]string{"REFRESH_TOKEN": aws.ToString(tokens.RefreshToken)},
	})
}

// refused tells Cognito's no from a fault.
func refused(err error) bool {
	var no *types.NotAuthorizedException
	var nobody *types.UserNotFoundException
	return errors.As(err, &no) || errors.As(err, &nobody)
}
