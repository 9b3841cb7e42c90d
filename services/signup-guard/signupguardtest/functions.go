// Package signupguardtest gives the simulation of the whole system this service's
// functions, without their mains: they are built with clients of the simulation.
package signupguardtest

import (
	"fmt"
	"log/slog"

	"gatehouse.example/lambdakit/trigger"
	"gatehouse.example/services/signup-guard/internal/addresschanged"
	"gatehouse.example/services/signup-guard/internal/domains"
	"gatehouse.example/services/signup-guard/internal/presignup"
)

// AddressChanged is the function that looks at changed addresses.
type AddressChanged = addresschanged.Consumer

// PreSignUp is the PreSignUp trigger with the templates' defaults.
func PreSignUp(p presignup.Publisher, log *slog.Logger) (trigger.Func, error) {
	guard, err := Guard(log)
	if err != nil {
		return nil, err
	}
	guard.Publisher = p
	return guard.PreSignUp, nil
}

// Guard says which addresses are refused, with the templates' defaults.
func Guard(log *slog.Logger) (*presignup.Guard, error) {
	config, err := presignup.ConfigFromEnv(func(string) string { return "" }, log)
	if err != nil {
		return nil, fmt.Errorf("presignup.ConfigFromEnv: %w", err)
	}
	return &presignup.Guard{Config: config, List: domains.Disposable(), ListVersion: domains.Version(), Log: log}, nil
}
