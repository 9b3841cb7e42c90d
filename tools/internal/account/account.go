// Package account finds the AWS account that a command works on, the local one
// or a real one. It exists so that every command asks for the same things and,
// where one is missing, gives the same advice.
package account

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go/logging"
)

// credentialsTimeout bounds the search for credentials, which ends at an
// address that only answers on an EC2 instance.
const credentialsTimeout = 5 * time.Second

// Connect finds region and credentials, or says where to get them.
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

// Parameter is what a service of the environment has written into SSM.
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
		return "", errors.New("ssm.GetParameter: an answer without a parameter")
	}
	return aws.ToString(out.Parameter.Value), nil
}

// Hint adds what to do next to the error of a system that is not up.
func Hint(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing answers at the AWS endpoint; is the local system up? Run 'make up', then 'source .local/env': %w", err)
	}
	return err
}
