package demo

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
)

// Command is `gatehouse demo`.
func Command() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play a person's way through sign-up and sign-in, and show what comes out",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".local", "folder of the running local system")
	return cmd
}

func run(cmd *cobra.Command, dir string) (err error) {
	ctx := cmd.Context()
	env, err := readEnv(filepath.Join(dir, "env"))
	if err != nil {
		return fmt.Errorf("%w\nIs the system up? `make up` starts it", err)
	}
	c, err := connect(ctx, env)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	in, err := openInbox(ctx, c.sqs, c.sns, env.topicARN)
	if err != nil {
		return fmt.Errorf("openInbox: %w", err)
	}
	defer func() {
		// The queue goes even when the story was interrupted.
		if closed := in.close(ctx, c.sqs, c.sns); closed != nil && err == nil {
			err = fmt.Errorf("inbox.close: %w", closed)
		}
	}()
	p := newPrinter(cmd.OutOrStdout())
	s := &story{
		out: p, inbox: in,
		metrics: newMeter(c.cloudwatch, env.environment),
		audit:   &audit{table: c.dynamodb, name: env.auditTable},
		cast:    newCast(c, env),
		limit:   limit,
	}
	if err := s.play(ctx, acts()); err != nil {
		return err
	}
	p.next(dir, s.cast.person.sub, env)
	return nil
}
