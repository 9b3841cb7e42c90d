package integration

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

const (
	// patience is how long an effect may take, and every the time between two looks.
	// On AWS a new subscription takes a while to be in force.
	patience = 3 * time.Minute
	every    = 500 * time.Millisecond
	// cleanUpLimit bounds the end of a test.
	cleanUpLimit = 30 * time.Second
)

// TestMain refuses to run without an environment: a test of nothing would pass.
func TestMain(m *testing.M) {
	if os.Getenv("GATEHOUSE_ENVIRONMENT") == "" {
		fmt.Fprintln(os.Stderr, "integration: GATEHOUSE_ENVIRONMENT names no environment; run make integration SERVICE=x ENVIRONMENT=e")
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

// newID names what a test makes, as `gatehouse canary` does, whose next run takes
// away what was left here.
func newID() string {
	return time.Now().UTC().Format("20060102t150405") + "-" + strings.ToLower(rand.Text()[:8])
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

// eventually asks until the answer is yes, or fails when the patience is at its end.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	if !within(t.Context(), patience, yes) {
		t.Fatalf("not within %s: %s", patience, what)
	}
}

// within asks until the answer is yes or the limit is over.
func within(ctx context.Context, limit time.Duration, yes func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ask := time.NewTicker(every)
	defer ask.Stop()
	for !yes() {
		select {
		case <-ask.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
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

// isA reports whether err is of type E somewhere.
func isA[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}
