// Package origins keeps the pages of other sites away from the local system.
//
// It closes a hole, not a gap: the emulator answers every Host and every Origin, and
// takes the root key with any signature, so a page in the developer's browser could
// create a role and a function on the machine, and run it. On AWS nothing of that is
// possible without the account's keys. Delete this package when the emulator verifies
// signatures and refuses foreign hosts itself.
//
// What other origins use on AWS, they use here, too: allowed.go has the list.
package origins

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// domainTTL is how long a custom domain is remembered; the stack may delete it.
const domainTTL = 2 * time.Second

// Gate decides which requests reach the local system.
type Gate struct {
	// RootKey is the id of the key pair that may do everything. No browser has it.
	RootKey string
	// API reports whether a path is one of a REST API.
	API func(path string) bool
	// Domain reports whether a REST API has the custom domain.
	Domain func(ctx context.Context, name string) (bool, error)

	mu      sync.Mutex
	domains map[string]time.Time // known until
}

// hostname is a domain name of at least two labels.
var hostname = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)

// Before lets through to next what may reach it, and answers everything else.
func (g *Gate) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own, domain := g.host(r)
		api := domain || own && g.API(r.URL.Path)
		query, err := url.ParseQuery(r.URL.RawQuery)
		switch {
		case !own && !domain:
			refuse(w, "the host "+r.Host+" is not an address of the local system")
		case !foreign(r) && api:
			next.ServeHTTP(w, r)
		case !foreign(r):
			next.ServeHTTP(&answer{ResponseWriter: w}, r)
		case err != nil: // the emulator might read it all the same
			http.Error(w, "the query could not be read (invalid_request)", http.StatusBadRequest)
		case marked(r, query):
			refuse(w, "pages of other sites cannot call AWS here")
		case api: // answers CORS itself, as on AWS
			next.ServeHTTP(w, r)
		case r.Method == http.MethodOptions && preflight(w, r):
		case g.allows(r):
			next.ServeHTTP(&answer{ResponseWriter: w, origin: r.Header.Get("Origin")}, r)
		default:
			refuse(w, "pages of other sites cannot use this path")
		}
	})
}

// host reports whether the request names this machine, or else the custom domain of a
// REST API. A name that a stranger's DNS leads here is neither.
func (g *Gate) host(r *http.Request) (own, domain bool) {
	name, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		name, port = r.Host, "80"
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if slices.Contains([]string{"127.0.0.1", "localhost", "::1"}, name) {
		return port == listeningPort(r), false
	}
	return false, hostname.MatchString(name) && g.knows(r.Context(), name)
}

// listeningPort is the port that the request came in by.
func listeningPort(r *http.Request) string {
	address, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if address == nil {
		return ""
	}
	_, port, _ := net.SplitHostPort(address.String())
	return port
}

func (g *Gate) knows(ctx context.Context, name string) bool {
	now := time.Now()
	g.mu.Lock()
	until := g.domains[name]
	g.mu.Unlock()
	if now.Before(until) {
		return true
	}
	if is, err := g.Domain(ctx, name); err != nil || !is {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.domains == nil {
		g.domains = map[string]time.Time{}
	}
	g.domains[name] = now.Add(domainTTL)
	return true
}

// foreign reports whether a page of another origin sent the request. Programs send
// neither header. A port is part of an origin, but not of a site, so same-site is
// foreign, too (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header).
func foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		// A form of a page without a referrer has the origin null.
		return origin != "" && origin != "null" && !sameOrigin(origin, r)
	case "":
		return origin != "" && !sameOrigin(origin, r)
	}
	return true
}

func sameOrigin(origin string, r *http.Request) bool {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == scheme && strings.EqualFold(u.Host, r.Host)
}

func refuse(w http.ResponseWriter, why string) {
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	http.Error(w, "refused: "+why+"; see tools/internal/proxy/README.md, section Other origins", http.StatusForbidden)
}
