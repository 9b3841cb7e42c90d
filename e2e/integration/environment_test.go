package integration

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/tools/actors"
)

const (
	// timeout is how long an effect may take. On AWS a new subscription takes a while
	// to take effect.
	timeout = 3 * time.Minute
	every   = 500 * time.Millisecond
	// cleanUpLimit bounds the end of a test.
	cleanUpLimit = 30 * time.Second
)

// TestMain refuses to run without an environment, in which nothing would be tested.
func TestMain(m *testing.M) {
	if os.Getenv("GATEHOUSE_ENVIRONMENT") == "" {
		fmt.Fprintln(os.Stderr, "integration: GATEHOUSE_ENVIRONMENT is not set; run make integration SERVICE=x ENVIRONMENT=e")
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// environment is the one under test.
type environment struct {
	name string
	cfg  aws.Config
	ssm  *ssm.Client
}

// here is the environment that the shell names.
func here(t *testing.T) *environment {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatalf("config.LoadDefaultConfig: %v", err)
	}
	return &environment{name: os.Getenv("GATEHOUSE_ENVIRONMENT"), cfg: cfg, ssm: ssm.NewFromConfig(cfg)}
}

// of is what a service wrote into SSM, such as platform/user-pool-id.
func (e *environment) of(t *testing.T, resource string) string {
	t.Helper()
	name := "/gatehouse/" + e.name + "/" + resource
	out := must(e.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name}))(t)
	return aws.ToString(out.Parameter.Value)
}

// must turns a call's result and error into a result or a failed test:
// must(call())(t).
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// eventually looks until done, or fails after the timeout.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	if !within(t.Context(), timeout, done) {
		t.Fatalf("not within %s: %s", timeout, what)
	}
}

// within looks until done or until the limit is over, and reports which.
func within(ctx context.Context, limit time.Duration, done func() bool) bool {
	err := actors.Wait{Every: every, Limit: limit}.Until(ctx, func(context.Context) (string, bool, error) { return "", done(), nil })
	return err == nil
}

// afterwards runs f when the test is over, with a context that is not.
func afterwards(t *testing.T, f func(context.Context) error) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanUpLimit)
		defer cancel()
		if err := f(ctx); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
}
