// Package addresschanged looks at the address of a user whose attributes were changed, and
// publishes a finding about one whose domain would be refused at sign-up. It blocks nothing.
//
// The record of the change says neither which attribute changed nor what its value is:
// Cognito hides both. So it judges the address that the user has when the event is
// handled, and also finds somebody who had a disposable address before. Only the
// registered domain leaves the function.
package addresschanged

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
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/reason"
)

const (
	// timeout bounds one call of Cognito, retries included.
	timeout = 2 * time.Second
	// window is how long the same address of a user makes the same finding.
	window = 24 * time.Hour
)

// The errors of what no attempt can handle.
const (
	withoutASub  consume.Poison = "without_a_sub"
	anotherShape consume.Poison = "data_of_another_shape"
)

// Directory is what Consumer needs of Cognito.
type Directory interface {
	ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
}

// Judge says whether the domain of an address would be refused at sign-up, and returns
// the domain that may be published.
type Judge interface {
	Refused(email string) (domain string, refused bool)
}

// Publisher sends events to the topic.
type Publisher interface {
	Publish(context.Context, ...event.Event) ([]publish.Outcome, error)
}

// Consumer handles batches of events of contracts.TypeAttributesChanged.
type Consumer struct {
	Pool      Directory
	Judge     Judge
	Publisher Publisher
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
	q := consume.Consumer{Name: "signup-guard-address-changed", Environment: c.Environment, Dead: c.Dead, Out: c.Out, Log: c.Log, Now: c.Now}
	return q.Batch(ctx, in, consume.Each(c.look))
}

// look judges the address that the user of an event has now.
func (c *Consumer) look(ctx context.Context, r consume.Record) error {
	ev := r.Event
	if ev.Type() != contracts.TypeAttributesChanged || contracts.IsSynthetic(ev) {
		return nil
	}
	var d contracts.AttributesChanged
	if json.Unmarshal(ev.Data(), &d) != nil {
		return anotherShape
	}
	if !contracts.IsSub(ev.Subject()) {
		return withoutASub
	}
	email, err := c.addressOf(ctx, contracts.PoolID(ev.Source()), ev.Subject())
	if err != nil || email == "" || contracts.IsSyntheticAddress(email) {
		return err
	}
	domain, refused := c.Judge.Refused(email)
	if !refused {
		return nil
	}
	return c.announce(ctx, ev, domain)
}

// addressOf is the address of a user; empty for one that has none, or is deleted. It asks
// for one attribute of the user with this sub: AdminGetUser returns all of them, and knows
// users of an identity provider by other names only
// (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminGetUser.html).
// The sub is a part of the filter, so it must have been checked.
func (c *Consumer) addressOf(ctx context.Context, pool, sub string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := c.Pool.ListUsers(ctx, &cognito.ListUsersInput{
		UserPoolId: &pool, Filter: aws.String(`sub = "` + sub + `"`), AttributesToGet: []string{"email"}, Limit: aws.Int32(1),
	})
	if err != nil {
		return "", fmt.Errorf("cognito.ListUsers: %w", reason.Safe(err))
	}
	for _, u := range out.Users {
		for _, a := range u.Attributes {
			if aws.ToString(a.Name) == "email" {
				return aws.ToString(a.Value), nil
			}
		}
	}
	return "", nil
}

var errNotAccepted = errors.New("address-changed: neither the topic nor the outbox accepted it")

// announce publishes the finding. Its id is derived from the user, the domain and the
// day, so copies of the event and further changes on that day publish it once.
func (c *Consumer) announce(ctx context.Context, ev event.Event, domain string) error {
	at := ev.Time().UTC()
	found, err := contracts.NewSecurityFinding(
		contracts.Act{PoolARN: ev.Source(), Subject: ev.Subject()},
		contracts.SecurityFinding{
			Rule: contracts.RuleAddressDisposable, Severity: contracts.SeverityMedium, Domain: domain, Counts: map[string]int{"changes": 1},
			From: at.Add(-window).Format(time.RFC3339), To: at.Format(time.RFC3339),
		})
	if err != nil {
		return fmt.Errorf("contracts.NewSecurityFinding: %w", err)
	}
	outcomes, err := c.Publisher.Publish(ctx, found)
	if err != nil {
		return fmt.Errorf("publisher.Publish: %w", err)
	}
	if len(outcomes) != 1 || !outcomes[0].Acknowledged() {
		return errNotAccepted
	}
	return nil
}
