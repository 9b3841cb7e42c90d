package hostedpages

import (
	"crypto/rand"
	"maps"
	"sync"
	"time"
)

// lifetime is longer than the emulator's own sessions live.
const lifetime = 30 * time.Minute

// memory keeps what the proxy must know from one page to the next, in its own
// memory and nowhere else.
type memory[T any] struct {
	mu   sync.Mutex
	byID map[string]entry[T]
}

type entry[T any] struct {
	value T
	until time.Time
}

// add keeps the value under a name that nobody can guess.
func (m *memory[T]) add(value T) string {
	id := rand.Text()
	m.put(id, value)
	return id
}

func (m *memory[T]) put(id string, value T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(m.byID, func(_ string, old entry[T]) bool { return now.After(old.until) })
	if m.byID == nil {
		m.byID = map[string]entry[T]{}
	}
	m.byID[id] = entry[T]{value, now.Add(lifetime)}
}

func (m *memory[T]) get(id string) (T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry, ok := m.byID[id]
	if !ok || time.Now().After(entry.until) {
		var none T
		return none, false
	}
	return entry.value, true
}

func (m *memory[T]) drop(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byID, id)
}

// find returns the name of a value that matches, if there is one.
func (m *memory[T]) find(matches func(T) bool) (id string, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, entry := range m.byID {
		if time.Now().Before(entry.until) && matches(entry.value) {
			return id, true
		}
	}
	return "", false
}
