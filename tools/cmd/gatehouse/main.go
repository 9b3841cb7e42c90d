// Command gatehouse is the operator's tool, for the local system and for AWS.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"gatehouse.example/tools/events"
	"gatehouse.example/tools/internal/adopt"
	"gatehouse.example/tools/internal/audit"
	"gatehouse.example/tools/internal/awsdeploy"
	"gatehouse.example/tools/internal/canary"
	"gatehouse.example/tools/internal/demo"
	"gatehouse.example/tools/internal/drift"
	"gatehouse.example/tools/internal/local"
	"gatehouse.example/tools/internal/pipelinecmd"
	"gatehouse.example/tools/internal/trace"
	"gatehouse.example/tools/internal/users"
)

// interrupted is what shells expect after Ctrl-C: 128 + SIGINT.
const interrupted = 130

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := realMain(ctx)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		os.Exit(interrupted)
	default:
		fmt.Fprintln(os.Stderr, "gatehouse:", err)
		os.Exit(1)
	}
}

func realMain(ctx context.Context) error {
	root := &cobra.Command{
		Use:           "gatehouse",
		Short:         "Run, inspect and operate Gatehouse",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(adopt.AttachCommand(), adopt.DetachCommand(), audit.Command(), awsdeploy.Command(), canary.Command(), demo.Command(), drift.Command(), drift.StatusCommand(), events.Command(), audit.FindingsCommand(), local.Command(), pipelinecmd.Command(), audit.RecordsCommand(), trace.Command(), users.Command())
	groupsFail(root)
	return root.ExecuteContext(ctx)
}

// groupsFail has every group of commands refuse the name of a command that it does not
// have. Cobra would print the group's help and report success.
func groupsFail(cmd *cobra.Command) {
	if !cmd.Runnable() {
		cmd.RunE = func(group *cobra.Command, _ []string) error { return group.Help() }
	}
	for _, c := range cmd.Commands() {
		groupsFail(c)
	}
}
