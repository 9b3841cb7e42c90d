// Package notices mails people what has happened to their account: a welcome, once, and
// security notices. It reads the events from a queue, asks Cognito for the user's address
// and language, and sends through SES.
//
// Nothing of a person is logged or counted: log lines and metrics have the event's id, and
// why a mail was not sent.
package notices

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/language"
	"gatehouse.example/lambdakit/reason"
)

const (
	// timeout bounds one call of Cognito or SES.
	timeout = 2 * time.Second
	// spare is the time that must be left of an invocation to begin a mail: all its calls,
	// and the metrics.
	spare = 7 * time.Second
	// latest is how old the news in a mail may be. It outlasts an outage that consumers
	// recover from by themselves, and keeps a replay of an archive from mailing people.
	latest = 24 * time.Hour
)

// Metrics.
const (
	// Sent counts mails that SES has accepted, with the dimension Kind.
	Sent = "NoticesSent"
	// Dropped counts events about which nobody is mailed, with the dimension Reason.
	Dropped = "NoticesDropped"
)

// The errors of what no attempt can handle.
const (
	withoutASub  consume.Poison = "without_a_sub"
	anotherShape consume.Poison = "data_of_another_shape"
	badRequest   consume.Poison = "ses_bad_request"
)

// Directory is what Consumer needs of Cognito.
type Directory interface {
	ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
}

// Mailer is what Consumer needs of SES.
type Mailer interface {
	SendEmail(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
}

// Consumer handles batches of events.
type Consumer struct {
	Pool   Directory
	Mailer Mailer
	Claims *Claims
	// From is the address of the sender.
	From string
	// Dead takes what no attempt can handle.
	Dead *consume.DeadLetters

	Environment string
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

// Handle answers one invocation by SQS.
func (c *Consumer) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	q := consume.Consumer{Name: "messages-notices", Environment: c.Environment, Dead: c.Dead, Out: c.Out, Log: c.Log, Now: c.Now}
	return q.Batch(ctx, in, c.all)
}

// all handles the events one after another: SES limits the mails of a second. If it accepts
// no more, the rest of the batch waits for its next delivery.
func (c *Consumer) all(ctx context.Context, batch []consume.Record) map[string]error {
	failed, counts := map[string]error{}, emf.New(c.Environment)
	begin, cancel := consume.WithSpare(ctx, spare)
	defer cancel()
	var stop error
	for _, r := range batch {
		if err := begin.Err(); stop == nil && err != nil {
			stop = fmt.Errorf("notices: no time left for this event: %w", err)
		}
		err := stop
		if err == nil {
			err = c.one(ctx, r, counts)
		}
		if errors.Is(err, errStop) {
			stop = err
		}
		if err != nil {
			failed[r.MessageID] = err
		}
	}
	if err := counts.Flush(c.Out, c.Now()); err != nil {
		c.Log.ErrorContext(ctx, "metrics not written", "error", err.Error())
	}
	return failed
}

// one mails the user of an event, or counts why not.
func (c *Consumer) one(ctx context.Context, r consume.Record, counts *emf.Batch) error {
	kind, why, err := kindOf(r.Event)
	if err != nil {
		return err
	}
	var to recipient
	if why == "" && kind != "" && c.Now().Sub(r.Event.Time()) > latest {
		why = "late"
	}
	if why == "" && kind != "" {
		if to, why, err = c.recipient(ctx, contracts.PoolID(r.Event.Source()), r.Event.Subject()); err != nil {
			return err
		}
	}
	if why == "" && kind != "" {
		first, err := c.Claims.Claim(ctx, r.Event, c.Now())
		if err != nil {
			return err
		}
		if !first {
			why = "copy"
		}
	}
	switch {
	case why != "":
		counts.Add(Dropped, emf.Count, 1, emf.Dimension{Name: "Reason", Value: why})
		return nil
	case kind == "":
		return nil // such as a sign-in with a known device
	}
	if err := c.send(ctx, kind, to, r.Event.Time()); err != nil {
		return err
	}
	counts.Add(Sent, emf.Count, 1, emf.Dimension{Name: "Kind", Value: string(kind)})
	return c.Claims.Sent(ctx, r.Event, c.Now())
}

// recipient is who gets a mail.
type recipient struct{ address, language string }

// recipient asks for the user, or says why there is nobody to mail. It asks for three attributes of the
// user with this sub: AdminGetUser returns all of them, and knows users of an identity
// provider by other names only
// (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminGetUser.html).
func (c *Consumer) recipient(ctx context.Context, pool, sub string) (to recipient, why string, err error) {
	if !contracts.IsSub(sub) { // it is a part of the filter
		return recipient{}, "", withoutASub
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := c.Pool.ListUsers(ctx, &cognito.ListUsersInput{
		UserPoolId: &pool, Filter: aws.String(`sub = "` + sub + `"`), AttributesToGet: []string{"email", "email_verified", "locale"}, Limit: aws.Int32(1),
	})
	if err != nil {
		return recipient{}, "", fmt.Errorf("cognito.ListUsers: %w", reason.Safe(err))
	}
	if len(out.Users) == 0 {
		return recipient{}, "gone", nil
	}
	values := map[string]string{}
	for _, a := range out.Users[0].Attributes {
		values[aws.ToString(a.Name)] = aws.ToString(a.Value)
	}
	switch email := values["email"]; {
	case email == "":
		return recipient{}, "no_address", nil
	case contracts.IsSyntheticAddress(email):
		return recipient{}, "synthetic", nil
	case values["email_verified"] != "true": // it may be a stranger's
		return recipient{}, "unverified", nil
	default:
		return recipient{address: email, language: language.Of(values["locale"])}, "", nil
	}
}

// errStop is a refusal of SES that the next mail would get, too.
var errStop = errors.New("SES accepts no mail now")

// send sends one mail. SES has no idempotency token, so an attempt is not repeated here:
// the mail of one whose answer was lost may have been sent.
func (c *Consumer) send(ctx context.Context, kind Kind, to recipient, at time.Time) error {
	m, err := Write(kind, to.language, at)
	if err != nil {
		return fmt.Errorf("notices.Write: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	text := func(s string) *types.Content { return &types.Content{Data: &s, Charset: aws.String("UTF-8")} }
	_, err = c.Mailer.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(`"` + m.Sender + `" <` + c.From + `>`),
		Destination:      &types.Destination{ToAddresses: []string{to.address}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: text(m.Subject), Body: &types.Body{Html: text(m.HTML), Text: text(m.Text)},
			// So that nobody's absence is answered (https://www.rfc-editor.org/rfc/rfc3834#section-5).
			Headers: []types.MessageHeader{{Name: aws.String("Auto-Submitted"), Value: aws.String("auto-generated")}},
		}},
	}, func(o *sesv2.Options) { o.Retryer = aws.NopRetryer{} })
	var bad *types.BadRequestException
	var rejected *types.MessageRejected
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad): // the address has a form that SES does not take
		return badRequest
	case errors.As(err, &rejected):
		return fmt.Errorf("sesv2.SendEmail: %w", reason.Safe(err))
	default:
		return fmt.Errorf("sesv2.SendEmail: %w: %w", errStop, reason.Safe(err))
	}
}
