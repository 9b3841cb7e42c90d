package asrole

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// Check is one command and what it sees.
type Check struct {
	Environ []string
	Out     io.Writer
}

// Run runs the command.
func (c Check) Run(ctx context.Context, command []string) error {
	if len(command) == 0 {
		return errors.New("name the command to run after --")
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = c.Environ, c.Out, c.Out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	return nil
}
