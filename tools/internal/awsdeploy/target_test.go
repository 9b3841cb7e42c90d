package target

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		environment string
		environ     []string
		err         string
	}{
		"dev":              {"dev", []string{"AWS_ENDPOINT_URL=http://127.0.0.1:4566", "AWS_ENDPOINT_URL_S3="}, ""},
		"none":             {"", nil, "which environment"},
		"local":            {"local", nil, "make up"},
		"unheard_of":       {"prod", nil, "dev, test, production"},
		"another_endpoint": {"dev", []string{"AWS_ENDPOINT_URL_S3=http://elsewhere"}, "AWS_ENDPOINT_URL_S3"},
	} {
		err := Options{Environment: tc.environment}.check(tc.environ)
		if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: got %v, want %q", name, err, tc.err)
		}
	}
}

// An emulator is never taken for AWS, nor AWS for an emulator.
func TestMeant(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		endpoint string
		emulator bool
		fine     bool
	}{
		"aws":               {"", false, true},
		"emulator":          {"http://127.0.0.1:4566", true, true},
		"forgotten_env":     {"http://127.0.0.1:4566", false, false},
		"no_endpoint_given": {"", true, false},
	} {
		if err := (Options{Emulator: tc.emulator}).meant(tc.endpoint); (err == nil) != tc.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAccessPassesTheAccountOfThePlan(t *testing.T) {
	t.Setenv("AWS_PROFILE", "another")
	t.Setenv("AWS_CA_BUNDLE", "/ca.pem")
	keys := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "key", SessionToken: "token"}, nil
	})
	got, err := Target{Config: aws.Config{Credentials: keys}}.Access(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=key", "AWS_SESSION_TOKEN=token", "AWS_CA_BUNDLE=/ca.pem"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	if got := (Target{}).Overrides(); got != nil {
		t.Errorf("AWS gets %v instead of its own settings", got)
	}
	if got := (Target{Endpoint: "http://127.0.0.1:4566", Environment: "dev"}).Overrides(); got["OnAws"] != "false" || got["ApiUrl"] != "http://127.0.0.1:4566/dev/api" {
		t.Errorf("the emulator gets %v", got)
	}
}
