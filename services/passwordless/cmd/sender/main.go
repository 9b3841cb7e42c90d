// Command sender sends the mails of sign-ins without a password. The trigger has answered by
// then, so that nobody can measure whether a mail was sent.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/passwordless/internal/letter"
	"gatehouse.example/services/passwordless/internal/sender"
)

func main() {
	function.Main(build, func(s *sender.Sender) lambda.Handler { return function.JSON(s.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*sender.Sender, error) {
	out, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	var dead, key, from, app string
	if err := function.ReadEnv(getenv, map[string]*string{
		"DEAD_LETTER_QUEUE_URL": &dead, "SECRETS_KEY_ARN": &key, "EMAIL_FROM": &from, "APP_NAME": &app,
	}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	link := getenv("LINK_URL")
	if u, err := url.Parse(link); err != nil || u.Fragment != "" {
		return nil, fmt.Errorf("environment variable LINK_URL is not an address without a fragment")
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &sender.Sender{
		Vault:     &letter.Vault{Keys: kms.NewFromConfig(cfg), Key: key},
		SES:       sesv2.NewFromConfig(cfg),
		Publisher: publish.Connect(ctx, out, log),
		Dead:      &consume.DeadLetters{Queue: sqs.NewFromConfig(cfg), URL: dead},
		From:      from, Writer: sender.Writer{App: app, Link: link},
		Environment: out.Environment, Out: os.Stdout, Log: log, Now: time.Now,
	}, nil
}
