package canary

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gatehouse.example/contracts/metrics"
)

// metric is the only one in which synthetic events are.
const metric = "SyntheticEvents"

// statistics is what meter needs of CloudWatch.
type statistics interface {
	GetMetricStatistics(context.Context, *cloudwatch.GetMetricStatisticsInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error)
}

// meter reads the sum of the metric, counted from one moment so that readings
// can be compared.
type meter struct {
	cloudwatch  statistics
	environment string
	since       time.Time
}

func (m *meter) sum(ctx context.Context) (float64, error) {
	out, err := m.cloudwatch.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String(metrics.Namespace), MetricName: aws.String(metric),
		Dimensions: []types.Dimension{{Name: aws.String("Environment"), Value: &m.environment}},
		StartTime:  &m.since, EndTime: aws.Time(time.Now().Add(time.Minute)),
		Period: aws.Int32(60), Statistics: []types.Statistic{types.StatisticSum},
	})
	if err != nil {
		return 0, fmt.Errorf("cloudwatch.GetMetricStatistics: %w", err)
	}
	total := 0.0
	for _, d := range out.Datapoints {
		total += aws.ToFloat64(d.Sum)
	}
	return total, nil
}
