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
	"gatehouse.example/tools/internal/audit"
	"gatehouse.example/tools/internal/awsdeploy"
	"gatehouse.example/tools/internal/canary"
	"gatehouse.example/tools/internal/demo"
	"gatehouse.example/tools/internal/local"
	"gatehouse.example/tools/internal/pipelinecmd"
	"gatehouse.example/tools/internal/trace"
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
	root.AddCommand(audit.Command(), awsdeploy.Command(), canary.Command(), demo.Command(), events.Command(), local.Command(), pipelinecmd.Command(), trace.Command())
	return root.ExecuteContext(ctx)
}
