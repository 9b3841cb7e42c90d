// Command activity is the function behind the API's route /activity.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/parameters"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/signin-audit/internal/activity"
)

func main() {
	function.Main(build, func(h *activity.Handler) lambda.Handler { return function.JSON(h.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*activity.Handler, error) {
	var environment, table string
	if err := function.ReadEnv(getenv, map[string]*string{"AUDIT_TABLE": &table, "GATEHOUSE_ENVIRONMENT": &environment}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &activity.Handler{
		Platform:  &parameters.Cache{Client: ssm.NewFromConfig(cfg), Names: activity.ParameterNames(environment), Now: time.Now},
		Directory: &activity.Users{Client: cognito.NewFromConfig(cfg)},
		Rows:      &activity.Table{Client: dynamodb.NewFromConfig(cfg), Name: table, Now: time.Now},
		Log:       log,
	}, nil
}
