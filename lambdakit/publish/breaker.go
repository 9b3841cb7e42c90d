package publish

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// attempts is how often a way is tried that did not fail last time; otherwise once.
	attempts = 2
	// topicPause is how long the topic is skipped after it failed. An instance of a
	// function handles one invocation at a time, so without it every sign-in would wait
	// for a topic that hangs, and hold an execution of the account for that long.
	topicPause = 5 * time.Second
	// outboxPause is zero: after the outbox there is only the log.
	outboxPause = 0
)

// breaker saves time on one way, the topic or the outbox, after it failed: it is skipped
// for a pause, and the next call makes one attempt. The zero value is ready for use.
type breaker struct {
	mu     sync.Mutex
	failed time.Time
}

// skipped is the error of a call that was not made. Its name is what the log shows.
type skipped struct{}

func (skipped) Error() string { return "publish: not tried, because it failed a moment ago" }

// call runs f until it succeeds, at most for the time of limit. Without time it makes no
// attempt, which says nothing about the way.
func (b *breaker) call(ctx context.Context, limit, pause time.Duration, now func() time.Time, f func(context.Context) error) error {
	if limit <= 0 {
		return context.DeadlineExceeded
	}
	b.mu.Lock()
	failed := b.failed
	b.mu.Unlock()
	n := attempts
	if !failed.IsZero() {
		n = 1
		if since := wall(now).Sub(failed); since >= 0 && since < pause {
			return skipped{}
		}
	}
	var err error
	for range n {
		if err = within(ctx, limit/attempts, f); err == nil {
			break
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = time.Time{}
	if err != nil {
		b.failed = wall(now)
	}
	return err
}

// wall is the time without the monotonic clock, which may stand still while Lambda
// freezes a function.
func wall(now func() time.Time) time.Time { return now().Round(0) }

// within runs f, and turns a panic into an error without its value: the event must
// reach the next way.
func within(ctx context.Context, limit time.Duration, f func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("publish: panic of type %T", p)
		}
	}()
	return f(ctx)
}
