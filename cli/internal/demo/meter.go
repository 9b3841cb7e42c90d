package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	gatehouse "gatehouse.example/contracts/metrics"
)

// statistics is what meter needs of CloudWatch.
type statistics interface {
	GetMetricStatistics(context.Context, *cloudwatch.GetMetricStatisticsInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error)
}

// meter reads sums of metrics, counted from one moment so that two readings
// can be compared.
type meter struct {
	cloudwatch  statistics
	environment string
	since       time.Time
}

func newMeter(c statistics, environment string) *meter {
	return &meter{cloudwatch: c, environment: environment, since: time.Now().Truncate(time.Minute).Add(-time.Hour)}
}

// sum adds up the datapoints of a metric.
func (m *meter) sum(ctx context.Context, name string) (float64, error) {
	out, err := m.cloudwatch.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String(gatehouse.Namespace), MetricName: &name,
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

// grown waits until a metric is above what it was and returns what it is.
func (m *meter) grown(ctx context.Context, limit time.Duration, name string, above float64) (float64, error) {
	now := above
	err := poll(ctx, limit, "metric "+name, func(ctx context.Context) (bool, error) {
		var err error
		now, err = m.sum(ctx, name)
		return now > above, err
	})
	return now, err
}
