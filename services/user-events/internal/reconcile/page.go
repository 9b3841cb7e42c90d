package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/reason"
)

// candidate is a user who was created, and that the ledger does not know as announced.
type candidate struct {
	sub  string
	user types.UserType
	ev   event.Event
}

// page compares the users of a page with the ledger, and announces those that are
// missing. If anything fails, the next run reads the page again.
func (w *run) page(ctx context.Context, users []types.UserType) error {
	found, rows, err := w.unknown(ctx, users)
	if err != nil {
		return err
	}
	claimed, err := w.Ledger.claimed(ctx, w.Now(), found)
	if err != nil {
		return err
	}
	for _, c := range found {
		switch {
		case claimed[c.sub]:
		case w.isYoung(c.user):
			w.report.Waiting++
			continue
		default:
			if err := w.announce(ctx, c.ev); err != nil {
				// The announced users are noted, so the next run continues with the others.
				return errors.Join(err, w.Ledger.write(ctx, w.Now(), w.poolID, rows))
			}
			w.report.Announced++
		}
		rows = append(rows, row{c.sub, announced})
	}
	if err := w.Ledger.write(ctx, w.Now(), w.poolID, rows); err != nil {
		return err
	}
	w.report.Users += len(users)
	w.state.Users += len(users)
	return nil
}

// unknown are the created users that have not been announced, and the rows of those that
// are too old to be announced. A user who was only noted is known too, unless the present
// value of From includes it.
func (w *run) unknown(ctx context.Context, users []types.UserType) (found []candidate, old []row, err error) {
	var subs []string
	for i := range users {
		if _, is := contracts.CreatedVia(string(users[i].UserStatus)); is {
			subs = append(subs, subOf(users[i]))
		}
	}
	known, err := w.Ledger.known(ctx, w.poolID, subs)
	if err != nil {
		return nil, nil, err
	}
	for i := range users {
		user, sub := users[i], subOf(users[i])
		via, created := contracts.CreatedVia(string(user.UserStatus))
		kind, is := known[sub]
		switch {
		case !created:
		case is && (kind != noted || w.From.IsZero() || aws.ToTime(user.UserCreateDate).Before(w.From)):
		case w.isOld(user):
			w.report.Noted++
			old = append(old, row{sub, noted})
		default:
			ev, err := contracts.NewUserCreated(contracts.Act{PoolARN: w.poolARN, Subject: sub, Time: aws.ToTime(user.UserCreateDate)}, contracts.UserCreated{Via: via})
			if err != nil { // it must not stop the pass for the others
				w.report.Unclear++
				continue
			}
			found = append(found, candidate{sub, user, ev})
		}
	}
	return found, old, nil
}

// isOld reports whether a user was created before From. Only the first pass finds such a
// user: one that a later pass does not know has confirmed since.
func (w *run) isOld(user types.UserType) bool {
	since := w.state.Since
	if !w.From.IsZero() {
		since = w.From
	}
	return w.state.Completed.IsZero() && aws.ToTime(user.UserCreateDate).Before(since)
}

// isYoung reports whether something happened to a user so recently that the trigger's own
// event may not be counted yet. A user may sign up on one day and confirm on another.
func (w *run) isYoung(user types.UserType) bool {
	last := aws.ToTime(user.UserCreateDate)
	if changed := aws.ToTime(user.UserLastModifiedDate); changed.After(last) {
		last = changed
	}
	return !w.anyAge && w.Now().Sub(last) < MinimumAge
}

// announceTimeout bounds one publish, the SDK's retries included.
const announceTimeout = 5 * time.Second

// announce publishes that a user was created.
func (w *run) announce(ctx context.Context, ev event.Event) error {
	body, err := contracts.Encode(ev)
	if err != nil {
		return fmt.Errorf("contracts.Encode: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, announceTimeout)
	defer cancel()
	if _, err := w.Topic.Publish(ctx, publish.Message(w.TopicARN, ev, string(body))); err != nil {
		return fmt.Errorf("sns.Publish: %w", reason.Safe(err))
	}
	return nil
}

func subOf(user types.UserType) string {
	for _, a := range user.Attributes {
		if aws.ToString(a.Name) == "sub" {
			return aws.ToString(a.Value)
		}
	}
	return ""
}
