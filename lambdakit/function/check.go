package function

import (
	"context"
	"log/slog"
	"strings"
)

// TestingT is what CheckBuild needs of [testing.T]. Functions do not link testing.
type TestingT interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// CheckBuild is for tests. It builds a function from these variables, and checks that
// without any one of them it is not built and the error names that variable.
func CheckBuild[T any](t TestingT, build Build[T], values map[string]string) T {
	t.Helper()
	with := func(missing string) func(string) string {
		return func(name string) string {
			switch name {
			case missing:
				return ""
			case "AWS_ENDPOINT_URL": // nothing listens there: the connection of init is best effort
				return "http://127.0.0.1:1"
			}
			return values[name]
		}
	}
	log := slog.New(slog.DiscardHandler)
	for name := range values {
		if _, err := build(t.Context(), with(name), log); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	built, err := build(t.Context(), with(""), log)
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return built
}
