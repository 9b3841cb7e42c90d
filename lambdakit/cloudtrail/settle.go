package cloudtrail

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/events"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
)

// Metrics of a function that reads records, with the dimension [consume.ConsumerDimension]:
// more than one function of an environment does.
const (
	// MetricForeign counts records of other pools, at each delivery.
	MetricForeign = "RecordsForeign"
	// MetricUnknown counts what no table knows, once, when it is in the dead-letter queue.
	MetricUnknown = "RecordsUnknown"
)

// Settle is [consume.Consumer.Settle] for a batch of records, and adds both metrics to out.
func Settle(ctx context.Context, q *consume.Consumer, in events.SQSEvent, failed map[string]error, foreign int, out *emf.Batch, known ...consume.Record) {
	var poison []string
	for id, err := range failed {
		var why consume.Poison
		if errors.As(err, &why) {
			poison = append(poison, id)
		}
	}
	q.Settle(ctx, in, failed, known...)
	moved := 0
	for _, id := range poison {
		if failed[id] == nil { // it is in the dead-letter queue
			moved++
		}
	}
	consumer := emf.Dimension{Name: consume.ConsumerDimension, Value: q.Name}
	out.Add(MetricForeign, emf.Count, float64(foreign), consumer)
	out.Add(MetricUnknown, emf.Count, float64(moved), consumer)
}
