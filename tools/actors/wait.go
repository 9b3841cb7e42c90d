package actors

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrTimeout is the cause of an [Unfinished] wait whose own limits ended it.
var ErrTimeout = errors.New("timeout")

// Unfinished is the error of a wait that ended before its condition held.
type Unfinished struct {
	// Seen is what the last look saw.
	Seen string
	// After is how long the wait took.
	After time.Duration
	// Cause is [ErrTimeout] or the error of the context.
	Cause error
}

// Error says what was seen, after how long, and what ended the wait.
func (u *Unfinished) Error() string {
	return fmt.Sprintf("%s after %s: %v", u.Seen, u.After.Round(time.Millisecond), u.Cause)
}

// Unwrap returns the cause.
func (u *Unfinished) Unwrap() error { return u.Cause }

// Wait polls a condition. On a busy machine everything is slow but makes progress, so
// the wait gives up only when nothing has changed for a while.
type Wait struct {
	// Every is the time between two looks.
	Every time.Duration
	// Quiet ends the wait when looks have seen the same for that long; 0 never does.
	Quiet time.Duration
	// Limit ends the wait in any case; 0 leaves that to the context.
	Limit time.Duration
}

// Until looks until done is true or look returns an error. The text that look
// returns says what it saw: a new text is progress, and the last one is in the
// error of a wait that ends early.
func (w Wait) Until(ctx context.Context, look func(context.Context) (seen string, done bool, err error)) error {
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	began := time.Now()
	changed, last := began, ""
	for {
		seen, done, err := look(ctx)
		now := time.Now()
		ended := func(cause error) error { return &Unfinished{Seen: seen, After: now.Sub(began), Cause: cause} }
		switch {
		case done:
			return nil
		case ctx.Err() != nil:
			return ended(ctx.Err())
		case err != nil:
			return err
		case seen != last:
			changed, last = now, seen
		case w.Quiet > 0 && now.Sub(changed) >= w.Quiet:
			return ended(ErrTimeout)
		}
		if w.Limit > 0 && now.Sub(began) >= w.Limit {
			return ended(ErrTimeout)
		}
		select {
		case <-ctx.Done():
			return ended(ctx.Err())
		case <-tick.C:
		}
	}
}
