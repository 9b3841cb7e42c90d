package proxy

import (
	"crypto/rand"
	"sync"
	"time"
)

// hostedLifetime is longer than the emulator's own sessions live.
const hostedLifetime = 30 * time.Minute

// hostedMemory keeps what the edge must know from one page to the next. It lives
// in the edge's memory and nowhere else.
type hostedMemory[T any] struct {
	mu   sync.Mutex
	byID map[string]hostedEntry[T]
}

type hostedEntry[T any] struct {
	value T
	until time.Time
}

func newHostedMemory[T any]() *hostedMemory[T] {
	return &hostedMemory[T]{byID: map[string]hostedEntry[T]{}}
}

// add keeps the value under a name that nobody can guess.
func (m *hostedMemory[T]) add(value T) string {
	id := rand.Text()
	m.put(id, value)
	return id
}

func (m *hostedMemory[T]) put(id string, value T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for old, kept := range m.byID {
		if now.After(kept.until) {
			delete(m.byID, old)
		}
	}
	m.byID[id] = hostedEntry[T]{value, now.Add(hostedLifetime)}
}

func (m *hostedMemory[T]) get(id string) (T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry, ok := m.byID[id]
	if !ok || time.Now().After(entry.until) {
		var none T
		return none, false
	}
	return entry.value, true
}

func (m *hostedMemory[T]) drop(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byID, id)
}

// find returns the name of a value that is meant, if there is one.
func (m *hostedMemory[T]) find(meant func(T) bool) (id string, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, entry := range m.byID {
		if time.Now().Before(entry.until) && meant(entry.value) {
			return id, true
		}
	}
	return "", false
}
