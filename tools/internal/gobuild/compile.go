package deploy

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"gatehouse.example/tools/internal/gobuild"
	"gatehouse.example/tools/internal/layout"
	"gatehouse.example/tools/stacks"
)

// rebuildForHost replaces the functions that SAM built for Linux where the
// emulator, which runs them natively, runs on something else.
func rebuildForHost(ctx context.Context, l layout.Layout, s stacks.Stack, log io.Writer) error {
	if runtime.GOOS == "linux" {
		return nil
	}
	for _, f := range s.Functions {
		if err := Compile(ctx, s, f, filepath.Join(l.BuildDir(s.Name), f.LogicalID, "bootstrap"), log); err != nil {
			return err
		}
	}
	return nil
}

// Compile builds one function for this machine.
func Compile(ctx context.Context, s stacks.Stack, f stacks.Function, out string, log io.Writer) error {
	pkg := "./" + strings.TrimPrefix(filepath.ToSlash(f.CodeURI), "./")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, pkg)
	cmd.Dir, cmd.Env = s.Dir, gobuild.Env()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build %s: %w", pkg, err)
	}
	return nil
}
