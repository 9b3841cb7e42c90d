package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"syscall"
	"time"

	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/tools/actors"
)

const (
	// least and most are how long people use the system while a fault lasts.
	least = 5 * time.Second
	most  = 40 * time.Second
	// enough is how many calls a fault has to hit; a fault that hits nothing shows nothing.
	enough = 3
	// quiet and settled are how long a round waits for the queues: a message that failed
	// comes back after retryAfter.
	quiet   = 3 * retryAfter * time.Second
	settled = 2 * time.Minute
	// spared is what a trigger's report adds to its call: the emulator starts the function
	// if need be, and waits for its log lines for up to a quarter of a second.
	spared = 500 * time.Millisecond
)

// result is what a round, or several of one kind, came to.
type result struct {
	kind                           string
	rounds, hits, acts, unclear    int
	survived, lost, doubled, spare int // spare counts are missing where they may
	slowest, limit                 time.Duration
	broken                         []string
	busy                           int // rounds that the machine was too busy for
}

// add sums up two results of a kind.
func (r result) add(o result) result {
	if o.slowest > r.slowest {
		r.slowest, r.limit = o.slowest, o.limit
	}
	r.rounds, r.hits, r.acts, r.unclear = r.rounds+o.rounds, r.hits+o.hits, r.acts+o.acts, r.unclear+o.unclear
	r.survived, r.lost, r.doubled, r.spare = r.survived+o.survived, r.lost+o.lost, r.doubled+o.doubled, r.spare+o.spare
	r.broken, r.busy = append(r.broken, o.broken...), r.busy+o.busy
	return r
}

// round lets people use the system while a fault lasts, recovers, waits for the queues,
// and judges what is left.
func (s *system) round(ctx context.Context, l *listener, k kind, seed uint64) (result, error) {
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // G404: a seed repeats the plan
	k = k.draw(random)
	r := result{kind: k.name, rounds: 1}
	// CloudTrail's records have whole seconds, so a round begins with one.
	began := time.Now().Truncate(time.Second).Add(time.Second)
	pause(ctx, time.Until(began))
	people := &crowd{env: s.env, pool: s.cognito, random: random}
	before, err := s.killedBy(k)
	if err != nil {
		return r, err
	}
	reference, err := s.disturb(ctx, k, people, random, &r)
	if err != nil {
		return r, err
	}
	if err := s.recover(ctx, began); err != nil {
		return r, err
	}
	v, err := s.settle(ctx, l, k, people, began, before, &r)
	if err != nil {
		return r, err
	}
	r.acts, r.unclear = len(people.acts), people.unclear
	r.survived, r.lost, r.doubled, r.spare = v.survived, v.lost, v.doubled, v.uncounted
	r.broken = append(people.refused, v.broken...)
	if r.hits == 0 && k.name != calm().name {
		r.broken = append(r.broken, "the fault hit nothing")
	}
	if r.slowest, err = s.slowestTrigger(ctx, began); err != nil {
		return r, err
	}
	if r.limit = limitOf(reference); r.slowest > r.limit {
		r.broken = append(r.broken, fmt.Sprintf("a trigger took %s, want at most %s: the budget, and what a function took that publishes nothing", r.slowest, r.limit))
	}
	if len(r.broken) > 0 && r.tooBusy() {
		return result{kind: k.name, rounds: 1, busy: 1, slowest: r.slowest, limit: r.limit}, nil
	}
	return r, nil
}

// settle waits until nothing is lost and no queue holds a message, or until nothing changes,
// and judges what it sees then.
func (s *system) settle(ctx context.Context, l *listener, k kind, people *crowd, began time.Time, before int, r *result) (v verdict, err error) {
	var blind error // of the last look
	wait := actors.Wait{Every: 500 * time.Millisecond, Quiet: quiet, Limit: settled}
	err = wait.Until(ctx, func(ctx context.Context) (string, bool, error) {
		var killed int
		var o observation
		if killed, blind = s.killedBy(k); blind == nil {
			o, blind = s.observe(ctx, l, people.users, began, killed-before)
		}
		if blind != nil {
			return blind.Error(), false, nil // a machine that is too busy to answer
		}
		if k.kills != "" {
			r.hits = killed - before
		}
		v = judge(people.acts, o)
		return fmt.Sprint(v.lost, o), v.lost == 0 && len(o.waiting) == 0, nil
	})
	var unfinished *actors.Unfinished
	switch {
	case ctx.Err() != nil:
		return v, ctx.Err()
	case blind != nil:
		return v, fmt.Errorf("the local system does not answer: %w", blind)
	case err != nil && !errors.As(err, &unfinished):
		return v, fmt.Errorf("actors.Wait.Until: %w", err)
	}
	return v, nil
}

// limitOf is what a trigger may take. A busy machine also slows the reference call, which
// is one call of a function where a trigger waits for two more.
func limitOf(reference time.Duration) time.Duration { return publish.Budget + spared + 2*reference }

// Cognito gives up on a trigger after five seconds, and calls it again; the triggers' own
// timeout is a second shorter.
const (
	cognitoTimeout = 5 * time.Second
	triggerTimeout = 4 * time.Second
)

// tooBusy reports whether a trigger took so long that Cognito may have called it again, or
// refused somebody, while a function that publishes nothing was as slow. What is broken then
// says nothing about the events.
func (r result) tooBusy() bool { return r.slowest >= triggerTimeout && r.limit > cognitoTimeout }

// warm lets people use the system for a moment, so that no function is started in the first
// round, and waits for the queues.
func (s *system) warm(ctx context.Context, except string) error {
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		(&crowd{env: s.env, pool: s.cognito, random: rand.New(rand.NewPCG(0, 0))}).use(ctx, stop) //nolint:gosec // G404: nothing depends on it
	})
	pause(ctx, least)
	close(stop)
	all.Wait()
	wait := actors.Wait{Every: 500 * time.Millisecond, Quiet: quiet, Limit: settled}
	err := wait.Until(ctx, func(ctx context.Context) (string, bool, error) {
		waiting, err := s.waiting(ctx, except)
		return fmt.Sprint(waiting), len(waiting) == 0, err
	})
	if err != nil {
		return fmt.Errorf("before the first round: %w", err)
	}
	return nil
}

// killedBy is how many invocations have ended with the process that a kind kills.
func (s *system) killedBy(k kind) (int, error) {
	if k.kills == "" {
		return 0, nil
	}
	return s.killed(k.kills)
}

// disturb lets people use the system while a fault lasts. It returns the longest reference call.
func (s *system) disturb(ctx context.Context, k kind, people *crowd, random *rand.Rand, r *result) (reference time.Duration, err error) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	var failed error
	all.Go(func() { people.use(ctx, stop) })
	all.Go(func() { reference = s.reference(ctx, stop) })
	all.Go(func() {
		defer close(stop)
		r.hits, failed = s.last(ctx, k, random)
	})
	all.Wait()
	_, err = s.clear(ctx)
	return reference, errors.Join(failed, err, ctx.Err())
}

// last keeps the fault for a while and returns how many calls it hit. In half of the rounds
// it comes and goes, so that calls meet its beginning and its end.
func (s *system) last(ctx context.Context, k kind, random *rand.Rand) (hits int, err error) {
	now := time.Now()
	until, end := now.Add(least+between(random, 0, 3*time.Second)), now.Add(most)
	length := until.Sub(now)
	for err == nil && ctx.Err() == nil && time.Now().Before(end) {
		if time.Now().After(until) && (hits >= enough || k.name == calm().name) {
			break
		}
		if k.comesAndGoes(random) {
			pause(ctx, between(random, 200*time.Millisecond, time.Second))
			length = between(random, time.Second, 2*time.Second)
		}
		var n int
		n, err = s.burst(ctx, k, length, random)
		hits, length = hits+n, time.Second
	}
	return hits, err
}

// comesAndGoes draws whether a fault pauses before it begins, or begins again.
func (k kind) comesAndGoes(random *rand.Rand) bool {
	return k.stops || k.kills != "" || random.IntN(2) == 0
}

// between draws a time.
func between(random *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(random.Int64N(int64(high-low)))
}

// burst keeps the fault once and returns how many calls it hit.
func (s *system) burst(ctx context.Context, k kind, length time.Duration, random *rand.Rand) (int, error) {
	if k.stops {
		return 1, s.standStill(ctx, between(random, 500*time.Millisecond, 2*time.Second))
	}
	err := s.set(ctx, k.faults)
	switch {
	case err != nil:
	case k.kills != "":
		err = s.killInBatch(ctx, k.kills)
	default:
		pause(ctx, length)
	}
	hits, clearErr := s.clear(ctx)
	return hits, errors.Join(err, clearErr)
}

// pause waits for a time or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// reference calls a function that publishes nothing, and returns the longest call: it shows how slow the machine is.
func (s *system) reference(ctx context.Context, stop <-chan struct{}) (longest time.Duration) {
	api := actors.API{URL: s.env["API_URL"], HTTP: &http.Client{Transport: &http.Transport{}, Timeout: callLimit}}
	for !closed(stop) && ctx.Err() == nil {
		began := time.Now()
		_, _ = api.Get(ctx, "/guest", "") // its time counts, whatever it answers
		longest = max(longest, time.Since(began))
		pause(ctx, 200*time.Millisecond)
	}
	return longest
}

// killInBatch kills a function while one of its calls is late.
func (s *system) killInBatch(ctx context.Context, function string) error {
	for began := time.Now(); ctx.Err() == nil && time.Since(began) < least; pause(ctx, 20*time.Millisecond) {
		if n, err := s.hits(ctx); err != nil || n > 0 {
			return errors.Join(err, s.kill(function))
		}
	}
	return nil
}

// standStill stops the emulator for a while: no service answers.
func (s *system) standStill(ctx context.Context, d time.Duration) error {
	if err := s.signalEmulator(syscall.SIGSTOP); err != nil {
		return err
	}
	pause(ctx, d)
	return s.signalEmulator(syscall.SIGCONT)
}
