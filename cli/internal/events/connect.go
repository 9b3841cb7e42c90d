package events

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go/logging"
)

// credentialsTimeout bounds the search for credentials, which ends at an
// address that only answers on an EC2 instance.
const credentialsTimeout = 5 * time.Second

// connect finds environment, region and credentials, or says where to get them.
func connect(ctx context.Context, environment string) (aws.Config, string, error) {
	if environment == "" {
		environment = os.Getenv("GATEHOUSE_ENVIRONMENT")
	}
	if environment == "" {
		return aws.Config{}, "", errors.New("which environment? Run 'source .local/env', or give --environment")
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return aws.Config{}, "", fmt.Errorf("config.LoadDefaultConfig: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, "", errors.New("no AWS region; for the local system run 'source .local/env', for AWS set AWS_REGION")
	}
	wait, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	if _, err := cfg.Credentials.Retrieve(wait); err != nil {
		return aws.Config{}, "", errors.New("no AWS credentials; for the local system run 'source .local/env', for AWS sign in or set AWS_PROFILE")
	}
	return cfg, environment, nil
}

// outboxURL asks the environment's own name for it.
func outboxURL(ctx context.Context, cfg aws.Config, environment string) (string, error) {
	name := "/gatehouse/" + environment + "/user-events/outbox-url"
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	var missing *ssmtypes.ParameterNotFound
	if errors.As(err, &missing) {
		return "", fmt.Errorf("no SSM parameter %s: is user-events deployed there? Locally, 'make up' deploys it", name)
	}
	if err != nil {
		return "", hint(fmt.Errorf("ssm.GetParameter: %w", err))
	}
	return aws.ToString(out.Parameter.Value), nil
}

// hint adds what to do next to the error that has one remedy.
func hint(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing answers at the AWS endpoint; is the local system up? Run 'make up', then 'source .local/env': %w", err)
	}
	return err
}
