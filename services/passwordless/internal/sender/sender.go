// Package sender sends the mails of sign-ins without a password. It runs after the trigger
// has answered, so that the time of an answer does not say whether a mail was sent.
//
// A letter without an address is for a challenge that nobody can pass, such as that of an
// unknown user. It is opened, and only counted. Nothing of a letter is logged.
package sender

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/services/passwordless/internal/letter"
)

// The errors of what no attempt can handle.
const (
	notALetter consume.Poison = "not_a_letter"
	notOpened  consume.Poison = "not_sealed_for_this_challenge"
)

// timeout bounds one call, retries included.
const timeout = 5 * time.Second

// Vault opens letters.
type Vault interface {
	Open(ctx context.Context, id string, sealed []byte) (letter.Letter, error)
}

// SES is what Sender needs of the service.
type SES interface {
	SendEmail(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
}

// Publisher sends events to the topic.
type Publisher interface {
	Publish(context.Context, ...event.Event) ([]publish.Outcome, error)
}

// Sender is the consumer. Its fields are set once, before the first use.
type Sender struct {
	Vault     Vault
	SES       SES
	Publisher Publisher
	Dead      *consume.DeadLetters
	// From is the address that the mails come from, with a name or without.
	From string
	Writer

	Environment string
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

// Handle answers one invocation by SQS.
func (s *Sender) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	messages, err := consume.Messages(in)
	if err != nil {
		return events.SQSEventResponse{}, fmt.Errorf("consume.Messages: %w", err)
	}
	failed := consume.Each(s.handle)(ctx, messages)
	c := consume.Consumer{Name: "passwordless-sender", Environment: s.Environment, Dead: s.Dead, Out: s.Out, Log: s.Log, Now: s.Now}
	c.Settle(ctx, in, failed)
	return consume.Answer(in, failed), nil
}

// handle sends one letter, or says why it is not sent. A letter that comes twice is sent
// twice, with the same code, and is one event.
func (s *Sender) handle(ctx context.Context, r consume.Record) error {
	var e letter.Envelope
	if json.Unmarshal([]byte(r.Body), &e) != nil || e.ID == "" || len(e.Sealed) == 0 {
		return notALetter
	}
	l, err := s.open(ctx, e)
	if err != nil {
		return err
	}
	why := l.Why
	if why == "" && e.Expired(s.Now()) {
		why = contracts.ChallengeLate
	}
	if why == "" {
		if why, err = s.send(ctx, e, l); err != nil {
			return err
		}
	}
	return s.announce(ctx, e, l, why)
}

func (s *Sender) open(ctx context.Context, e letter.Envelope) (letter.Letter, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	l, err := s.Vault.Open(ctx, e.ID, e.Sealed)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, letter.ErrSealed), reason.Name(err) == "InvalidCiphertextException":
		return letter.Letter{}, notOpened
	}
	return letter.Letter{}, fmt.Errorf("vault.Open: %w", reason.Safe(err))
}

// send gives a mail to SES. why is set if SES does not accept it, which another attempt
// would not change.
func (s *Sender) send(ctx context.Context, e letter.Envelope, l letter.Letter) (why string, err error) {
	m, err := s.Write(l, time.Unix(e.ExpiresAt, 0).Sub(s.Now()))
	if err != nil {
		return "", fmt.Errorf("sender.Write: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	utf8 := aws.String("UTF-8")
	_, err = s.SES.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: &s.From, Destination: &types.Destination{ToAddresses: []string{l.Address}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: &types.Content{Data: &m.Subject, Charset: utf8},
			Body:    &types.Body{Text: &types.Content{Data: &m.Text, Charset: utf8}, Html: &types.Content{Data: &m.HTML, Charset: utf8}},
		}},
	})
	var rejected *types.MessageRejected
	var malformed *types.BadRequestException
	switch {
	case errors.As(err, &rejected), errors.As(err, &malformed):
		s.Log.ErrorContext(ctx, "SES does not accept a mail", consume.ErrorKey, reason.Of(err))
		return contracts.ChallengeRefused, nil
	case err != nil:
		return "", fmt.Errorf("sesv2.SendEmail: %w", reason.Safe(err))
	}
	return "", nil
}

var errNotAccepted = errors.New("sender: neither the topic nor the outbox accepted the event")

// announce publishes what became of a letter. The id is derived from the challenge, so that
// copies of a message are one event.
func (s *Sender) announce(ctx context.Context, e letter.Envelope, l letter.Letter, why string) error {
	act := contracts.Act{
		ID:      uuid.NewSHA1(uuid.NameSpaceURL, []byte("gatehouse-challenge#"+e.ID+"#"+why)).String(),
		PoolARN: l.PoolARN, ClientID: l.ClientID, Subject: l.Subject, Synthetic: l.Synthetic, Time: s.Now(),
	}
	var ev event.Event
	var err error
	if why == "" {
		ev, err = contracts.NewChallengeSent(act, contracts.ChallengeSent{Link: s.Link != ""})
	} else {
		ev, err = contracts.NewChallengeFailed(act, contracts.ChallengeFailed{Reason: why})
	}
	if err != nil {
		return fmt.Errorf("contracts.NewChallenge: %w", err)
	}
	outcomes, err := s.Publisher.Publish(ctx, ev)
	if err != nil {
		return fmt.Errorf("publisher.Publish: %w", err)
	}
	// The mail is sent. A second one for the event's sake would be worse than an event that is
	// in a log line only.
	if why != "" && (len(outcomes) != 1 || !outcomes[0].Acknowledged()) {
		return errNotAccepted
	}
	return nil
}
