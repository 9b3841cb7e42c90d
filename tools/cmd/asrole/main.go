// Command asrole runs a check of a deployed environment as another role.
// `make check-deployed` calls it.
//
// A profile with role_arn and credential_source works in CodeBuild, where the keys
// come from the container, but not with keys in the shell's variables, which the
// SDKs and the aws CLI prefer to AWS_PROFILE. This command works with both: it
// passes the role's keys to the check in variables.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := realMain(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "asrole:", err)
		os.Exit(1)
	}
}

func realMain(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("asrole", flag.ContinueOnError)
	role := flags.String("role", "", "ARN of the role; empty means the shell's own credentials")
	if err := flags.Parse(args); err != nil {
		return err
	}
	environ := os.Environ()
	if *role != "" {
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return fmt.Errorf("config.LoadDefaultConfig: %w", err)
		}
		if environ, err = assume(ctx, sts.NewFromConfig(cfg), *role, environ); err != nil {
			return err
		}
	}
	return run(ctx, flags.Args(), environ, os.Stdout)
}

func run(ctx context.Context, command, environ []string, out io.Writer) error {
	if len(command) == 0 {
		return errors.New("name the command to run after --")
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environ, out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	return nil
}
