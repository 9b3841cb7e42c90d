package activity

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/contracts/tracing"
)

// Main runs the function.
func Main() {
	log := lambdacontext.NewLogger()
	if err := realMain(context.Background(), log); err != nil {
		log.Error("function cannot start", "error", err.Error())
		os.Exit(1)
	}
}

func realMain(ctx context.Context, log *slog.Logger) error {
	h, err := fromEnv(ctx, os.Getenv, log)
	if err != nil {
		return err
	}
	lambda.Start(h.Handle)
	return nil
}

// fromEnv puts the function together from its environment.
func fromEnv(ctx context.Context, getenv func(string) string, log *slog.Logger) (*Handler, error) {
	for _, name := range []string{"AUDIT_TABLE", "GATEHOUSE_ENVIRONMENT"} {
		if getenv(name) == "" {
			return nil, fmt.Errorf("activity: environment variable %s is not set", name)
		}
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &Handler{
		Platform:  &Names{Client: ssm.NewFromConfig(cfg), Environment: getenv("GATEHOUSE_ENVIRONMENT"), Now: time.Now},
		Directory: &Users{Client: cognito.NewFromConfig(cfg)},
		Rows:      &Table{Client: dynamodb.NewFromConfig(cfg), Name: getenv("AUDIT_TABLE"), Now: time.Now},
		Log:       log,
	}, nil
}
