// Command challenge is the three triggers of Cognito's custom challenges, with which people
// sign in by a code or a link from a mail. One sign-in calls it five times, so that one
// function starts once where three would start three times.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/services/passwordless/internal/challenge"
	"gatehouse.example/services/passwordless/internal/letter"
)

func main() { function.Main(build, func(h *challenge.Handler) lambda.Handler { return h }) }

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*challenge.Handler, error) {
	where, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	var table, secrets, names, queue, perAddress, perClient, minutes string
	if err := function.ReadEnv(getenv, map[string]*string{
		"CHALLENGES_TABLE": &table, "SECRETS_KEY_ARN": &secrets, "NAMES_KEY_ARN": &names, "LETTERS_QUEUE_URL": &queue,
		"CHALLENGES_PER_ADDRESS": &perAddress, "CHALLENGES_PER_CLIENT": &perClient, "VALID_MINUTES": &minutes,
	}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	numbers := map[string]string{"CHALLENGES_PER_ADDRESS": perAddress, "CHALLENGES_PER_CLIENT": perClient, "VALID_MINUTES": minutes}
	of := map[string]int{}
	for name, value := range numbers {
		if of[name], err = strconv.Atoi(value); err != nil || of[name] < 1 {
			return nil, fmt.Errorf("environment variable %s is not a number above zero", name)
		}
	}
	cfg := where.AWS()
	keys := kms.NewFromConfig(cfg)
	return &challenge.Handler{
		Store:     &challenge.Store{Client: dynamodb.NewFromConfig(cfg), Table: table},
		Vault:     &letter.Vault{Keys: keys, Key: secrets},
		Names:     &challenge.Names{Macs: keys, Key: names},
		Outgoing:  &challenge.Outgoing{Queue: sqs.NewFromConfig(cfg), URL: queue},
		Publisher: publish.Connect(ctx, where, log),
		Limits:    challenge.Limits{PerAddress: of["CHALLENGES_PER_ADDRESS"], PerClient: of["CHALLENGES_PER_CLIENT"]},
		Valid:     time.Duration(of["VALID_MINUTES"]) * time.Minute,
		Log:       log.With("environment", where.Environment), Now: time.Now,
	}, nil
}
