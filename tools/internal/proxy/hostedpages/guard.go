package hostedpages

import (
	"crypto/rand"
	"crypto/subtle"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"
)

// Cognito guards its forms with a cookie and a field of the same value, and so
// do these pages, under the same names.
const (
	guardCookie = "XSRF-TOKEN"
	guardField  = "_csrf"
)

var guardValue = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// browser names the browser by its guard cookie; it is empty without one.
func browser(r *http.Request) string {
	cookie, err := r.Cookie(guardCookie)
	if err != nil || !guardValue.MatchString(cookie.Value) {
		return ""
	}
	return cookie.Value
}

// guard is the field that a form sends back; it sets the cookie on first sight.
func guard(w http.ResponseWriter, r *http.Request) Hidden {
	value := browser(r)
	if value == "" {
		value = rand.Text()
		// Not Secure, because the local pages use plain HTTP, on loopback only.
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // G124: see above
			Name: guardCookie, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	return Hidden{Name: guardField, Value: value}
}

// guarded reports whether the form comes from a page that this browser was given.
// If it does not, it answers.
func (p *Pages) guarded(w http.ResponseWriter, r *http.Request, form url.Values) bool {
	known, sent := browser(r), form.Get(guardField)
	err := http.NewCrossOriginProtection().Check(r)
	if err == nil && known != "" && subtle.ConstantTimeCompare([]byte(known), []byte(sent)) == 1 {
		return true
	}
	page := Page{
		Title:   "This page has expired",
		Problem: "The form did not come from this page, or cookies are switched off. Nothing was sent. Please start again.",
	}
	if values, repeated := appValues(form); repeated == "" && values.Get("client_id") != "" {
		page.Links = []Link{{Text: "Start again", URL: "/login?" + values.Encode()}}
	}
	p.showPage(w, r, http.StatusForbidden, page)
	return false
}

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
