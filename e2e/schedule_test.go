package e2e

import (
	"sync"
	"testing"
	"time"
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
	// shared is held by tests that start, all together, or by one that is alone.
	shared = newTogether()
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

// together is a lock that any number of tests hold at the same time, or one alone. One
// that wants to be alone waits until nobody holds it. A sync.RWMutex would let everybody
// wait for that one instead, from when it asks: the processors would have nothing to do
// until the slowest test before it has ended.
type together struct {
	mu      sync.Mutex
	changed *sync.Cond
	users   int
	one     bool // holds it alone
}

func newTogether() *together {
	g := &together{}
	g.changed = sync.NewCond(&g.mu)
	return g
}

// Lock waits for a test that is alone.
func (g *together) Lock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.one {
		g.changed.Wait()
	}
	g.users++
}

// Unlock ends one hold.
func (g *together) Unlock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users--
	g.changed.Broadcast()
}

// alone is the lock for one that wants nobody else.
func (g *together) alone() sync.Locker { return single{g} }

type single struct{ g *together }

func (s single) Lock() {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	for s.g.one || s.g.users > 0 {
		s.g.changed.Wait()
	}
	s.g.one = true
}

func (s single) Unlock() {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	s.g.one = false
	s.g.changed.Broadcast()
}

// start is the system for a test that runs with others.
func start(t *testing.T) *system {
	t.Helper()
	hold(t, shared)
	slots <- struct{}{}
	t.Cleanup(func() { <-slots })
	return located(t)
}

// alone is the system for a test that no other test of it runs with.
func alone(t *testing.T) *system {
	t.Helper()
	hold(t, shared.alone())
	return located(t)
}

// hold keeps a lock until the test and its subtests end.
func hold(t *testing.T, l sync.Locker) {
	t.Helper()
	began := time.Now()
	l.Lock()
	waited, began := time.Since(began), time.Now()
	t.Cleanup(func() {
		l.Unlock()
		t.Logf("waited %s for a lock, and held it for %s", waited.Round(time.Second/10), time.Since(began).Round(time.Second/10))
	})
}
