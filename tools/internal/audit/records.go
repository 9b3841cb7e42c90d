package audit

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"gatehouse.example/services/signin-audit/signinaudittest"
	"gatehouse.example/services/user-events/usereventstest"
	"gatehouse.example/tools/internal/terminal"
)

// largest is the largest event that EventBridge delivers.
const largest = 256 << 10

// RecordsCommand is `gatehouse records`: it shows an operator what a record of CloudTrail
// becomes, before the record is replayed or added to the tests. It needs no account.
func RecordsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "records", Short: "Look into records of CloudTrail", Args: cobra.NoArgs}
	cmd.AddCommand(replayCommand())
	return cmd
}

func replayCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "replay FILE...",
		Short: "Show what captured records become",
		Long: `Shows what signin-audit makes of captured records of sign-ins, and what user-events
makes of records of accounts and the pool: the event, or why the record is ignored or
kept in the dead-letter queue. It treats each record as one of the environment's pool, and
sends nothing.

A file has one event of EventBridge, or one record as in a trail's files; '-' is
standard input. Nothing of a record is shown but its name, error code and status.`,
		Example: "  gatehouse records replay services/signin-audit/internal/signinrecords/testdata/records/*.json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			return explain(cmd.InOrStdin(), cmd.OutOrStdout(), files)
		},
	}
}

func explain(in io.Reader, out io.Writer, files []string) error {
	for _, file := range files {
		body, err := readFile(in, file)
		if err != nil {
			return err
		}
		line := "signin-audit: " + signinaudittest.ExplainRecord(body) + "\n  user-events: " + usereventstest.ExplainRecord(body)
		if len(files) > 1 {
			line = terminal.Printable(file) + "\n  " + line
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return fmt.Errorf("fmt.Fprintln: %w", err)
		}
	}
	return nil
}

func readFile(in io.Reader, file string) ([]byte, error) {
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("os.Open: %w", err)
		}
		defer func() { _ = opened.Close() }()
		in = opened
	}
	body, err := io.ReadAll(io.LimitReader(in, largest+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("io.ReadAll: %w", err)
	case len(body) > largest:
		return nil, fmt.Errorf("%s has more than 256 KB, which no record has", file)
	}
	return body, nil
}
