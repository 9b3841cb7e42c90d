// Command custommessage is the CustomMessage trigger of a user pool: it writes the mails
// and text messages that Cognito sends, in the person's language.
package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/services/messages/internal/custommessage"
)

func main() { function.Main(build, func(h *custommessage.Handler) lambda.Handler { return h }) }

func build(_ context.Context, getenv func(string) string, log *slog.Logger) (*custommessage.Handler, error) {
	var environment string
	if err := function.ReadEnv(getenv, map[string]*string{"GATEHOUSE_ENVIRONMENT": &environment}); err != nil {
		return nil, err
	}
	// The metric filter in the template takes the environment from each line.
	return &custommessage.Handler{Log: log.With("environment", environment)}, nil
}
