package usermigration

import (
	"errors"
	"sync"
	"time"
)

const (
	// breakAfter is how many failures in a row open the breaker, and pause how long it stays
	// open. Each instance of the function has its own.
	breakAfter = 3
	pause      = 10 * time.Second
)

// errOpen is the error of a question that was not asked.
var errOpen = errors.New("usermigration: the old system was not asked, because it failed several times")

// breaker keeps people from waiting for an old system that hangs, and keeps their questions
// from it while it starts again. The zero value is closed.
type breaker struct {
	mu       sync.Mutex
	failures int
	failed   time.Time
}

// call asks, unless the breaker is open. After the pause one question is asked; its failure
// opens the breaker again.
func (b *breaker) call(now func() time.Time, ask func() error) error {
	if b.open(now()) {
		return errOpen
	}
	err := ask()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil || errors.Is(err, ErrRefused) {
		b.failures = 0
		return err
	}
	b.failures++
	// Without the monotonic clock, which may stand still while Lambda freezes a function.
	b.failed = now().Round(0)
	return err
}

func (b *breaker) open(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	since := now.Round(0).Sub(b.failed)
	return b.failures >= breakAfter && since >= 0 && since < pause
}
