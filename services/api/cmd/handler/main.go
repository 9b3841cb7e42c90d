// Command handler is the function that answers the REST API's own routes.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/api/internal/handler"
)

func main() {
	function.Main(build, func(h *handler.Handler) lambda.Handler { return function.JSON(h.Handle) })
}

func build(_ context.Context, getenv func(string) string, log *slog.Logger) (*handler.Handler, error) {
	var clients, scope string
	if err := function.ReadEnv(getenv, map[string]*string{"CLIENT_SCOPE": &scope, "USER_CLIENT_IDS": &clients}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	if err := tracing.Configure(); err != nil {
		return nil, fmt.Errorf("tracing.Configure: %w", err)
	}
	return &handler.Handler{Clients: list(clients), Scope: scope, Log: log}, nil
}

// list splits what a template joined by commas.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
