// Command builder does what the build of a pipeline does: `builder verify` tests one
// service, and `builder package` makes the artifact that is deployed. `make verify`
// and `make package` call it, in pipelines and on laptops. It also writes the files
// of contracts/ that are derived from the events' schemas: `builder catalogue` writes
// the catalogue, and `builder release-contracts` keeps a copy of the schemas as
// released.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"gatehouse.example/tools/internal/builder"
	"gatehouse.example/tools/stacks"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := realMain(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "builder:", err)
		os.Exit(1)
	}
}

func realMain(ctx context.Context, args []string) error {
	root, err := stacks.FindRoot(".")
	if err != nil {
		return fmt.Errorf("stacks.FindRoot: %w", err)
	}
	if len(args) == 0 {
		return errors.New("usage: builder verify|package|catalogue|release-contracts [flags]")
	}
	switch contracts := filepath.Join(root, "contracts"); args[0] {
	case "catalogue":
		return writeCatalogue(contracts)
	case "release-contracts":
		return releaseSchemas(filepath.Join(contracts, "schemas"))
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	service := flags.String("service", "", "service to build, such as signup-guard, or platform")
	venv := flags.String("venv", stacks.DefaultVenv, "virtualenv of the Python tools")
	tools := flags.String("tools", "", "folder of the Go tools in pipeline/tools")
	out := flags.String("out", "", "output folder")
	architecture := flags.String("architecture", "", "arm64 or x86_64; empty means the one in samconfig.toml")
	bucket := flags.String("bucket", "", "artifact bucket; empty means no upload")
	key := flags.String("key", "", "ARN of the bucket's KMS key")
	commit := flags.String("commit", "", "built commit; empty means the one of the clone")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	for _, path := range []*string{venv, tools, out} {
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("filepath.Abs: %w", err)
		}
	}
	switch args[0] {
	case "verify":
		v := builder.Verify{Root: root, Service: *service, Venv: *venv, Tools: *tools, Reports: *out, Out: os.Stdout}
		return v.Run(ctx)
	case "package":
		b := builder.Builder{
			Root: root, Service: *service, Venv: *venv, Tools: *tools, Out: *out, Architecture: *architecture,
			Bucket: *bucket, KeyARN: *key, Commit: *commit, Environ: os.Environ(), Log: os.Stdout,
		}
		return b.Build(ctx)
	}
	return fmt.Errorf("unknown command %q: verify, package, catalogue or release-contracts", args[0])
}
