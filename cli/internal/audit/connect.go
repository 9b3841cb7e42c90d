package audit

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go/logging"
)

// credentialsTimeout bounds the search for credentials, which ends at an
// address that only answers on an EC2 instance.
const credentialsTimeout = 5 * time.Second

// connect finds region and credentials, or says where to get them.
func connect(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
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

// tableName follows the order that the command's help tells.
func tableName(ctx context.Context, cfg aws.Config, o options, getenv func(string) string) (string, error) {
	if o.table != "" {
		return o.table, nil
	}
	environment := o.environment
	if environment == "" {
		if name := getenv("AUDIT_TABLE"); name != "" {
			return name, nil
		}
		environment = getenv("GATEHOUSE_ENVIRONMENT")
	}
	if environment == "" {
		return "", errors.New("which table? Run 'source .local/env', or give --environment or --table")
	}
	name := "/gatehouse/" + environment + "/signin-audit/audit-table-name"
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	var missing *ssmtypes.ParameterNotFound
	if errors.As(err, &missing) {
		return "", fmt.Errorf("no SSM parameter %s: is signin-audit deployed there? Locally, 'make up' deploys it", name)
	}
	if err != nil {
		return "", hint(fmt.Errorf("ssm.GetParameter: %w", err))
	}
	return aws.ToString(out.Parameter.Value), nil
}

// hint adds what to do next to the errors that have one remedy.
func hint(err error) error {
	var missing *dynamotypes.ResourceNotFoundException
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing answers at the AWS endpoint; is the local system up? Run 'make up', then 'source .local/env': %w", err)
	case errors.As(err, &missing):
		return fmt.Errorf("no such table; run 'source .local/env' again, or give --environment: %w", err)
	}
	return err
}
