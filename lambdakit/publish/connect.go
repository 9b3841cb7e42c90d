package publish

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"gatehouse.example/lambdakit/env"
	"gatehouse.example/lambdakit/publish/wire"
)

// warmTimeout bounds the request that opens the connection during init.
const warmTimeout = 300 * time.Millisecond

// Config is what a function's environment says about where events go.
type Config struct {
	Environment string // GATEHOUSE_ENVIRONMENT, e.g. production
	TopicARN    string // TOPIC_ARN
	OutboxURL   string // OUTBOX_URL
}

// ConfigFromEnv reads a Config and names the first variable that is missing.
func ConfigFromEnv(getenv func(string) string) (Config, error) {
	var c Config
	if err := env.Read(getenv, map[string]*string{
		"AWS_REGION":            new(string), // what [wire.New] reads
		"GATEHOUSE_ENVIRONMENT": &c.Environment, "OUTBOX_URL": &c.OutboxURL, "TOPIC_ARN": &c.TopicARN,
	}); err != nil {
		return Config{}, fmt.Errorf("publish: %w", err)
	}
	return c, nil
}

// Connect makes a Publisher. It opens the connection to the topic before the
// first event, as far as that succeeds within 300 ms, so that the first sign-in
// does not pay for it.
func Connect(ctx context.Context, c Config, getenv func(string) string, log *slog.Logger) *Publisher {
	client := wire.New(getenv)
	warming, cancel := context.WithTimeout(ctx, warmTimeout)
	defer cancel()
	client.Warm(warming)
	return &Publisher{
		Topic: client, TopicARN: c.TopicARN, Outbox: client, OutboxURL: c.OutboxURL,
		Environment: c.Environment, Log: log, Out: os.Stdout, Now: time.Now,
	}
}
