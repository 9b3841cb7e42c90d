package consume_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/consume"
)

// TestEachHandlesEventsAtTheSameTime: the time of a batch is that of one call for every
// Parallel events, no more calls are open at once, and each event has its own result.
func TestEachHandlesEventsAtTheSameTime(t *testing.T) {
	t.Parallel()
	const call = 5 * time.Millisecond
	for _, n := range []int{0, 1, consume.Parallel, consume.Parallel + 1, 50} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var open, most, handled int
				want := map[string]error{}
				batch := make([]consume.Record, n)
				for i := range batch {
					batch[i].MessageID = fmt.Sprint(i)
					if i%7 == 3 {
						want[batch[i].MessageID] = errors.New(batch[i].MessageID)
					}
				}
				start := time.Now()
				failed := consume.Each(func(_ context.Context, r consume.Record) error {
					mu.Lock()
					open++
					most = max(most, open)
					mu.Unlock()
					<-time.After(call)
					mu.Lock()
					defer mu.Unlock()
					open--
					handled++
					return want[r.MessageID]
				})(t.Context(), batch)
				rounds := (n + consume.Parallel - 1) / consume.Parallel
				if took := time.Since(start); took != time.Duration(rounds)*call {
					t.Errorf("took %v, want %d calls of %v", took, rounds, call)
				}
				if handled != n || most != min(n, consume.Parallel) {
					t.Errorf("%d events handled, %d at the same time", handled, most)
				}
				if diff := cmp.Diff(texts(want), texts(failed)); diff != "" {
					t.Errorf("failures (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func texts(errs map[string]error) map[string]string {
	out := map[string]string{}
	for id, err := range errs {
		out[id] = err.Error()
	}
	return out
}
