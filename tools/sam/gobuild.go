package sam

import (
	"os"
	"runtime"
	"strings"
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
