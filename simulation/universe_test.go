package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"gatehouse.example/contracts"
)

// universe is one run of a history. All of it is inside a bubble of testing/synctest:
// its clock is the bubble's, and nothing in it blocks for real.
//
// Equal seeds give equal runs, although everything runs in goroutines of its own: what
// goes wrong and how long it takes is a hash of the seed and of the step, and no two
// steps that depend on each other happen at the same nanosecond.
type universe struct {
	history
	settings map[string]setting
	bug      bug
	began    time.Time

	mu        sync.Mutex
	planned   map[step]fault
	nth       map[step]nth // with nth zero
	copies    map[string]*copied
	byTime    map[string]*copied // by id and time
	functions map[string]*function
	queues    map[string]*queue
	ledger    *table
	audit     *table
	bus       map[string]int // by act
	logs      map[string][]logLine
	byClaim   map[string]*copied // the first of each claim
	domains   map[string]string  // of the users' addresses, by sub
	written   strings.Builder    // what the metrics function wrote
	calls     []*personCall
	claims    []*claim
	underway  int // deliveries by SNS that have not arrived
	tracing   bool
	trace     []string // what happened, if tracing is set
	broken    []violation
}

// copied is a body as it was published.
type copied struct {
	name, id, typ, subject, body string
	// claim is the id under which consumers claim the event, act what it is about: all
	// events about one act, as far as that can be proved, have the same.
	claim, act string
	// acknowledged is set once SNS or SQS has acknowledged the body to a trigger or to
	// the operator.
	acknowledged bool
	// entered is set once SNS or SQS has the body, acknowledged or not.
	entered bool
	// poison is set for a body that is not an event.
	poison bool
}

// violation is a broken invariant.
type violation struct{ invariant, detail string }

// violate notes a broken invariant. Its caller holds u.mu.
func (u *universe) violate(invariant, format string, args ...any) {
	u.broken = append(u.broken, violation{invariant, fmt.Sprintf(format, args...)})
}

// random is a number that depends on the seed and on what it is for.
func (u *universe) random(nth int, of ...string) uint64 {
	h := u.seed ^ 0xcbf29ce484222325
	for _, s := range of {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 0x100000001b3
		}
		h = (h ^ 0xff) * 0x100000001b3
	}
	h ^= uint64(nth) * 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// between is a random duration.
func between(random uint64, from, to time.Duration) time.Duration {
	return from + time.Duration(random%uint64(to-from))
}

// note adds to the trace.
func (u *universe) note(format string, args ...any) {
	if u.tracing {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.trace = append(u.trace, fmt.Sprintf("%-15s ", u.now().Round(time.Microsecond))+fmt.Sprintf(format, args...))
	}
}

func (u *universe) now() time.Duration { return time.Since(u.began) }

// copyOf registers a body: equal ids at equal times have equal bytes.
func (u *universe) copyOf(body string, inv *invocation) *copied {
	u.mu.Lock()
	defer u.mu.Unlock()
	if c := u.copies[body]; c != nil {
		return c
	}
	c := &copied{name: "poison", body: body, poison: true}
	u.copies[body] = c
	ev, err := contracts.Decode([]byte(body))
	if err != nil {
		return c
	}
	c.poison, c.id, c.typ, c.subject = false, ev.ID(), ev.Type(), ev.Subject()
	c.claim, _ = contracts.ClaimID(ev)
	switch c.act = c.id; {
	case c.typ == contracts.TypeUserCreated:
		c.act = "creation of " + ev.Subject()
	case c.typ == contracts.TypeSigninSucceeded && strings.Contains(string(ev.Data()), contracts.ViaFederation):
		c.act = "first sign-in of " + ev.Subject()
	}
	switch {
	case c.typ == contracts.TypeSecurityFinding:
		c.name = u.findingName(ev)
	case inv != nil && inv.call != nil:
		c.name = name(inv.call.act.number, inv.call.nth, c.typ)
	}
	if u.byClaim[c.claim] == nil {
		u.byClaim[c.claim] = c
	}
	key := idAndTime(c.id, ev.Time())
	if other := u.byTime[key]; other != nil {
		u.violate("same id, same bytes", "the event %q has two bodies with one id:\n%s\n%s", c.name, other.body, body)
	}
	u.byTime[key] = c
	return c
}

func idAndTime(id string, at time.Time) string { return id + " " + at.UTC().Format(time.RFC3339Nano) }

// nth is how often a step has happened, and when it did last.
type nth struct {
	n  int
	at time.Duration
}

// next counts a step and returns how often it has happened and what goes wrong. Steps at
// the same time count as one: two copies of an event in a batch have equal fates, as
// their order is not defined.
func (u *universe) next(op, event string) (int, fault) {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := step{op: op, event: event}
	was, now := u.nth[key], u.now()
	if was.n == 0 || was.at != now {
		was = nth{was.n + 1, now}
		u.nth[key] = was
	}
	key.nth = was.n
	return was.n, u.planned[key]
}

// outage is what goes wrong with a service now.
func (u *universe) outage(service string) mode {
	now := u.now()
	for _, o := range u.outages {
		if o.service == service && o.from <= now && now < o.to {
			return o.mode
		}
	}
	return ""
}

// Errors of the services. A client's error has a code, and a lost connection has not.
var (
	errRefused = &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded", Fault: smithy.FaultServer}
	errExpired = &smithy.GenericAPIError{Code: "ExpiredToken", Message: "The security token included in the request is expired", Fault: smithy.FaultClient}
	errLost    = errors.New("connection reset by peer")
)

// request is a call of a service by a function or by the operator.
type request struct {
	service, op string
	event       *copied
	// apply does what is asked, once the request has arrived.
	apply func() error
	// answered, if set, is told that the caller has the answer.
	answered func()
}

// do sends a request: on the way there and back a fault can happen.
func (u *universe) do(ctx context.Context, r request) error {
	invocationOf(ctx).live()
	n, f := u.next(r.op, r.event.name)
	return u.send(ctx, r, n, f)
}

// send sends the n-th request of its kind, with what goes wrong.
func (u *universe) send(ctx context.Context, r request, n int, f fault) error {
	inv := invocationOf(ctx)
	m := cmp.Or(f.mode, u.outage(r.service))
	if inv.expired(m == expire) {
		m = expire
	}
	u.note("%s for %q, time %d: %s", r.op, r.event.name, n, cmp.Or(m, "succeeds"))
	if m == hang {
		return forever(ctx, inv)
	}
	if err := wait(ctx, inv, latency(u.random(n, "there", r.op, r.event.name))); err != nil {
		return err
	}
	switch m {
	case crashBefore: // not at once: what else the process does at this time has begun
		inv.crash()
	case refuse:
		return errRefused
	case expire:
		return errExpired
	}
	err := r.apply()
	back := latency(u.random(n, "back", r.op, r.event.name))
	switch m {
	case crashAfter:
		inv.crash()
	case late:
		return forever(ctx, inv)
	case lose:
		return errLost
	case slow:
		back += 400 * time.Millisecond
	case freeze:
		u.mu.Lock()
		inv.froze += f.wait
		u.mu.Unlock()
		_ = wait(context.WithoutCancel(ctx), inv, f.wait) // nothing cancels a process that stands still
	case repeat:
		err = r.apply()
	}
	if err := wait(ctx, inv, back); err != nil {
		return err
	}
	if r.answered != nil {
		r.answered()
	}
	return err
}

func latency(random uint64) time.Duration {
	return between(random, time.Millisecond, 20*time.Millisecond)
}

// wait lets time pass in a function. A process that has ended does not go on.
func wait(ctx context.Context, inv *invocation, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-inv.ended:
	}
	inv.live()
	return ctx.Err()
}

func forever(ctx context.Context, inv *invocation) error {
	select {
	case <-ctx.Done():
	case <-inv.ended:
	}
	inv.live()
	return ctx.Err()
}

// live ends the goroutine if its process has ended.
func (i *invocation) live() {
	if i.over() {
		runtime.Goexit()
	}
}

// over reports whether the process has ended.
func (i *invocation) over() bool {
	select {
	case <-i.ended:
		return true
	default:
		return false
	}
}

// crash ends the process, at the step that the goroutine is at.
func (i *invocation) crash() {
	i.mu.Lock()
	i.crashed = i.crashed || !i.over()
	i.mu.Unlock()
	i.end()
	runtime.Goexit()
}
