package e2e

import (
	"sync"
	"testing"
)

// Much of a test is waiting, so tests run at the same time: more of them than there
// are processors. Almost all call t.Parallel. Those that compare metrics, or break what
// the others need, call alone instead of start.

const (
	// atOnce is how many tests use the system at the same time.
	atOnce = 6
	// programs is how many programs they run at the same time.
	programs = 4
)

var (
	// shared is held for reading by tests that start, for writing by those that
	// are alone.
	shared sync.RWMutex
	// accounts is held by what deploys or needs an environment in addition to the local one,
	// and by what such an environment would disturb. Take it before shared.
	accounts sync.Mutex
	// appEvents is held by the tests of the users' client-events queue.
	appEvents sync.Mutex
	// deployments is held by what deploys to the local system.
	deployments sync.Mutex

	slots   = make(chan struct{}, atOnce)
	running = make(chan struct{}, programs)
)

// start is the system for a test that runs with others.
func start(t *testing.T) *system {
	t.Helper()
	hold(t, shared.RLocker())
	slots <- struct{}{}
	t.Cleanup(func() { <-slots })
	return located(t)
}

// alone is the system for a test that no other test of it runs with.
func alone(t *testing.T) *system {
	t.Helper()
	hold(t, &shared)
	return located(t)
}

// hold keeps a lock until the test and its subtests end.
func hold(t *testing.T, l sync.Locker) {
	t.Helper()
	l.Lock()
	t.Cleanup(l.Unlock)
}
