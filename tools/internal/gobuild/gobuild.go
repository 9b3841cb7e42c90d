// Package gobuild is the one place that says how functions are compiled, for
// `sam build`, for the fingerprint of a stack's inputs and for watch alike.
package gobuild

import (
	"os"
	"runtime"
	"strings"
)

// Flags make small, reproducible binaries, without the net/rpc server of the
// retired go1.x runtime and without HTTP/2, which neither Lambda's Runtime API
// nor the AWS endpoints that functions call need. Symbols stay out; trimpath makes every checkout
// produce the same bytes.
const Flags = `"-ldflags=-s -w" -trimpath -buildvcs=false -tags=lambda.norpc,nethttpomithttp2`

// Architecture is this machine's CPU as Lambda names it: the emulator runs
// functions natively.
func Architecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

// Env is the environment of every go command that deals with functions. The
// workspace is off: a service is built from its own go.mod, as in its pipeline.
func Env() []string {
	return append(Clean(os.Environ()),
		"CGO_ENABLED=0", "GOFLAGS="+Flags, "GOWORK=off",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
}

// Clean drops what would make a build or a deployment depend on the person's
// shell: AWS settings, SAM's and Python's.
func Clean(env []string) []string {
	kept := make([]string, 0, len(env))
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		switch {
		case strings.HasPrefix(name, "AWS_"), strings.HasPrefix(name, "SAM_CLI_"), strings.HasPrefix(name, "PYTHON"),
			name == "GOFLAGS", name == "GOWORK", name == "GOOS", name == "GOARCH", name == "CGO_ENABLED":
		default:
			kept = append(kept, e)
		}
	}
	return kept
}
