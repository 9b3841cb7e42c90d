package sam

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"gatehouse.example/tools/stacks"
)

// goFlags make small, reproducible binaries: without symbols, without paths of the
// checkout, without the net/rpc server of the retired go1.x runtime, and without
// HTTP/2, which neither Lambda's Runtime API nor the AWS endpoints need.
const goFlags = `"-ldflags=-s -w" -trimpath -buildvcs=false -tags=lambda.norpc,nethttpomithttp2`

// Architecture is Lambda's name of this machine's CPU. The emulator runs functions
// on it directly.
func Architecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

// goEnv is the environment of go commands for functions. The workspace is off: a
// service is built from its own go.mod, as in its pipeline.
func goEnv() []string {
	return append(CleanEnv(os.Environ()),
		"CGO_ENABLED=0", "GOFLAGS="+goFlags, "GOWORK=off",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
}

// CleanEnv removes the variables of the shell that would change a build or a
// deployment: AWS settings, SAM's and Python's.
func CleanEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(e string) bool {
		switch name, _, _ := strings.Cut(e, "="); name {
		case "GOFLAGS", "GOWORK", "GOOS", "GOARCH", "CGO_ENABLED":
			return true
		}
		return strings.HasPrefix(e, "AWS_") || strings.HasPrefix(e, "SAM_CLI_") || strings.HasPrefix(e, "PYTHON")
	})
}

func goCommand(ctx context.Context, s stacks.Stack, codeURIs []string, args ...string) *exec.Cmd {
	for _, uri := range codeURIs {
		args = append(args, "./"+strings.TrimPrefix(filepath.ToSlash(uri), "./"))
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = s.Dir, goEnv()
	return cmd
}

// Compile builds one function for this machine.
func Compile(ctx context.Context, s stacks.Stack, f stacks.Function, out string, log io.Writer) error {
	cmd := goCommand(ctx, s, []string{f.CodeURI}, "build", "-o", out)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build %s: %w", f.CodeURI, err)
	}
	return nil
}

// Warm compiles all that a stack's functions import into Go's cache, without
// linking anything.
func Warm(ctx context.Context, s stacks.Stack) error {
	if len(s.Functions) == 0 {
		return nil
	}
	if out, err := goCommand(ctx, s, codeURIs(s), "list", "-export", "-deps", "-f", "").CombinedOutput(); err != nil {
		return fmt.Errorf("go list -export in %s: %w: %s", s.Dir, err, out)
	}
	return nil
}

func codeURIs(s stacks.Stack) []string {
	var uris []string
	for _, f := range s.Functions {
		uris = append(uris, f.CodeURI)
	}
	return uris
}
