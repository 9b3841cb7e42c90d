package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

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
