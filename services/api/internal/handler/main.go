package handler

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"gatehouse.example/contracts/tracing"
)

// Main runs the handler as a Lambda function.
func Main() {
	log := lambdacontext.NewLogger()
	if err := realMain(log); err != nil {
		log.Error("function cannot start", "error", err.Error())
		os.Exit(1)
	}
}

func realMain(log *slog.Logger) error {
	h, err := fromEnv(os.Getenv, log)
	if err != nil {
		return err
	}
	if err := tracing.Configure(); err != nil {
		return fmt.Errorf("tracing.Configure: %w", err)
	}
	lambda.Start(h.Handle)
	return nil
}

// fromEnv puts the handler together from its environment.
func fromEnv(getenv func(string) string, log *slog.Logger) (*Handler, error) {
	for _, name := range []string{"API_URL", "CLIENT_SCOPE", "USER_CLIENT_IDS"} {
		if getenv(name) == "" {
			return nil, fmt.Errorf("handler: environment variable %s is not set", name)
		}
	}
	document, err := documentAt(getenv("API_URL"))
	if err != nil {
		return nil, err
	}
	return &Handler{
		Clients:  list(getenv("USER_CLIENT_IDS")),
		Scope:    getenv("CLIENT_SCOPE"),
		Origins:  list(getenv("ALLOWED_ORIGINS")),
		Document: document,
		Log:      log,
	}, nil
}

// list splits what a template joined by commas.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
