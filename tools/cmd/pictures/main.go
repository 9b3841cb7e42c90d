// Command pictures draws the documentation's pictures from the templates, so that
// they cannot show what is not deployed: the architecture from the stacks, and the
// dashboard from its definition with the metrics of a local system.
//
//	go run ./tools/cmd/pictures                             # draw both again
//	. .local/env && go run ./tools/cmd/pictures -collect    # with new metrics
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gatehouse.example/tools/stacks"
)

// folder is relative to the repository.
const folder = "docs/pictures"

func main() {
	newMetrics := flag.Bool("collect", false, "read the dashboard's metrics from the running local system first")
	flag.Parse()
	if err := realMain(context.Background(), *newMetrics); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func realMain(ctx context.Context, newMetrics bool) error {
	root, err := stacks.FindRoot(".")
	if err != nil {
		return fmt.Errorf("stacks.FindRoot: %w", err)
	}
	dir := filepath.Join(root, filepath.FromSlash(folder))
	if newMetrics {
		if err := collect(ctx, filepath.Join(dir, "dashboard.json")); err != nil {
			return err
		}
	}
	drawn, err := draw(root, dir)
	for name, text := range drawn {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return fmt.Errorf("os.WriteFile: %w", err)
		}
	}
	return err
}

// draw makes the pictures by file name.
func draw(root, dir string) (map[string][]byte, error) {
	all, err := stacks.Discover(root)
	if err != nil {
		return nil, fmt.Errorf("stacks.Discover: %w", err)
	}
	metrics, err := os.ReadFile(filepath.Join(dir, "dashboard.json"))
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	overview, err := architecture(all)
	if err != nil {
		return nil, err
	}
	board, err := dashboard(all, metrics)
	if err != nil {
		return nil, err // an empty picture must not replace the one that is there
	}
	return map[string][]byte{"architecture.svg": overview, "dashboard.svg": board}, nil
}

// collect writes the last hour of every metric that CloudWatch has into a file.
// A minute has too few calls for a p99: the picture shows the maximum instead.
func collect(ctx context.Context, file string) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("config.LoadDefaultConfig: %w", err)
	}
	client, data := cloudwatch.NewFromConfig(cfg), []series{}
	for _, namespace := range []string{"Gatehouse", "AWS/Lambda"} {
		listed, err := client.ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: &namespace})
		if err != nil {
			return fmt.Errorf("cloudwatch.ListMetrics: %w", err)
		}
		for _, m := range listed.Metrics {
			got, err := client.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
				Namespace: m.Namespace, MetricName: m.MetricName, Dimensions: m.Dimensions, Period: aws.Int32(60),
				StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now()),
				Statistics: []types.Statistic{types.StatisticSum, types.StatisticMaximum},
			})
			if err != nil {
				return fmt.Errorf("cloudwatch.GetMetricStatistics: %w", err)
			}
			data = append(data, measured(m, got.Datapoints)...)
		}
	}
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}

// measured turns the datapoints of a metric into one series per statistic.
func measured(m types.Metric, points []types.Datapoint) []series {
	key := []string{*m.Namespace, *m.MetricName}
	for _, d := range m.Dimensions {
		key = append(key, *d.Name, *d.Value)
	}
	sum := series{Key: key, Stat: "Sum", Points: map[int64]float64{}}
	most := series{Key: key, Stat: "Maximum", Points: map[int64]float64{}}
	for _, p := range points {
		sum.Points[p.Timestamp.Unix()], most.Points[p.Timestamp.Unix()] = aws.ToFloat64(p.Sum), aws.ToFloat64(p.Maximum)
	}
	return []series{sum, most}
}
