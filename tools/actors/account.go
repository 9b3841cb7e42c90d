// Package actors has the clients of a deployed environment: a user who signs up
// and in, a machine, a guest, a caller of the API, a subscriber of the topic, and
// readers of metrics and audit rows. The demo, the canary, the integration tests
// and the end-to-end tests share them, so that all four use an environment the
// same way. They use public APIs only and work on AWS as they do locally.
package actors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go/logging"
)

// credentialsTimeout is for the search for credentials, which ends with an address
// that only answers on EC2 instances.
const credentialsTimeout = 5 * time.Second

// Connect finds region and credentials, or returns advice.
func Connect(ctx context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, append([]func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}, options...)...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("config.LoadDefaultConfig: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, errors.New("no AWS region; for the local system run 'source .local/env', for AWS set AWS_REGION")
	}
	wait, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	if _, err := cfg.Credentials.Retrieve(wait); err != nil {
		return aws.Config{}, errors.New("no AWS credentials; for the local system run 'source .local/env', for AWS sign in or set AWS_PROFILE")
	}
	return cfg, nil
}

// Environment is the one that a flag names, or else $GATEHOUSE_ENVIRONMENT.
func Environment(flag string) (string, error) {
	if flag = cmp.Or(flag, os.Getenv("GATEHOUSE_ENVIRONMENT")); flag == "" {
		return "", errors.New("no environment; run 'source .local/env', or give --environment")
	}
	return flag, nil
}

// Parameter returns an SSM parameter of a service in the environment.
func Parameter(ctx context.Context, cfg aws.Config, environment, service, resource string) (string, error) {
	name := "/gatehouse/" + environment + "/" + service + "/" + resource
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	var missing *types.ParameterNotFound
	switch {
	case errors.As(err, &missing):
		return "", fmt.Errorf("no SSM parameter %s: is %s deployed there? Locally, 'make up' deploys it", name, service)
	case err != nil:
		return "", Hint(fmt.Errorf("ssm.GetParameter: %w", err))
	case out.Parameter == nil:
		return "", errors.New("ssm.GetParameter: no parameter in the answer")
	}
	return aws.ToString(out.Parameter.Value), nil
}

// Hint adds advice to the error if nothing listens at the endpoint.
func Hint(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing answers at the AWS endpoint; is the local system up? Run 'make up', then 'source .local/env': %w", err)
	}
	return err
}

// Env has the names and credentials of a local system, by variable.
type Env map[string]string

// ReadEnv reads the env file of a local system. Every required name has to be in it.
func ReadEnv(path string, required ...string) (Env, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	env := Env{}
	for line := range strings.Lines(string(raw)) {
		name, value, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if found {
			env[name] = unquote(value)
		}
	}
	var missing []string
	for _, name := range required {
		if env[name] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the env file lacks %s", strings.Join(missing, ", "))
	}
	return env, nil
}

// Config is an SDK configuration with the credentials of the file.
func (e Env) Config() aws.Config {
	return aws.Config{
		Region: e["AWS_REGION"], BaseEndpoint: aws.String(e["AWS_ENDPOINT_URL"]),
		Credentials: credentials.NewStaticCredentialsProvider(e["AWS_ACCESS_KEY_ID"], e["AWS_SECRET_ACCESS_KEY"], e["AWS_SESSION_TOKEN"]),
	}
}

// unquote removes what a shell would: single quotes, and '\” within them.
func unquote(value string) string {
	if len(value) < 2 || value[0] != '\'' || value[len(value)-1] != '\'' {
		return value
	}
	return strings.ReplaceAll(value[1:len(value)-1], `'\''`, "'")
}
