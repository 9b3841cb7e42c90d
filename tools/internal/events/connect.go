package events

import (
	"context"
	"errors"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gatehouse.example/tools/internal/account"
)

// connect finds the environment and its account, or says where to get them.
func connect(ctx context.Context, environment string) (aws.Config, string, error) {
	if environment == "" {
		environment = os.Getenv("GATEHOUSE_ENVIRONMENT")
	}
	if environment == "" {
		return aws.Config{}, "", errors.New("which environment? Run 'source .local/env', or give --environment")
	}
	cfg, err := account.Connect(ctx)
	if err != nil {
		return aws.Config{}, "", err // it is advice to a person
	}
	return cfg, environment, nil
}
