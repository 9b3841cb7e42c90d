// Package signupguardtest gives the simulation of the whole system this service's
// function, without its main: it is built with clients of the simulation.
package signupguardtest

import (
	"fmt"
	"log/slog"

	"gatehouse.example/lambdakit/trigger"
	"gatehouse.example/services/signup-guard/internal/domains"
	"gatehouse.example/services/signup-guard/internal/presignup"
)

// PreSignUp is the PreSignUp trigger with the templates' defaults.
func PreSignUp(p presignup.Publisher, log *slog.Logger) (trigger.Func, error) {
	config, err := presignup.ConfigFromEnv(func(string) string { return "" }, log)
	if err != nil {
		return nil, fmt.Errorf("presignup.ConfigFromEnv: %w", err)
	}
	guard := &presignup.Guard{
		Config: config, List: domains.Disposable(), ListVersion: domains.Version(), Publisher: p, Log: log,
	}
	return guard.PreSignUp, nil
}
