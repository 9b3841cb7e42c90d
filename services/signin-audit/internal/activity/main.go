package activity

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/tracing"
)

// Main runs the function.
func Main() { function.Main(fromEnv, func(h *Handler) any { return h.Handle }) }

// fromEnv puts the function together from its environment.
func fromEnv(ctx context.Context, getenv func(string) string, log *slog.Logger) (*Handler, error) {
	var environment, table string
	if err := function.ReadEnv(getenv, map[string]*string{"AUDIT_TABLE": &table, "GATEHOUSE_ENVIRONMENT": &environment}); err != nil {
		return nil, fmt.Errorf("activity: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &Handler{
		Platform:  &Names{Client: ssm.NewFromConfig(cfg), Environment: environment, Now: time.Now},
		Directory: &Users{Client: cognito.NewFromConfig(cfg)},
		Rows:      &Table{Client: dynamodb.NewFromConfig(cfg), Name: table, Now: time.Now},
		Log:       log,
	}, nil
}
