package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/tools/actors"
)

// tableName follows the order in the command's help.
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
		return "", errors.New("no table; run 'source .local/env', or give --environment or --table")
	}
	return actors.Parameter(ctx, cfg, environment, "signin-audit", "audit-table-name")
}

// hint adds what to do next to the errors that have one remedy.
func hint(err error) error {
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return fmt.Errorf("the table does not exist; run 'source .local/env' again, or give --environment: %w", err)
	}
	return actors.Hint(err)
}
