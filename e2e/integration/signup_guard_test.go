package integration

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/contracts"
)

// TestSignupGuard: a disposable address is refused with a text for people, and
// any other gets an account.
func TestSignupGuard(t *testing.T) {
	t.Parallel()
	e := here(t)
	p := e.stranger(t)
	for name, domain := range map[string]string{
		"listed":      "disposable." + contracts.SyntheticDomain,
		"below":       newID() + ".disposable." + contracts.SyntheticDomain,
		"upper_case":  "DISPOSABLE." + contracts.SyntheticDomain,
		"two_further": "a.b.disposable." + contracts.SyntheticDomain,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := p.signUp(t, "success+"+newID()+"@"+domain)
			var refusal *types.UserLambdaValidationException
			if !errors.As(err, &refusal) {
				t.Fatalf("got %v, want UserLambdaValidationException", err)
			}
			text := refusal.ErrorMessage()
			if want := "PreSignUp failed with error This email address cannot be used here. Please use another one."; text != want {
				t.Errorf("the person reads %q, want %q", text, want)
			}
			if strings.Contains(strings.ToLower(text), "dispos") {
				t.Errorf("the text tells which list it was: %q", text)
			}
		})
	}
	t.Run("ordinary", func(t *testing.T) {
		t.Parallel()
		out, err := p.signUp(t, p.email)
		if err != nil || aws.ToString(out.UserSub) == "" {
			t.Errorf("%+v, %v; want an account", out, err)
		}
	})
}
