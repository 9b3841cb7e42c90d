// Command deployed runs one check of a deployed environment, as the role of that
// environment's account that may look. It is called by `make check-deployed`.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"gatehouse.example/tools/internal/asrole"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := realMain(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "deployed:", err)
		os.Exit(1)
	}
}

func realMain(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("deployed", flag.ContinueOnError)
	role := flags.String("role", "", "ARN of the role to be; empty means whoever the shell is")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c := asrole.Check{Environ: os.Environ(), Out: os.Stdout}
	if *role != "" {
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return fmt.Errorf("config.LoadDefaultConfig: %w", err)
		}
		if c.Environ, err = asrole.Assume(ctx, sts.NewFromConfig(cfg), *role, c.Environ); err != nil {
			return fmt.Errorf("deployed.Assume: %w", err)
		}
	}
	return c.Run(ctx, flags.Args())
}
