// Command builder does what the build of a pipeline does: `builder verify` tests one
// service, `builder package` makes the artifact that is deployed, and `builder check-artifact`
// compares the artifact with the digest of the build that was approved. The make targets
// of these names call it, in pipelines and on laptops. It also writes the files
// of contracts/ that are derived from the events' schemas: `builder catalogue` writes
// the catalogue, and `builder release-contracts` keeps a copy of the schemas as
// released.
package main

import (
	"context"
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

const commands = "verify, package, digest, check-artifact, catalogue, release-contracts"

func realMain(ctx context.Context, args []string) error {
	root, err := stacks.FindRoot(".")
	if err != nil {
		return fmt.Errorf("stacks.FindRoot: %w", err)
	}
	if len(args) == 0 {
		return fmt.Errorf("usage: builder COMMAND [flags], with one of the commands %s", commands)
	}
	switch contracts := filepath.Join(root, "contracts"); args[0] {
	case "catalogue":
		return writeCatalogue(contracts)
	case "release-contracts":
		return releaseSchemas(filepath.Join(contracts, "schemas"))
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	b := builder.Build{Root: root, Environ: os.Environ(), Log: os.Stdout}
	flags.StringVar(&b.Service, "service", "", "service to build, such as signup-guard, or platform")
	flags.StringVar(&b.Venv, "venv", stacks.DefaultVenv, "virtualenv of the Python tools")
	flags.StringVar(&b.Tools, "tools", "", "folder of the Go tools in pipeline/tools")
	flags.StringVar(&b.Out, "out", "", "output folder")
	flags.StringVar(&b.Architecture, "architecture", "", "arm64 or x86_64; empty means the one in samconfig.toml")
	flags.StringVar(&b.Bucket, "bucket", "", "artifact bucket; empty means no upload")
	flags.StringVar(&b.KeyARN, "key", "", "ARN of the bucket's KMS key")
	flags.StringVar(&b.Commit, "commit", "", "built commit; empty means the one of the clone")
	artifact := flags.String("artifact", "", "folder of the artifact to check")
	digest := flags.String("digest", "", "digest of the approved build")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	for _, path := range []*string{&b.Venv, &b.Tools, &b.Out} {
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("filepath.Abs: %w", err)
		}
	}
	switch args[0] {
	case "verify":
		return b.Verify(ctx)
	case "package":
		return b.Package(ctx)
	case "check-artifact":
		return b.CheckArtifact(ctx, *artifact, *digest)
	case "digest":
		sum, err := builder.Digest(b.Out)
		if err == nil {
			fmt.Println(sum)
		}
		return err
	}
	return fmt.Errorf("unknown command %q: %s", args[0], commands)
}
