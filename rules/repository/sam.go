package repository

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse.example/tools/template"
)

// Untranslated is a template as it is in the repository.
type Untranslated struct {
	Path       string            `json:"-"`
	Template   string            `json:"template"`
	Parameters map[string]string `json:"parameters"`
	// Code is the place of the functions' code; if it is empty, any place.
	Code string `json:"code"`
}

// Translate returns the templates as CloudFormation gets them. It runs SAM's translator,
// which adds roles, rules and deployment groups, over those that it has not translated
// before.
func Translate(t *testing.T, of []Untranslated) []*template.Template {
	t.Helper()
	script := filepath.Join(Root, "rules", "repository", "translate.py")
	all := make([]*template.Template, len(of))
	var passes []Passed
	var missing []int
	for i, one := range of {
		input, err := json.Marshal(one)
		if err != nil {
			t.Fatalf("json.Marshal: %v", err)
		}
		if pass := Unchanged(t, "translated", []string{string(input)}, script, LintPins()); pass.Known {
			all[i] = MustParse(t, one.Path, string(pass.Answer(t)))
		} else {
			passes, missing = append(passes, pass), append(missing, i)
		}
	}
	if len(missing) == 0 {
		return all
	}
	var left []Untranslated
	for _, i := range missing {
		left = append(left, of[i])
	}
	for n, text := range translated(t, script, left) {
		all[missing[n]] = MustParse(t, left[n].Path, string(text))
		passes[n].Remember(t, text)
	}
	return all
}

// translated runs the translator.
func translated(t *testing.T, script string, of []Untranslated) []json.RawMessage {
	t.Helper()
	input, err := json.Marshal(of)
	if err != nil {
		t.Fatalf("json.Marshal: %v", err)
	}
	var output, problems bytes.Buffer
	cmd := exec.CommandContext(t.Context(), Python(t), script)
	cmd.Env = append(os.Environ(), "AWS_DEFAULT_REGION=us-east-1") // used only for the partition
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &output, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("translate.py: %v\n%s", err, problems.String())
	}
	var texts []json.RawMessage
	if err := json.Unmarshal(output.Bytes(), &texts); err != nil || len(texts) != len(of) {
		t.Fatalf("translate.py: %d answers for %d templates: %v", len(texts), len(of), err)
	}
	return texts
}

// IsSAM reports whether a template is translated before it is deployed.
func IsSAM(t *template.Template) bool {
	return strings.HasPrefix(template.Text(template.Get(t.Root, "Transform")), "AWS::Serverless")
}

// Release returns the parameters of a deployment by a pipeline.
func Release(gradual string) map[string]string {
	return map[string]string{"DeploymentRoleArn": "arn:aws:iam::111122223333:role/x", "Environment": "test", "GradualDeployment": gradual, "OnAws": "true"}
}

// venv is the virtualenv with the pinned SAM CLI and cfn-lint.
func venv() string {
	return cmp.Or(os.Getenv("GATEHOUSE_VENV"), filepath.Join(Root, ".local", "venv"))
}

// CfnLint returns the path of the pinned linter. It fails the test if there is none: a
// test that passes because it did not run is worse than no test.
func CfnLint(t *testing.T) string {
	t.Helper()
	for _, name := range []string{filepath.Join(venv(), "bin", "cfn-lint"), filepath.Join(Root, ".local", "venv", "bin", "cfn-lint"), "cfn-lint"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("cfn-lint is not installed; run `make tools` first")
	return ""
}

// LintPins is the file with the versions of cfn-lint and SAM's translator.
func LintPins() string { return filepath.Join(Root, "tools", "requirements.txt") }

// Python returns the path of the interpreter that runs the pinned SAM CLI.
func Python(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(venv(), "bin", "python"))
	if err == nil {
		_, err = exec.LookPath(path)
	}
	if err != nil {
		t.Fatalf("SAM's translator is not installed; run `make tools` first: %v", err)
	}
	return path
}

// SitePackage returns the path of a file of a Python package in the virtualenv of the
// pinned SAM CLI, which has the pinned AWS CLI too.
func SitePackage(t *testing.T, parts ...string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(append([]string{venv(), "lib", "python3*", "site-packages"}, parts...)...))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s is not installed; run `make tools` first: %v", filepath.Join(parts...), err)
	}
	return found[0]
}

// Passed is the result of a slow check by another program, stored by its input.
type Passed struct {
	Known bool
	mark  string // the file that records the result and the program's output
}

// Unchanged looks up a check by everything that it reads: its flags, its files, and the
// file that pins the program. With this, `make check` takes seconds. `make test` sets
// GATEHOUSE_NO_CACHE and repeats every check.
func Unchanged(t *testing.T, check string, flags []string, files ...string) Passed {
	t.Helper()
	sum := sha256.New()
	for _, flag := range flags {
		_, _ = fmt.Fprintf(sum, "%d:%s\n", len(flag), flag)
	}
	for _, file := range files {
		text := Read(t, file)
		_, _ = fmt.Fprintf(sum, "%s %d:%s\n", Short(file), len(text), text)
	}
	p := Passed{mark: filepath.Join(Root, ".local", "passed", check+"-"+hex.EncodeToString(sum.Sum(nil)[:16]))}
	_, err := os.Stat(p.mark)
	p.Known = err == nil && os.Getenv("GATEHOUSE_NO_CACHE") == ""
	return p
}

// Answer returns the program's output when the check passed.
func (p Passed) Answer(t *testing.T) []byte {
	t.Helper()
	return []byte(Read(t, p.mark))
}

// Remember records that the check has passed, with the output that will be needed.
func (p Passed) Remember(t *testing.T, answer []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.mark), 0o750); err != nil {
		t.Fatalf("os.MkdirAll: %v", err)
	}
	// Tests run in parallel and may write the same file, so it is written atomically.
	part, err := os.CreateTemp(filepath.Dir(p.mark), "part-*")
	if err != nil {
		t.Fatalf("os.CreateTemp: %v", err)
	}
	_, err = part.Write(answer)
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), p.mark)
	}
	if err != nil {
		t.Fatalf("write %s: %v", p.mark, err)
	}
}
