package handler

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/tracing"
)

// Main runs the handler as a Lambda function.
func Main() {
	build := func(_ context.Context, getenv func(string) string, log *slog.Logger) (*Handler, error) {
		h, err := fromEnv(getenv, log)
		if err != nil {
			return nil, err
		}
		if err := tracing.Configure(); err != nil {
			return nil, fmt.Errorf("tracing.Configure: %w", err)
		}
		return h, nil
	}
	function.Main(build, func(h *Handler) any { return h.Handle })
}

// fromEnv puts the handler together from its environment.
func fromEnv(getenv func(string) string, log *slog.Logger) (*Handler, error) {
	var address, clients, scope string
	if err := function.ReadEnv(getenv, map[string]*string{"API_URL": &address, "CLIENT_SCOPE": &scope, "USER_CLIENT_IDS": &clients}); err != nil {
		return nil, fmt.Errorf("handler: %w", err)
	}
	document, err := documentAt(address)
	if err != nil {
		return nil, err
	}
	return &Handler{
		Clients:  list(clients),
		Scope:    scope,
		Origins:  list(getenv("ALLOWED_ORIGINS")),
		Document: document,
		Log:      log,
	}, nil
}

// list splits what a template joined by commas.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
