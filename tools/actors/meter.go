package actors

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gatehouse.example/lambdakit/emf"
)

// Statistics is what a Meter needs of CloudWatch.
type Statistics interface {
	GetMetricStatistics(context.Context, *cloudwatch.GetMetricStatisticsInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error)
}

// Meter reads sums of metrics, counted from one moment so that two readings
// can be compared.
type Meter struct {
	CloudWatch  Statistics
	Environment string
	Since       time.Time
	// ClientID, if set, is the app client whose metrics are read, and not everybody's.
	ClientID string
}

// NewMeter counts from an hour before a moment.
func NewMeter(c Statistics, environment string, at time.Time) *Meter {
	return &Meter{CloudWatch: c, Environment: environment, Since: at.Truncate(time.Minute).Add(-time.Hour)}
}

// Sum adds up the datapoints of a metric.
func (m *Meter) Sum(ctx context.Context, name string) (float64, error) {
	dimensions := []types.Dimension{{Name: aws.String("Environment"), Value: &m.Environment}}
	if m.ClientID != "" {
		dimensions = append(dimensions, types.Dimension{Name: aws.String("ClientId"), Value: &m.ClientID})
	}
	out, err := m.CloudWatch.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String(emf.Namespace), MetricName: &name,
		Dimensions: dimensions,
		StartTime:  &m.Since, EndTime: aws.Time(time.Now().Add(time.Minute)),
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
