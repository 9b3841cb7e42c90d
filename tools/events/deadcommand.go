package events

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/terminal"
)

// deadCommand is the commands of `gatehouse events dead`.
func deadCommand(environment *string) *cobra.Command {
	cmd := &cobra.Command{Use: "dead", Short: "List, show, replay and delete dead letters", Args: cobra.NoArgs}
	cmd.AddCommand(dropCommand(environment), listCommand(environment), replayCommand(environment), showCommand(environment))
	return cmd
}

func listCommand(environment *string) *cobra.Command {
	var peek bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the dead-letter queues and how many messages wait in each",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, env, err := connect(cmd.Context(), *environment)
			if err != nil {
				return err
			}
			client, dlqs, err := deadLetterQueues(cmd.Context(), cfg, env)
			if err != nil {
				return err
			}
			return actors.Hint((&lister{client: client, out: cmd.OutOrStdout(), now: time.Now}).list(cmd.Context(), dlqs, peek))
		},
	}
	cmd.Flags().BoolVar(&peek, "peek", false, "also show type, id and age of the first messages")
	return cmd
}

func replayCommand(environment *string) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay QUEUE",
		Short: "Move the messages of a dead-letter queue back to where they came from",
		Long: `Moves the messages of a dead-letter queue back to its source queue. A message is
deleted only after the source queue has taken it; stopping halfway loses nothing.
What is neither a valid event nor a record of CloudTrail stays, unless --force is
given. It acts as the role
gatehouse-{environment}-user-events-operator, which you must be allowed to assume.`,
		Example: "  gatehouse events dead replay gatehouse-production-signin-audit-recorder-dlq --dry-run",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.limit < 0 {
				return errors.New("--limit must not be negative")
			}
			client, q, err := openQueue(cmd.Context(), *environment, args[0])
			if err != nil {
				return err
			}
			return actors.Hint((&replayer{client: client, out: cmd.OutOrStdout()}).replay(cmd.Context(), q, o))
		},
	}
	cmd.Flags().IntVar(&o.limit, "limit", 0, "move at most this many; 0 for all")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only print what would be moved")
	cmd.Flags().BoolVar(&o.force, "force", false, "also move messages that are not valid events")
	return cmd
}

func showCommand(environment *string) *cobra.Command {
	return &cobra.Command{
		Use:   "show QUEUE MESSAGE",
		Short: "Show one message of a dead-letter queue",
		Long: `Shows one message of a dead-letter queue: why and since when it is there, how often it was
received, and the event in it. MESSAGE is the message's id, or the id of the event or the
record in it. It shows no personal data: of a record only names, times and ids, and of any
other message that is not an event only its length and the names of its fields. Showing a
message counts as one more receive. It acts as the role
gatehouse-{environment}-user-events-operator, which you must be allowed to assume.`,
		Example: "  gatehouse events dead show gatehouse-production-signin-audit-recorder-dlq 0b7c3c62-6f2a-4b57-9a4e-6c0c1f2c9f10",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, q, err := openQueue(cmd.Context(), *environment, args[0])
			if err != nil {
				return err
			}
			l := &deadLetters{client: client, out: cmd.OutOrStdout(), now: time.Now}
			_, err = l.show(cmd.Context(), q, args[1])
			return actors.Hint(err)
		},
	}
}

func dropCommand(environment *string) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "drop QUEUE MESSAGE",
		Short: "Delete one message of a dead-letter queue, after asking",
		Long: `Shows one message of a dead-letter queue as show does, asks, and deletes it. Nothing
can bring it back. It acts as the role gatehouse-{environment}-user-events-operator, which
you must be allowed to assume.`,
		Example: "  gatehouse events dead drop gatehouse-production-signin-audit-recorder-dlq 0b7c3c62-6f2a-4b57-9a4e-6c0c1f2c9f10",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes && !terminal.Is(cmd.InOrStdin()) {
				return errors.New("drop asks before it deletes, and this is not a terminal; give --yes")
			}
			client, q, err := openQueue(cmd.Context(), *environment, args[0])
			if err != nil {
				return err
			}
			l := &deadLetters{client: client, out: cmd.OutOrStdout(), now: time.Now}
			return actors.Hint(l.drop(cmd.Context(), q, args[1], func() (bool, error) {
				if yes {
					return true, nil
				}
				return ask(cmd.InOrStdin(), cmd.OutOrStdout(), "Delete this message?")
			}))
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// openQueue finds a dead-letter queue as the operator.
func openQueue(ctx context.Context, environment, queue string) (*sqs.Client, deadLetterQueue, error) {
	cfg, env, err := connectOperator(ctx, environment)
	if err != nil {
		return nil, deadLetterQueue{}, err
	}
	client, dlqs, err := deadLetterQueues(ctx, cfg, env)
	if err != nil {
		return nil, deadLetterQueue{}, err
	}
	q, err := pick(dlqs, queue)
	return client, q, err
}

// ask asks on the terminal. Every answer except yes means no.
func ask(in io.Reader, out io.Writer, question string) (bool, error) {
	fmt.Fprint(out, question+" Type yes: ")
	answer, err := bufio.NewReader(in).ReadString('\n')
	switch {
	case errors.Is(err, io.EOF) && answer == "": // /dev/null looks like a terminal
		return false, errors.New("no answer; give --yes to delete without asking")
	case err != nil && !errors.Is(err, io.EOF):
		return false, fmt.Errorf("bufio.Reader.ReadString: %w", err)
	}
	return strings.TrimSpace(answer) == "yes", nil
}
