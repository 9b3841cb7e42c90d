package main

import (
	"log/slog"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/otlp"
	"gatehouse.example/services/user-events/internal/userrows"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	c := function.CheckBuild(t, build, map[string]string{
		"CLIENT_TOKENS_PER_HOUR": "7", "DEAD_LETTER_QUEUE_URL": "dead", "GATEHOUSE_ENVIRONMENT": "test", "LEDGER_TABLE": "table",
	})
	if l, ok := c.Ledger.(*metrics.Ledger); !ok || l.Table == nil || l.Name != "table" {
		t.Errorf("Ledger = %+v", c.Ledger)
	}
	if b, ok := c.Budget.(*metrics.TokenBudget); !ok || b.Counts.Table == nil || b.Counts.Name != "table" || len(b.Counts.Process) != 8 || b.PerHour != 7 {
		t.Errorf("Budget = %+v", c.Budget)
	}
	if u, ok := c.Users.(*userrows.Rows); !ok || u.Table == nil || u.Name != "table" || u.Pool == nil {
		t.Errorf("Users = %+v", c.Users)
	}
	if c.Dead.Queue == nil || c.Dead.URL != "dead" {
		t.Errorf("Dead = %+v", c.Dead)
	}
	if c.Exporter != nil {
		t.Errorf("Exporter = %+v", c.Exporter)
	}
	if c.Environment != "test" || c.Out == nil || c.Log == nil || c.Now == nil {
		t.Errorf("build = %+v", c)
	}
}

func TestBuildRefusesABudgetThatIsNotANumber(t *testing.T) {
	t.Parallel()
	values := map[string]string{"CLIENT_TOKENS_PER_HOUR": "many", "DEAD_LETTER_QUEUE_URL": "dead", "GATEHOUSE_ENVIRONMENT": "test", "LEDGER_TABLE": "table"}
	if _, err := build(t.Context(), func(name string) string { return values[name] }, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no error")
	}
}

func TestBuildWithAnExporter(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_ENDPOINT_URL", "")
	values := map[string]string{
		"CLIENT_TOKENS_PER_HOUR": "7", "DEAD_LETTER_QUEUE_URL": "dead", "GATEHOUSE_ENVIRONMENT": "test", "LEDGER_TABLE": "table",
		"OTLP_METRICS_URL": "https://monitoring.eu-central-1.amazonaws.com/v1/metrics",
	}
	c, err := build(t.Context(), func(name string) string { return values[name] }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	x, ok := c.Exporter.(*otlp.Exporter)
	if !ok || x.URL != values["OTLP_METRICS_URL"] || x.Region != "eu-central-1" || x.Credentials == nil || x.Client == nil || x.Environment != "test" || len(x.Instance) != 8 {
		t.Errorf("Exporter = %+v", c.Exporter)
	}
}

func TestTheEndpointIsReplaced(t *testing.T) {
	t.Parallel()
	const url = "https://monitoring.eu-central-1.amazonaws.com/v1/metrics"
	for base, want := range map[string]string{"http://127.0.0.1:4566": "http://127.0.0.1:4566/v1/metrics", "http://127.0.0.1:4566/": "http://127.0.0.1:4566/v1/metrics"} {
		if x, ok := exporter(url, "test", "one", aws.Config{BaseEndpoint: &base}).(*otlp.Exporter); !ok || x.URL != want {
			t.Errorf("%s: %+v, want %s", base, x, want)
		}
	}
}
