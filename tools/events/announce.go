package events

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cognitotypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/spf13/cobra"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

func announceCommand(environment *string) *cobra.Command {
	var again bool
	cmd := &cobra.Command{
		Use:   "announce SUB",
		Short: "Publish that a user was created, if that was missed",
		Long: `Publishes user.created for a user that exists and was never announced, because the
PostConfirmation trigger failed. The event's id is derived from the pool and the user, so
that consumers drop it if there is another one. Its time is when Cognito created the user.
A user who has not confirmed is refused. It acts as the role
gatehouse-{environment}-user-events-operator, which you must be allowed to assume.`,
		Example: "  gatehouse events announce b1e7c2a0-5a2f-4f0e-9f58-1c2d3e4f5a6b",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, env, err := connectOperator(cmd.Context(), *environment)
			if err != nil {
				return err
			}
			a, err := newAnnouncer(cmd.Context(), cfg, env, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			return actors.Hint(a.announce(cmd.Context(), args[0], again))
		},
	}
	cmd.Flags().BoolVar(&again, "again", false, "publish even if it has arrived, or if the user is older than the ledger's rows")
	return cmd
}

// users is what announcer needs of Cognito.
type users interface {
	ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
}

// announcer publishes that users were created.
type announcer struct {
	users     users
	outbox    Outbox
	outboxURL string
	ledger    *Ledger
	poolARN   string
	out       io.Writer
	now       func() time.Time
}

func newAnnouncer(ctx context.Context, cfg aws.Config, env string, out io.Writer) (*announcer, error) {
	pool, err := actors.Parameter(ctx, cfg, env, "platform", "user-pool-arn")
	if err != nil {
		return nil, err
	}
	url, ledger, err := outboxAndLedger(ctx, cfg, env)
	if err != nil {
		return nil, err
	}
	return &announcer{
		users: cognito.NewFromConfig(cfg), outbox: sqs.NewFromConfig(cfg), outboxURL: url, ledger: ledger, poolARN: pool, out: out, now: time.Now,
	}, nil
}

func (a *announcer) announce(ctx context.Context, sub string, again bool) error {
	user, err := a.user(ctx, sub)
	if err != nil {
		return err
	}
	ev, err := a.created(sub, user)
	if err != nil {
		return err
	}
	if !again {
		if err := a.missing(ctx, ev); err != nil {
			return err
		}
	}
	body, err := contracts.Encode(ev)
	if err != nil {
		return fmt.Errorf("contracts.Encode: %w", err)
	}
	if err := send(ctx, a.outbox, a.outboxURL, body, ""); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "sent to the outbox: %q %q of %s\nwhere it is: gatehouse events find %s\n",
		ev.Type(), ev.ID(), ev.Time().Format(time.RFC3339), ev.ID())
	return nil
}

// user asks Cognito for a user by the sub, and for no attribute but that one.
func (a *announcer) user(ctx context.Context, sub string) (cognitotypes.UserType, error) {
	if !contracts.IsCognitoSub(sub) {
		return cognitotypes.UserType{}, errors.New("SUB is the user's sub, a UUID such as b1e7c2a0-5a2f-4f0e-9f58-1c2d3e4f5a6b; an address is not accepted")
	}
	out, err := a.users.ListUsers(ctx, &cognito.ListUsersInput{
		UserPoolId: aws.String(contracts.PoolID(a.poolARN)), Filter: aws.String(`sub = "` + sub + `"`), AttributesToGet: []string{"sub"},
	})
	switch {
	case err != nil:
		return cognitotypes.UserType{}, fmt.Errorf("cognito.ListUsers: %w", err)
	case len(out.Users) != 1:
		return cognitotypes.UserType{}, fmt.Errorf("the pool %s has %d users with this sub; a deleted user cannot be announced", contracts.PoolID(a.poolARN), len(out.Users))
	}
	return out.Users[0], nil
}

// created makes the event, or says why the user does not count as created.
func (a *announcer) created(sub string, user cognitotypes.UserType) (event.Event, error) {
	via, is := contracts.CreatedVia(string(user.UserStatus))
	if !is {
		return event.Event{}, fmt.Errorf("the user is %s; user.created is for users who have confirmed", user.UserStatus)
	}
	ev, err := contracts.NewUserCreated(contracts.Act{PoolARN: a.poolARN, Subject: sub, Time: aws.ToTime(user.UserCreateDate)}, contracts.UserCreated{Via: via})
	if err != nil {
		return event.Event{}, fmt.Errorf("contracts.NewUserCreated: %w", err)
	}
	return ev, nil
}

// missing is an error if the event has arrived, or if that is not known.
func (a *announcer) missing(ctx context.Context, ev event.Event) error {
	arrived, err := a.ledger.arrived(ctx, ev)
	switch {
	case err != nil:
		return fmt.Errorf("the ledger does not say whether it has arrived; --again sends it anyway: %w", err)
	case arrived:
		return fmt.Errorf("the user was announced: %s has arrived; --again sends it once more, and consumers drop it", ev.ID())
	case a.now().Sub(ev.Time()) > claimTTL:
		return fmt.Errorf("the user was created on %s, and the ledger remembers %d days; look for the event with `gatehouse audit show --user %s`, "+
			"and send it with --again if it is not there", ev.Time().Format(time.DateOnly), int(claimTTL.Hours()/24), ev.Subject())
	}
	return nil
}
