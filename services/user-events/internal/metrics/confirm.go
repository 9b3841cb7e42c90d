package metrics

import (
	"context"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/emf"
)

// TimeToConfirm is the time from a sign-up to its confirmation, in seconds. It has no zero:
// a zero would be a person who confirmed at once.
const TimeToConfirm = "TimeToConfirm"

// isConfirmation reports whether a person confirmed a sign-up.
func isConfirmation(ev event.Event) bool {
	var data contracts.UserCreated
	return ev.Type() == contracts.TypeUserCreated && !contracts.IsSynthetic(ev) && ev.DataAs(&data) == nil && data.Via == contracts.ViaSignup
}

// timeToConfirm measures how long one user of a batch took to confirm. The two events of a
// sign-up do not say that they belong together: before it there is no sub. So the beginning is
// the time at which Cognito made the user. It is asked for one user of a batch only, because
// Cognito lets an account list users 30 times a second, whoever asks
// (https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html).
// The event is counted already, so a failure is logged: the metric lacks a value.
func (c *Counter) timeToConfirm(ctx context.Context, ev *event.Event, out *emf.Batch) {
	if ev == nil {
		return
	}
	since, err := c.Users.SignedUp(ctx, contracts.PoolID(ev.Source()), ev.Subject())
	if err != nil {
		c.Log.WarnContext(ctx, "time to confirm not measured", "error", err.Error())
		return
	}
	// The reconciler's events have the time of the sign-up itself: it knows no other.
	if took := ev.Time().Sub(since); !since.IsZero() && took > 0 {
		out.Add(TimeToConfirm, emf.Seconds, took.Seconds())
	}
}
