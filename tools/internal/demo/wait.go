package demo

import (
	"context"
	"fmt"
	"time"
)

const (
	// limit is how long anything may take to come out. It is generous, for the
	// demo may run on a machine that is still busy with the deployment.
	limit = 60 * time.Second
	// every is the time between two questions.
	every = 250 * time.Millisecond
)

// poll asks until the answer is yes, an error, or the limit is over.
func poll(ctx context.Context, limit time.Duration, what string, yes func(context.Context) (bool, error)) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	ask := time.NewTicker(every)
	defer ask.Stop()
	for {
		ok, err := yes(ctx)
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-deadline.C:
			return fmt.Errorf("%s did not come within %s", what, limit)
		case <-ask.C:
		}
	}
}
