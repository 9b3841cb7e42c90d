package signinrecords

import (
	"context"
	"sync"
	"time"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
)

// batch is what one invocation knows of its messages.
type batch struct {
	// failed are the errors, by message id.
	failed map[string]error
	// failures are the failed sign-ins, by message id; known are their events, in order,
	// for the log.
	failures map[string]*failure
	known    []consume.Record

	read, foreign int
	age           time.Duration

	mu sync.Mutex
}

// add changes what the messages add up to, which are read at the same time.
func (b *batch) add(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

// count writes the metrics of a batch. A message that is delivered again counts again.
func (i *Intake) count(ctx context.Context, b *batch, out *emf.Batch) {
	out.Add(MetricRead, emf.Count, float64(b.read))
	if b.read > 0 {
		out.Add(MetricAge, emf.Milliseconds, float64(b.age.Milliseconds()))
	}
	if err := out.Flush(i.Out, i.Now()); err != nil {
		i.Log.ErrorContext(ctx, "metrics not written", "error", err.Error())
	}
}
