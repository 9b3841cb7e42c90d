package functiontest_test

import (
	"context"
	"log/slog"
	"testing"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/function/functiontest"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	type app struct{ a, b, optional string }
	build := func(_ context.Context, getenv func(string) string, _ *slog.Logger) (app, error) {
		out := app{optional: getenv("OPTIONAL")}
		err := function.ReadEnv(getenv, map[string]*string{"A": &out.a, "B": &out.b})
		return out, err
	}
	if got := functiontest.Build(t, build, map[string]string{"A": "1", "B": "2"}); got != (app{a: "1", b: "2"}) {
		t.Errorf("Build = %+v", got)
	}
}
