package awsdeploy

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		environment string
		environ     []string
		err         string
	}{
		"dev":              {"dev", []string{"AWS_ENDPOINT_URL=http://127.0.0.1:4566", "AWS_ENDPOINT_URL_S3="}, ""},
		"none":             {"", nil, "no environment: give"},
		"local":            {"local", nil, "make up"},
		"unknown":          {"prod", nil, "dev, test, production"},
		"another_endpoint": {"dev", []string{"AWS_ENDPOINT_URL_S3=http://elsewhere"}, "AWS_ENDPOINT_URL_S3"},
	} {
		err := options{environment: tc.environment}.validate(tc.environ)
		if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: got %v, want %q", name, err, tc.err)
		}
	}
}

// Without --emulator an emulator is refused; with it AWS is.
func TestCheckEndpoint(t *testing.T) {
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
		if err := (options{emulator: tc.emulator}).checkEndpoint(tc.endpoint); (err == nil) != tc.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckPartition(t *testing.T) {
	t.Parallel()
	for caller, fine := range map[string]bool{
		"arn:aws:iam::111122223333:user/operator":                    true,
		"arn:aws:sts::111122223333:assumed-role/operator/session":    true,
		"arn:aws-us-gov:iam::111122223333:user/operator":             false,
		"arn:aws-cn:sts::111122223333:assumed-role/operator/session": false,
		"arn:aws-eusc:iam::111122223333:user/operator":               false,
		"": false,
	} {
		err := checkPartition(caller)
		if (err == nil) != fine || err != nil && !strings.Contains(err.Error(), "docs/limits.md") {
			t.Errorf("%q: %v", caller, err)
		}
	}
}

func TestAccessPassesTheAccountOfThePlan(t *testing.T) {
	t.Setenv("AWS_PROFILE", "another")
	t.Setenv("AWS_CA_BUNDLE", "/ca.pem")
	keys := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "key", SessionToken: "token"}, nil
	})
	got, err := target{config: aws.Config{Credentials: keys}}.access(t.Context())
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
	if got := (target{}).overrides(); got != nil {
		t.Errorf("on AWS the overrides are %v", got)
	}
	if got := (target{endpoint: "http://127.0.0.1:4566", environment: "dev"}).overrides(); got["OnAws"] != "false" || got["ApiUrl"] != "http://127.0.0.1:4566/dev/api" {
		t.Errorf("the overrides are %v", got)
	}
}
