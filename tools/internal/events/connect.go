package events

import (
	"context"
	"errors"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gatehouse.example/tools/actors"
)

// connect finds the environment and its account, or advises how to set them.
func connect(ctx context.Context, environment string) (aws.Config, string, error) {
	if environment == "" {
		environment = os.Getenv("GATEHOUSE_ENVIRONMENT")
	}
	if environment == "" {
		return aws.Config{}, "", errors.New("no environment; run 'source .local/env', or give --environment")
	}
	cfg, err := actors.Connect(ctx)
	if err != nil {
		return aws.Config{}, "", err // advice to the operator
	}
	return cfg, environment, nil
}
