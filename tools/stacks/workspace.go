package stacks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gatehouse.example/tools/internal/files"
)

const (
	// DefaultDir and DefaultVenv are below the repository's root.
	DefaultDir  = ".local"
	DefaultVenv = ".local/venv"
	// DefaultRegion is used unless AWS_REGION is set.
	DefaultRegion = "us-east-1"
	// StackPolicy is the file, below the root, with the stack policy that both
	// the pipelines and `gatehouse aws deploy` set.
	StackPolicy = "pipeline/stack-policy.json"
)

// Environments are the environments that are deployed to an account.
var Environments = []string{"dev", "test", "production"}

// FindRoot walks up from dir to the repository's root, the folder of go.work.
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

// Folder is the absolute path of a folder that a flag names, relative to the working
// directory, or the usual folder in the repository.
func Folder(given, root, usual string) (string, error) {
	if given == "" {
		return filepath.Join(root, usual), nil
	}
	path, err := filepath.Abs(given)
	if err != nil {
		return "", fmt.Errorf("filepath.Abs: %w", err)
	}
	return path, nil
}

// Workspace is where the stacks of one environment are built and deployed from.
type Workspace struct {
	Root        string // of the repository
	Dir         string // everything that is written for this environment
	Venv        string // the Python tools; may be shared
	Environment string
	Region      string
}

// OpenWorkspace finds the repository around the working directory. Folders are as in
// Folder; if they are empty, they are the usual ones.
func OpenWorkspace(dir, venv string) (w Workspace, err error) {
	if w.Root, err = FindRoot("."); err != nil {
		return w, err
	}
	if w.Dir, err = Folder(dir, w.Root, DefaultDir); err != nil {
		return w, err
	}
	w.Venv, err = Folder(venv, w.Root, DefaultVenv)
	return w, err
}

// LogDir holds one file for each process, deployment and function.
func (w Workspace) LogDir() string { return filepath.Join(w.Dir, "log") }

// Log is the path of one log file.
func (w Workspace) Log(name string) string { return filepath.Join(w.LogDir(), name+".log") }

// DeployLock is held by the process that changes stacks.
func (w Workspace) DeployLock() string { return filepath.Join(w.Dir, "deploy.lock") }

// Tool is the path of a command in the virtualenv.
func (w Workspace) Tool(name string) string { return filepath.Join(w.Venv, "bin", name) }

// Requirements is the path of the list of pinned Python tools.
func (w Workspace) Requirements() string {
	return filepath.Join(w.Root, "tools", "requirements.txt")
}

// BuildDir holds the built template and functions of one stack. SAM also writes
// into its parent, which therefore belongs to the same stack.
func (w Workspace) BuildDir(stack string) string { return filepath.Join(w.Dir, "build", stack, "sam") }

// fingerprint is the file with the fingerprint of what the build folder was built
// from.
func (w Workspace) fingerprint(stack string) string {
	return filepath.Join(filepath.Dir(w.BuildDir(stack)), "fingerprint")
}

// Built reports whether the build folder was built from inputs with this fingerprint.
func (w Workspace) Built(stack, fingerprint string) bool {
	raw, err := os.ReadFile(w.fingerprint(stack))
	return err == nil && string(raw) == fingerprint
}

// MarkBuilt records what the build folder was built from.
func (w Workspace) MarkBuilt(stack, fingerprint string) error {
	return files.Replace(w.fingerprint(stack), []byte(fingerprint))
}
