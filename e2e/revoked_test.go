package e2e

import (
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// revocations are the ways to end a session, by their names in docs/tokens.md.
func revocations() map[string]func(*testing.T, *person, tokens) error {
	return map[string]func(*testing.T, *person, tokens) error{
		"global_sign_out": func(t *testing.T, p *person, held tokens) error {
			_, err := p.c.cognito.GlobalSignOut(t.Context(), &cognito.GlobalSignOutInput{AccessToken: &held.access})
			return err
		},
		"signed_out_by_administrator": func(t *testing.T, p *person, _ tokens) error {
			_, err := p.c.cognito.AdminUserGlobalSignOut(t.Context(), &cognito.AdminUserGlobalSignOutInput{UserPoolId: p.s.pool(), Username: &p.Email})
			return err
		},
		"refresh_token_revoked": func(t *testing.T, p *person, held tokens) error {
			_, err := p.c.cognito.RevokeToken(t.Context(), &cognito.RevokeTokenInput{ClientId: p.s.nativeClient(), Token: &held.refresh})
			return err
		},
		"disabled": func(t *testing.T, p *person, _ tokens) error {
			_, err := p.c.cognito.AdminDisableUser(t.Context(), &cognito.AdminDisableUserInput{UserPoolId: p.s.pool(), Username: &p.Email})
			return err
		},
		"deleted": func(t *testing.T, p *person, _ tokens) error {
			_, err := p.c.cognito.AdminDeleteUser(t.Context(), &cognito.AdminDeleteUserInput{UserPoolId: p.s.pool(), Username: &p.Email})
			return err
		},
	}
}

// TestRevokedTokens checks what ends at once, and what is valid until it expires.
func TestRevokedTokens(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, revoke := range revocations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.member(t)
			held := p.tokens(t)
			check(t, p.Refresh(t.Context()))
			if err := revoke(t, p, held); err != nil {
				t.Fatal(err)
			}
			if err := p.Refresh(t.Context()); !refused(err) {
				t.Errorf("the refresh token: %v, want a refusal", err)
			}
			if _, err := p.c.cognito.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: &held.access}); !refused(err) {
				t.Errorf("GetUser with the access token: %v, want a refusal", err)
			}
			// The API sees signature and expiry only, so the ID token is still valid.
			for _, path := range []string{"/user", "/activity"} {
				if status, body := s.ask(t, path, held.id); status != http.StatusOK {
					t.Errorf("%s with the ID token: %d %s, want 200 until it expires", path, status, body)
				}
			}
		})
	}
}

// TestFormerAuditors are refused at once, whatever their tokens say.
func TestFormerAuditors(t *testing.T) {
	t.Parallel()
	s := start(t)
	erika := s.member(t)
	ways := revocations()
	ways["left_the_group"] = func(t *testing.T, p *person, _ tokens) error {
		_, err := p.c.cognito.AdminRemoveUserFromGroup(t.Context(), &cognito.AdminRemoveUserFromGroupInput{
			UserPoolId: p.s.pool(), Username: &p.Email, GroupName: aws.String(auditorsGroup),
		})
		return err
	}
	for name, revoke := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := http.StatusForbidden
			switch name {
			case "global_sign_out", "signed_out_by_administrator", "refresh_token_revoked":
				// Still an auditor: Cognito does not report that a session ended.
				want = http.StatusOK
			}
			auditor := s.member(t)
			auditor.becomesAuditor(t)
			held := auditor.tokens(t)
			path := "/activity/" + erika.Sub
			if status, body := s.ask(t, path, held.id); status != http.StatusOK {
				t.Fatalf("before: %d %s", status, body)
			}
			if err := revoke(t, auditor, held); err != nil {
				t.Fatal(err)
			}
			if status, body := s.ask(t, path, held.id); status != want {
				t.Errorf("after: %d %s, want %d", status, body, want)
			}
		})
	}
}

// TestJoiningTheGroupNeedsANewToken: a token has the groups of its sign-in.
func TestJoiningTheGroupNeedsANewToken(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	old := p.tokens(t)
	p.becomesAuditor(t)
	if status, body := s.ask(t, "/activity/"+p.Sub, old.id); status != http.StatusForbidden {
		t.Errorf("with a token from before: %d %s", status, body)
	}
	check(t, p.Refresh(t.Context()))
	if status, body := s.ask(t, "/activity/"+p.Sub, p.IDToken); status != http.StatusOK {
		t.Errorf("with a refreshed token: %d %s", status, body)
	}
	if status, body := s.ask(t, "/activity/"+p.Sub, p.tokens(t).id); status != http.StatusOK {
		t.Errorf("with a token from after: %d %s", status, body)
	}
}

// refused reports whether Cognito refused a call, rather than failed.
func refused(err error) bool {
	var refusal *types.NotAuthorizedException
	var gone *types.UserNotFoundException
	return errors.As(err, &refusal) || errors.As(err, &gone)
}
