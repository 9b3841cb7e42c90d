package sam

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"

	"gatehouse.example/tools/stacks"
)

// Compile builds one function for this machine.
func Compile(ctx context.Context, s stacks.Stack, f stacks.Function, out string, log io.Writer) error {
	pkg := "./" + strings.TrimPrefix(filepath.ToSlash(f.CodeURI), "./")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, pkg)
	cmd.Dir, cmd.Env = s.Dir, goEnv()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build %s: %w", pkg, err)
	}
	return nil
}
