// Package metrics turns events into the metrics that Cognito lacks. An event that
// is delivered twice is counted once: it is claimed in the ledger first.
//
// A function that ends between the claim and the count leaves claimed events that
// are in no metric. These are the events of one batch at most, and the audit table
// has them; in the other order they would be counted twice.
package metrics

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/publish"
)

// spare is the time that must be left of an invocation to write the metrics of
// events that are claimed already.
const spare = 2 * time.Second

// Claimer says whether an event is counted for the first time.
type Claimer interface {
	Claim(ctx context.Context, ev event.Event, now time.Time) (bool, error)
}

// Counter takes batches of events from its queue.
type Counter struct {
	Ledger Claimer
	Users  Users
	Budget Budget
	// Exporter takes the counts with more labels; nil means that nobody does.
	Exporter    Exporter
	Environment string
	// Dead takes what no attempt can handle.
	Dead *consume.DeadLetters
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

// Handle answers one invocation by SQS.
func (c *Counter) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	q := consume.Consumer{Name: "user-events-metrics", Environment: c.Environment, Dead: c.Dead, Out: c.Out, Log: c.Log, Now: c.Now}
	return q.Batch(ctx, in, c.count)
}

// count writes the metrics of a batch at once, because each line costs.
func (c *Counter) count(ctx context.Context, batch []consume.Record) map[string]error {
	now := c.Now()
	sums := tally{out: emf.New(c.Environment), tokens: map[clientHour]int{}, series: map[Series]int{}}
	addZeros(sums.out)
	claims, cancel := consume.WithSpare(ctx, spare)
	defer cancel()
	failed := consume.Each(func(ctx context.Context, r consume.Record) error {
		// Read before the claim: an event that cannot be read must be delivered again.
		read, err := readingOf(r.Event)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("metrics: no time left for this event: %w", err)
		}
		// Before the claim, too: nobody would do it after an error.
		if err := c.remember(ctx, r.Event); err != nil {
			return err
		}
		first, err := c.Ledger.Claim(ctx, r.Event, now)
		if err != nil {
			return fmt.Errorf("ledger.Claim: %w", err)
		}
		if first {
			sums.take(r.Event, read, now)
		}
		return nil
	})(claims, batch)
	if sums.aged {
		sums.out.Add(EventAge, emf.Milliseconds, float64(sums.oldest.Milliseconds()))
	}
	c.budget(claims, sums.tokens, sums.out)
	c.timeToConfirm(claims, sums.confirmed, sums.out)
	c.export(claims, now, sums.series, sums.out)
	if err := sums.out.Flush(c.Out, now); err != nil {
		// Returning the batch would not help: its events are claimed.
		c.Log.ErrorContext(ctx, "metrics not written; these events are in no metric", "events", sums.claimed, "error", err.Error())
	}
	return failed
}

// tally is what the events of a batch add up to. They are claimed at the same time; mu
// guards the other fields.
type tally struct {
	mu      sync.Mutex
	out     *emf.Batch
	claimed int
	// oldest is the age of the oldest event about people; aged is set if there was one.
	oldest time.Duration
	aged   bool
	tokens map[clientHour]int
	// confirmed is the event of one user who confirmed a sign-up, or nil.
	confirmed *event.Event
	series    map[Series]int
}

// take adds an event that is claimed.
func (t *tally) take(ev event.Event, read reading, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.claimed++
	read.add(t.out, t.series)
	if !contracts.IsSynthetic(ev) {
		t.oldest, t.aged = max(t.oldest, now.Sub(ev.Time())), true
	}
	if ev.Type() == contracts.TypeTokenIssued {
		t.tokens[clientHour{contracts.ClientID(ev), ev.Time().UTC().Truncate(time.Hour)}]++
	}
	if t.confirmed == nil && isConfirmation(ev) {
		t.confirmed = &ev
	}
}

// Names of the metrics, in addition to those of lambdakit/publish.
const (
	SignUpsAllowed     = "SignUpsAllowed"
	SignUpsRejected    = "SignUpsRejected"
	UsersCreated       = "UsersCreated"
	PasswordsReset     = "PasswordsReset"
	SignInsAttempted   = "SignInsAttempted"
	SignInsUnknownUser = "SignInsUnknownUser"
	SignInsSucceeded   = "SignInsSucceeded"
	SignInsFailed      = "SignInsFailed"
	// SignInsLockedOut are the failures of users whose password was given wrongly too often.
	SignInsLockedOut = "SignInsLockedOut"
	Findings         = "Findings"
	// FindingsCritical are the findings that somebody is called for.
	FindingsCritical = "FindingsCritical"
	AppEvents        = "AppEvents"
	AppEventsDelayed = "AppEventsDelayed"
	AppEventsRefused = "AppEventsRefused"
	EventsConsumed   = "EventsConsumed"
	EventsDrained    = "EventsDrained"
	EventAge         = "EventAge"
	// SyntheticEvents counts the events about synthetic users. No other metric
	// counts them: a test must not look like people.
	SyntheticEvents = "SyntheticEvents"
)

// maxName bounds the value of a dimension: each value is billed.
const maxName = 64

// addZeros adds zero to every metric without a dimension, so that graphs and alarms
// of rare events have data while the system is in use.
func addZeros(b *emf.Batch) {
	for _, name := range []string{
		SignUpsAllowed, SignUpsRejected, UsersCreated, PasswordsReset,
		SignInsAttempted, SignInsUnknownUser, SignInsSucceeded, SignInsFailed, SignInsLockedOut, EventsConsumed,
		Findings, FindingsCritical,
		AppEvents, AppEventsDelayed, AppEventsRefused, SyntheticEvents,
		UsersDeleted, UsersDisabled, PasswordsChanged, MFAChanged, GroupsChanged, PoolChanges,
		ClientTokensIssued, ClientTokensRefused, ClientTokensOverBudget,
		ChallengesSent, ChallengesPassed, ChallengesFailed,
		publish.MetricFellBack, publish.MetricLogged, EventsDrained,
	} {
		b.Add(name, emf.Count, 0)
	}
}

// reading is what an event adds to the metrics.
type reading struct {
	// name is the metric that counts it, and also that of a part of name; both may be empty.
	name, also string
	dims       []emf.Dimension
	// labels are those of both, for the exporter.
	labels    Series
	synthetic bool
}

// readingOf reads an event. An unknown type is counted as consumed only, because new types
// are published before this function knows them.
func readingOf(ev event.Event) (reading, error) {
	r := reading{labels: Series{Client: contracts.ClientID(ev)}, synthetic: contracts.IsSynthetic(ev)}
	switch ev.Type() {
	case contracts.TypeSignupRejected:
		var data contracts.SignupRejected
		if ev.DataAs(&data) != nil {
			return reading{}, errUnreadable
		}
		r.name, r.dims, r.labels.Reason = SignUpsRejected, dimension("Reason", data.Reason), data.Reason
	case contracts.TypeSigninAttempted:
		var data contracts.SigninAttempted
		if ev.DataAs(&data) != nil {
			return reading{}, errUnreadable
		}
		r.name, r.dims = SignInsAttempted, dimension("ClientId", contracts.ClientID(ev))
		if data.UserNotFound {
			r.also = SignInsUnknownUser
		}
	case contracts.TypeSigninSucceeded:
		r.name, r.dims = SignInsSucceeded, dimension("ClientId", contracts.ClientID(ev))
	case contracts.TypeSigninFailed:
		var data contracts.SigninFailed
		if ev.DataAs(&data) != nil {
			return reading{}, errUnreadable
		}
		r.name, r.dims, r.labels.Reason, r.labels.Factor = SignInsFailed, dimension("Reason", data.Reason), data.Reason, data.Challenge
		if data.Reason == contracts.FailedLockedOut {
			r.also = SignInsLockedOut
		}
	case contracts.TypeChallengeFailed:
		var data contracts.ChallengeFailed
		if ev.DataAs(&data) != nil {
			return reading{}, errUnreadable
		}
		r.name, r.dims, r.labels.Reason = ChallengesFailed, dimension("Reason", data.Reason), data.Reason
	case contracts.TypeTokenIssued:
		r.name, r.dims = ClientTokensIssued, dimension("ClientId", contracts.ClientID(ev))
	case contracts.TypeSecurityFinding:
		var data contracts.SecurityFinding
		if ev.DataAs(&data) != nil {
			return reading{}, errUnreadable
		}
		r.name, r.dims, r.labels.Rule = Findings, dimension("Rule", data.Rule), data.Rule
		if data.Severity == contracts.SeverityCritical {
			r.also = FindingsCritical
		}
	default:
		r.name = plain[ev.Type()]
	}
	return r, nil
}

// add counts the event.
func (r reading) add(b *emf.Batch, series map[Series]int) {
	if r.synthetic {
		b.Add(SyntheticEvents, emf.Count, 1)
		return
	}
	b.Add(EventsConsumed, emf.Count, 1)
	if r.name == "" {
		return
	}
	b.Add(r.name, emf.Count, 1)
	if len(r.dims) > 0 {
		b.Add(r.name, emf.Count, 1, r.dims...)
	}
	series[r.labels.of(r.name)]++
	if r.also != "" {
		b.Add(r.also, emf.Count, 1)
		series[r.labels.of(r.also)]++
	}
}

// errUnreadable is the error of an event whose data has another shape than its type
// says. It does not wrap the decoder's error, which can quote the data.
const errUnreadable consume.Poison = "data_of_another_shape"

// dimension is one dimension, or none if the value is missing or too long.
func dimension(name, value string) []emf.Dimension {
	if value == "" || len(value) > maxName {
		return nil
	}
	return []emf.Dimension{{Name: name, Value: value}}
}
