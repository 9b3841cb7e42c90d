// Package reconcile finds unannounced users, those without a user.created event, and announces each of them.
//
// It exists because an event can be missed: a trigger that crashed, was detached, or is
// never called, as for users that an administrator creates. Cognito and the topic share
// no transaction, so only the list of the pool's users proves that none is missing.
//
// A pool can have more users than one invocation can read. So a pass over the pool takes
// as many runs as it needs: a run continues where the last one stopped, and uses a small
// share of Cognito's quota. The cost of a user is constant.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/parameters"
	"gatehouse.example/lambdakit/reason"
)

const (
	// Every is the time from the end of a pass to the beginning of the next one.
	Every = 24 * time.Hour
	// MinimumAge is how long a user must have been unchanged before it is announced: the
	// trigger's own event may still wait for the consumer that counts it.
	MinimumAge = time.Hour
	// spare is what a run leaves of an invocation's time, and so the longest page.
	spare = 30 * time.Second
	// firstPause is the pause after a throttled call; each further one is twice as long.
	firstPause, longestPause = time.Second, time.Minute
)

// Users is what Reconciler needs of Cognito.
type Users interface {
	DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error)
	ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
}

// Topic is what Reconciler needs of SNS. There is no outbox: what was not published is
// found again by the next run.
type Topic interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Platform returns the ARN of the pool.
type Platform interface {
	Values(context.Context) ([]string, error)
}

// Reconciler compares the users of a pool with the ledger.
type Reconciler struct {
	Users    Users
	Topic    Topic
	TopicARN string
	Ledger   *Ledger
	Platform Platform
	// From is the time since which announced users were created. If it is zero, it is the
	// time of the first run: older users are only noted as known.
	From time.Time
	// PagesPerSecond limits the calls of ListUsers.
	PagesPerSecond int
	Environment    string
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

// Request is the input of an invocation. That of a schedule has none of the fields.
type Request struct {
	// Start begins a pass although the last one ended less than a day ago.
	Start bool `json:"start"`
	// AnyAge also announces users that were changed within the last hour.
	AnyAge bool `json:"anyAge"`
}

// Report says what a run did. It is the answer of an invocation, and a log line.
type Report struct {
	// Ended says why the run ended.
	Ended string `json:"ended"`
	// Users, Announced, Noted, Waiting and Unclear count users of this run: read, announced,
	// noted as known without an event, left for the next pass because they are too new, and
	// unclear because no event can be made from them.
	Users     int `json:"users"`
	Announced int `json:"announced"`
	Noted     int `json:"noted"`
	Waiting   int `json:"waiting"`
	Unclear   int `json:"unclear"`
	// PassUsers is how many users the pass has read, in all of its runs, and Estimate how many
	// the pool has, as Cognito estimates it.
	PassUsers int `json:"passUsers"`
	Estimate  int `json:"estimate"`
	// Hours is the time since the last pass ended, or since the first one began.
	Hours int `json:"hours"`
}

// Why a run ended.
const (
	EndedNoPool   = "no pool yet"
	EndedOther    = "another run is at work"
	EndedNotDue   = "not due"
	EndedTime     = "to be continued"
	EndedComplete = "complete"
	EndedFailed   = "failed"
)

// Metrics of a run.
const (
	// MetricUsers counts the users that were read.
	MetricUsers = "ReconciledUsers"
	// MetricUnannounced counts the unannounced users.
	MetricUnannounced = "UsersUnannounced"
	// MetricProgress is how much of the pool the pass has read, in percent.
	MetricProgress = "ReconcilerProgress"
	// MetricHours is the time since a pass was complete.
	MetricHours = "ReconcilerHours"
)

// Handle does as much of a pass as fits into the invocation.
func (r *Reconciler) Handle(ctx context.Context, in Request) (Report, error) {
	arns, err := r.Platform.Values(ctx)
	if errors.Is(err, parameters.ErrMissing) {
		report := Report{Ended: EndedNoPool}
		r.tell(ctx, report, true)
		return report, nil
	}
	if err != nil {
		return Report{}, fmt.Errorf("parameters.Cache.Values: %w", err)
	}
	w := &run{Reconciler: r, poolARN: arns[0], poolID: contracts.PoolID(arns[0]), anyAge: in.AnyAge}
	if err = w.do(ctx, in.Start); err != nil {
		w.report.Ended = EndedFailed
	}
	r.tell(ctx, w.report, w.loaded)
	return w.report, err
}

// tell writes the metrics and the log line of a run. A run that could not read the state
// does not know the hours: zero would mean that all is well.
func (r *Reconciler) tell(ctx context.Context, report Report, hours bool) {
	b := emf.New(r.Environment)
	b.Add(MetricUsers, emf.Count, float64(report.Users))
	b.Add(MetricUnannounced, emf.Count, float64(report.Announced))
	if hours {
		b.Add(MetricHours, emf.Count, float64(report.Hours))
	}
	if report.PassUsers > 0 {
		b.Add(MetricProgress, emf.Count, report.percent())
	}
	if err := b.Flush(r.Out, r.Now()); err != nil {
		r.Log.ErrorContext(ctx, "metrics not written", "error", err.Error())
	}
	r.Log.InfoContext(ctx, "reconciler", "ended", report.Ended, "users", report.Users, "announced", report.Announced, "noted", report.Noted,
		"waiting", report.Waiting, "unclear", report.Unclear, "passUsers", report.PassUsers, "estimate", report.Estimate, "hours", report.Hours)
}

// percent is how much of the pool the pass has read. The number of users is an estimate,
// so that only the end of a pass is all of it.
func (p Report) percent() float64 {
	const all = 100
	if p.Ended == EndedComplete {
		return all
	}
	return min(all-1, all*float64(p.PassUsers)/float64(max(p.Estimate, p.PassUsers)))
}

// run is one invocation.
type run struct {
	*Reconciler
	poolARN, poolID string
	anyAge          bool
	report          Report
	state           state
	// loaded is set when the state is known.
	loaded bool
}

// do reads pages until the pass is complete or the time is over. Whatever ends it, the
// next run can begin at once.
func (w *run) do(ctx context.Context, start bool) error {
	var err error
	if w.state, err = w.Ledger.load(ctx, w.poolID); err != nil {
		return err
	}
	w.loaded = true
	now := w.Now()
	if w.state.Since.IsZero() {
		w.state.Since = now
	}
	defer func() { w.report.Hours, w.report.PassUsers = w.state.hours(w.Now()), w.state.Users }()
	due := !w.state.Started.IsZero() || start || !now.Before(w.state.Completed.Add(Every))
	switch {
	case now.Before(w.state.Lease):
		w.report.Ended = EndedOther
		return nil
	case !due:
		w.report.Ended = EndedNotDue
		return nil
	}
	if w.state.Started.IsZero() {
		w.state.begin(now)
	}
	deadline, limited := ctx.Deadline()
	if !limited {
		return errors.New("reconcile: the invocation has no deadline")
	}
	w.state.Lease = deadline
	if err := w.save(ctx); err != nil || w.report.Ended != "" {
		return err
	}
	if pool, err := w.Users.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &w.poolID}); err == nil {
		w.report.Estimate = int(pool.UserPool.EstimatedNumberOfUsers)
	} else {
		w.Log.WarnContext(ctx, "reconciler: how many users there are is not known", "error", reason.Of(err))
	}
	err = w.pages(ctx, deadline.Add(-spare))
	// Another run has written the state, so this run must not save its own.
	if w.report.Ended == EndedOther {
		return err
	}
	w.state.Lease = time.Time{}
	return errors.Join(err, w.save(ctx))
}

// save writes the state. If another run has written it meanwhile, this run ends.
func (w *run) save(ctx context.Context) error {
	err := w.Ledger.save(ctx, w.poolID, &w.state)
	if errors.Is(err, errOther) {
		w.report.Ended = EndedOther
		return nil
	}
	return err
}

// pages reads page after page until the time is over.
func (w *run) pages(ctx context.Context, until time.Time) error {
	interval := time.Second / time.Duration(max(1, w.PagesPerSecond))
	pause := firstPause
	for next := w.Now(); ; next = next.Add(interval) {
		// A late page does not make the next ones faster: the rate is a limit.
		if now := w.Now(); next.Before(now) {
			next = now
		}
		if err := w.wait(ctx, next.Sub(w.Now())); err != nil {
			return err
		}
		if !w.Now().Before(until) {
			w.report.Ended = EndedTime
			return nil
		}
		out, err := w.Users.ListUsers(ctx, &cognito.ListUsersInput{
			// Only the sub: data that is not read cannot be lost.
			UserPoolId: &w.poolID, AttributesToGet: []string{"sub"}, PaginationToken: optional(w.state.Token),
		})
		var throttled *types.TooManyRequestsException
		var invalid *types.InvalidParameterException
		switch {
		case errors.As(err, &throttled):
			// Another caller needs the quota more.
			if err := w.wait(ctx, min(pause, until.Sub(w.Now()))); err != nil {
				return err
			}
			pause = min(2*pause, longestPause)
			continue
		case errors.As(err, &invalid) && w.state.Token != "":
			// The token has expired. What was read is known, so reading it again costs little.
			w.Log.WarnContext(ctx, "reconciler: the page is no longer known to Cognito; the pass begins again")
			w.state.begin(w.Now())
			continue
		case err != nil:
			return fmt.Errorf("cognito.ListUsers: %w", reason.Safe(err))
		}
		pause = firstPause
		if err := w.page(ctx, out.Users); err != nil {
			return err
		}
		if w.state.Token = aws.ToString(out.PaginationToken); w.state.Token == "" {
			w.state.complete(w.Now())
			w.report.Ended = EndedComplete
			return nil
		}
		if err := w.save(ctx); err != nil || w.report.Ended != "" {
			return err
		}
	}
}

func (w *run) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("reconcile: %w", ctx.Err())
	case <-time.After(d):
		return nil
	}
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
