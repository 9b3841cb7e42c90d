// Package layout says where everything of a local environment lies and under
// which names, so that no other package puts paths or addresses together.
package layout

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

const (
	// DefaultDir and DefaultVenv are below the repository's root.
	DefaultDir  = ".local"
	DefaultVenv = ".local/venv"
	// DefaultPort is the edge's; the emulator takes the next one.
	DefaultPort = 4566
	// DefaultEnvironment is the name in every stack, function and parameter.
	DefaultEnvironment = "local"
	// DefaultRegion is used unless AWS_REGION says otherwise.
	DefaultRegion = "us-east-1"
	// AccessKeyID and SecretAccessKey are the emulator's root key pair. They
	// open nothing but the emulator.
	AccessKeyID     = "test"
	SecretAccessKey = "test"
	// AppPath is where the edge serves the page that signs people in and shows
	// who they are.
	AppPath = "/app"
	// StackPolicy is the file, below the root, with the stack policy that both
	// the pipelines and `gatehouse aws deploy` set.
	StackPolicy = "pipeline/stack-policy.json"
)

// Layout is one local environment. Several can run side by side, each with its
// own folder and ports.
type Layout struct {
	Root         string // of the repository
	Dir          string // everything that this environment writes
	Venv         string // the Python tools; may be shared
	Port         int    // of the edge, everybody's endpoint
	EmulatorPort int
	Environment  string
	Region       string
}

// Host is the only address that anything binds. It is never written as
// "localhost": SDKs would then address buckets as bucket.localhost.
const Host = "127.0.0.1"

// URL is everybody's endpoint.
func (l Layout) URL() string { return "http://" + l.Address() }

// Address is where the edge listens.
func (l Layout) Address() string { return Host + ":" + strconv.Itoa(l.Port) }

// EmulatorURL is the emulator's own endpoint, behind the edge.
func (l Layout) EmulatorURL() string { return "http://" + l.EmulatorAddress() }

// EmulatorAddress is where the emulator listens.
func (l Layout) EmulatorAddress() string { return Host + ":" + strconv.Itoa(l.EmulatorPort) }

// LogDir holds one file for each process, deployment and function.
func (l Layout) LogDir() string { return filepath.Join(l.Dir, "log") }

// Log is the path of one log file.
func (l Layout) Log(name string) string { return filepath.Join(l.LogDir(), name+".log") }

// StateFile describes the running supervisor.
func (l Layout) StateFile() string { return filepath.Join(l.Dir, "state.json") }

// LockFile is held by the supervisor as long as it lives.
func (l Layout) LockFile() string { return filepath.Join(l.Dir, "lock") }

// DeployLock is held by whoever changes stacks.
func (l Layout) DeployLock() string { return filepath.Join(l.Dir, "deploy.lock") }

// EnvFile is what clients read.
func (l Layout) EnvFile() string { return filepath.Join(l.Dir, "env") }

// BuildDir holds the built template and functions of one stack. Its parent is
// the stack's too, for SAM writes beside it.
func (l Layout) BuildDir(stack string) string { return filepath.Join(l.Dir, "build", stack, "sam") }

// DeployedFile remembers which inputs a stack was deployed from.
func (l Layout) DeployedFile(stack string) string {
	return filepath.Join(l.Dir, "state", stack+".json")
}

// CallsFile lists what each role was let do in the emulator, and what not.
func (l Layout) CallsFile() string { return filepath.Join(l.Dir, "calls.jsonl") }

// EmulatorDir is the emulator's own folder; it starts empty with each emulator.
func (l Layout) EmulatorDir() string { return filepath.Join(l.Dir, "emulator") }

// Tool is a command of the virtualenv.
func (l Layout) Tool(name string) string { return filepath.Join(l.Venv, "bin", name) }

// Requirements lists the pinned Python tools.
func (l Layout) Requirements() string {
	return filepath.Join(l.Root, "tools", "requirements.txt")
}

// FindRoot walks up from dir to the repository's root.
func FindRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("filepath.Abs: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		_, err := os.Stat(filepath.Join(at, "go.work"))
		if err == nil {
			return at, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("os.Stat: %w", err)
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is not inside a clone of Gatehouse; change into one", dir)
		}
	}
}
