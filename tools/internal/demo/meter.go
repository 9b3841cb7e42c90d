package demo

import (
	"context"
	"time"

	gatehouse "gatehouse.example/tools/internal/meter"
)

// meter waits for metrics to grow.
type meter struct{ *gatehouse.Meter }

func newMeter(c gatehouse.Statistics, environment string) *meter {
	return &meter{gatehouse.New(c, environment, time.Now())}
}

// grown waits until a metric is above what it was and returns what it is.
func (m *meter) grown(ctx context.Context, limit time.Duration, name string, above float64) (float64, error) {
	now := above
	err := poll(ctx, limit, "metric "+name, func(ctx context.Context) (bool, error) {
		var err error
		now, err = m.Sum(ctx, name)
		return now > above, err
	})
	return now, err
}
