// Package function starts a Lambda function. It builds the function from its
// environment and, if that fails, logs why and exits, so that each main contains
// only what its function is made of. It also says which trace an invocation belongs to.
package function

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Build makes a function from its environment.
type Build[T any] func(ctx context.Context, getenv func(string) string, log *slog.Logger) (T, error)

// Main runs what build makes. handle selects the part of it that Lambda calls; see [JSON].
func Main[T any](build Build[T], handle func(T) lambda.Handler) {
	log := lambdacontext.NewLogger()
	app, err := build(context.Background(), os.Getenv, log)
	if err != nil {
		log.Error("function cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(guard{handle(app)})
}

// ReadEnv sets each target to the environment variable of its name. It says which
// one is missing, instead of failing later without a name.
func ReadEnv(getenv func(string) string, targets map[string]*string) error {
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		if *targets[name] = getenv(name); *targets[name] == "" {
			return fmt.Errorf("environment variable %s is not set", name)
		}
	}
	return nil
}
