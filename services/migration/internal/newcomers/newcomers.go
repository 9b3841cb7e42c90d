// Package newcomers publishes user.created of the people that the UserMigration trigger
// has let in.
//
// The trigger runs before the user exists, and Cognito calls no PostConfirmation for them.
// So the trigger sends a message, and this package looks the user up. The id of the event
// is derived from the pool and the user, as everywhere, so that the reconciler of
// user-events does not announce the user again.
package newcomers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/services/migration/internal/usermigration"
)

const (
	// timeout bounds one call of Cognito, retries included.
	timeout = 2 * time.Second
	// grace is how long a user may take to appear. Afterwards Cognito has not created it, for
	// example because PreSignUp refused the address.
	grace = time.Minute
	// skew is how much earlier than the message a user may have been created.
	skew = 30 * time.Second
)

// MetricNotCreated counts people that Cognito did not create.
const MetricNotCreated = "MigrationsNotCreated"

// anotherShape is the error of a message that the trigger did not write.
const anotherShape consume.Poison = "message_of_another_shape"

var (
	errNotYet      = errors.New("newcomers: the user does not exist yet")
	errNotAccepted = errors.New("newcomers: neither the topic nor the outbox accepted it")
)

// Directory is what Consumer needs of Cognito.
type Directory interface {
	ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
}

// Publisher sends events to the topic.
type Publisher interface {
	Publish(context.Context, ...event.Event) ([]publish.Outcome, error)
}

// Consumer handles batches of the trigger's messages.
type Consumer struct {
	Pool      Directory
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
	messages, err := consume.Messages(in)
	if err != nil {
		return events.SQSEventResponse{}, fmt.Errorf("consume.Messages: %w", err)
	}
	failed := consume.Each(c.announce)(ctx, messages)
	q := &consume.Consumer{Name: "migration-announcer", Environment: c.Environment, Dead: c.Dead, Out: c.Out, Log: c.Log, Now: c.Now}
	q.Settle(ctx, in, failed)
	return consume.Answer(in, failed), nil
}

// announce publishes that the user of a message was created.
func (c *Consumer) announce(ctx context.Context, r consume.Record) error {
	var m usermigration.Message
	if json.Unmarshal([]byte(r.Body), &m) != nil || m.At.IsZero() || !strings.Contains(m.Pool, ":userpool/") {
		return anotherShape
	}
	// The address becomes a part of a filter.
	if address, is := usermigration.Address(m.Address); !is || address != m.Address {
		return anotherShape
	}
	user, found, err := c.find(ctx, contracts.PoolID(m.Pool), m.Address)
	switch {
	case err != nil:
		return err
	case !found && c.Now().Sub(m.At) < grace:
		return errNotYet
	case !found:
		c.notCreated(ctx)
		return nil
	case aws.ToTime(user.UserCreateDate).Before(m.At.Add(-skew)) || !moved(user):
		return nil // somebody else's message, or a person who signed up meanwhile
	}
	return c.publish(ctx, m, user)
}

// moved reports whether a user has a status that the trigger gives, or one that follows.
func moved(user types.UserType) bool {
	return user.UserStatus == types.UserStatusTypeConfirmed || user.UserStatus == types.UserStatusTypeResetRequired
}

func (c *Consumer) publish(ctx context.Context, m usermigration.Message, user types.UserType) error {
	created, err := contracts.NewUserCreated(contracts.Act{
		PoolARN: m.Pool, Subject: subOf(user), Time: aws.ToTime(user.UserCreateDate), Synthetic: contracts.IsSyntheticAddress(m.Address),
	}, contracts.UserCreated{Via: contracts.ViaMigration})
	if err != nil {
		return fmt.Errorf("contracts.NewUserCreated: %w", err)
	}
	outcomes, err := c.Publisher.Publish(ctx, created)
	if err != nil {
		return fmt.Errorf("publisher.Publish: %w", err)
	}
	if len(outcomes) != 1 || !outcomes[0].Acknowledged() {
		return errNotAccepted
	}
	return nil
}

func (c *Consumer) find(ctx context.Context, pool, address string) (types.UserType, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := c.Pool.ListUsers(ctx, &cognito.ListUsersInput{
		UserPoolId: &pool, Filter: aws.String(`email = "` + address + `"`), AttributesToGet: []string{"sub"}, Limit: aws.Int32(1),
	})
	if err != nil {
		return types.UserType{}, false, fmt.Errorf("cognito.ListUsers: %w", reason.Safe(err))
	}
	if len(out.Users) == 0 {
		return types.UserType{}, false, nil
	}
	return out.Users[0], true, nil
}

// notCreated counts a person that Cognito did not create. They can try again.
func (c *Consumer) notCreated(ctx context.Context) {
	b := emf.New(c.Environment)
	b.Add(MetricNotCreated, emf.Count, 1)
	if err := b.Flush(c.Out, c.Now()); err != nil {
		c.Log.ErrorContext(ctx, "metric not written", "error", err.Error())
	}
}

func subOf(user types.UserType) string {
	for _, a := range user.Attributes {
		if aws.ToString(a.Name) == "sub" {
			return aws.ToString(a.Value)
		}
	}
	return ""
}
