package integration

import (
	"strings"
	"testing"
	"time"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

// TestSignupGuard: a disposable address is refused with a text for people, and any
// other address gets an account.
func TestSignupGuard(t *testing.T) {
	t.Parallel()
	e := here(t)
	for name, domain := range map[string]string{
		"listed":      "disposable." + contracts.SyntheticDomain,
		"below":       actors.NewID(time.Now()) + ".disposable." + contracts.SyntheticDomain,
		"upper_case":  "DISPOSABLE." + contracts.SyntheticDomain,
		"two_further": "a.b.disposable." + contracts.SyntheticDomain,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := e.withAddress(t, "success+"+actors.NewID(time.Now())+"@"+domain).SignUp(t.Context())
			text := actors.Refusal(err)
			if text == "" {
				t.Fatalf("got %v, want UserLambdaValidationException", err)
			}
			if want := "PreSignUp failed with error This email address cannot be used here. Please use another one (address-refused)."; text != want {
				t.Errorf("the person reads %q, want %q", text, want)
			}
			if strings.Contains(strings.ToLower(text), "dispos") {
				t.Errorf("the text reveals which list it was: %q", text)
			}
		})
	}
	t.Run("ordinary", func(t *testing.T) {
		t.Parallel()
		if err := e.stranger(t).SignUp(t.Context()); err != nil {
			t.Errorf("%v, want an account", err)
		}
	})
}
