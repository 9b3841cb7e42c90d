// Command signin-records is the function that makes events of CloudTrail's records of
// failed sign-ins.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/parameters"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/signin-audit/internal/recorder"
	"gatehouse.example/services/signin-audit/internal/signinrecords"
)

func main() {
	function.Main(build, func(i *signinrecords.Intake) lambda.Handler { return function.JSON(i.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*signinrecords.Intake, error) {
	out, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	var letters, retention, name string
	if err := function.ReadEnv(getenv, map[string]*string{
		"AUDIT_TABLE": &name, "DEAD_LETTER_QUEUE_URL": &letters, "RETENTION_DAYS": &retention,
	}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	days, err := strconv.ParseUint(retention, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("RETENTION_DAYS: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	platform := &parameters.Cache{Client: ssm.NewFromConfig(cfg), Names: cloudtrail.ParameterNames(out.Environment), Now: time.Now}
	table := dynamodb.NewFromConfig(cfg)
	return &signinrecords.Intake{
		Parameters: platform,
		Owner: &cloudtrail.Owner{
			Platform: platform, Clients: &signinrecords.Clients{Client: cognito.NewFromConfig(cfg)}, Now: time.Now,
		},
		Rows:      &recorder.Table{Client: table, Name: name},
		Users:     &signinrecords.Marks{Client: table, Name: name},
		Publisher: publish.Connect(ctx, out, log), Environment: out.Environment,
		Dead:      &consume.DeadLetters{Queue: sqs.NewFromConfig(cfg), URL: letters},
		Retention: time.Duration(days) * 24 * time.Hour,
		Log:       log, Out: os.Stdout, Now: time.Now,
	}, nil
}
