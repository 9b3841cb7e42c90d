package templates

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// finding is the part of cfn-lint's JSON that a person needs.
type finding struct {
	Filename string
	Message  string
	Rule     struct{ ID string }
	Location struct {
		Start struct{ LineNumber int }
	}
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", repository.Short(f.Filename), f.Location.Start.LineNumber, f.Rule.ID, f.Message)
}

// lint runs cfn-lint once over all files: it takes seconds to start.
func lint(t *testing.T, flags []string, files ...string) []finding {
	t.Helper()
	cmd := exec.Command(repository.CfnLint(t), append(append([]string{"--format", "json"}, flags...), files...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, failed := cmd.Output()
	var findings []finding
	if err := json.Unmarshal(out, &findings); err != nil {
		t.Fatalf("cfn-lint: %v, %v\n%s%s", failed, err, out, stderr.String())
	}
	return findings
}

// strictly returns cfn-lint's options: all checks, including experimental and
// informational ones, and types exactly as in the schemas. A check that is switched
// off has its reason here.
func strictly() []string {
	return []string{
		"--include-experimental", "--include-checks", "I", "--configure-rule", "E3012:strict=true",
		"--region", "us-east-1",
		// I3011 wants both policies on every queue and log group. TestStateful is stricter
		// about resources with lasting data. Queues and log groups expire their content
		// anyway, and the tool refuses a change set that removes a queue.
		"--ignore-checks", "I3011",
		"--",
	}
}

// lintGroup is one stack's folder: cfn-lint compares the parameters of nested
// templates with those that the parent passes.
type lintGroup struct {
	files []string
	pass  repository.Passed
}

// lintGroups returns the folders that have changed since they last passed.
func lintGroups(t *testing.T) []lintGroup {
	t.Helper()
	only := os.Getenv("GATEHOUSE_SERVICE") // a pipeline lints what it deploys
	byDir := map[string][]string{}
	var dirs []string
	for _, template := range repository.Templates(t) {
		dir := repository.Dir(template)
		if only != "" && filepath.Base(dir) != only {
			continue
		}
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
		byDir[dir] = append(byDir[dir], filepath.Join(repository.Root, template.Path))
	}
	var groups []lintGroup
	for _, dir := range dirs {
		pass := repository.Unchanged(t, "cfn-lint", strictly(), append(byDir[dir], repository.LintPins())...)
		if !pass.Known {
			groups = append(groups, lintGroup{files: byDir[dir], pass: pass})
		}
	}
	return groups
}

// plantLint writes one template for each error that cfn-lint must find. So the same
// run shows whether the linter works.
func plantLint(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	want := map[string]string{} // rule by file
	for name, planted := range map[string]struct{ text, want string }{
		"unknown_property": {"Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {NoSuchProperty: 1}\n", "E3002"},
		"text_for_number":  {"Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {DelaySeconds: '5'}\n", "E3012"},
		"unused_parameter": {"Parameters:\n  P: {Type: String}\nResources:\n  Q: {Type: AWS::SQS::Queue}\n", "W2001"},
		"needless_depends": {"Resources:\n  Q: {Type: AWS::SQS::Queue}\n  P:\n    Type: AWS::SSM::Parameter\n    DependsOn: Q\n    Properties: {Type: String, Value: !Ref Q}\n", "W3005"},
		"fixed_partition":  {"Resources:\n  T:\n    Type: AWS::SNS::Subscription\n    Properties: {TopicArn: !Sub 'arn:aws:sns:${AWS::Region}:${AWS::AccountId}:t', Protocol: sqs}\n", "I3042"},
	} {
		file := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(file, []byte(planted.text), 0o600); err != nil {
			t.Fatalf("os.WriteFile: %v", err)
		}
		want[file] = planted.want
	}
	return want
}

func TestCfnLint(t *testing.T) {
	t.Parallel()
	groups := lintGroups(t)
	if len(groups) == 0 {
		t.Log("no template changed since cfn-lint last passed")
		return
	}
	planted := plantLint(t)
	files := slices.Collect(maps.Keys(planted))
	for _, g := range groups {
		files = append(files, g.files...)
	}
	guilty := map[string]bool{}
	for _, f := range lint(t, strictly(), files...) {
		guilty[filepath.Clean(f.Filename)] = true
		switch want, ok := planted[f.Filename]; {
		case !ok:
			t.Error(f)
		case f.Rule.ID == want:
			planted[f.Filename] = "" // found
		}
	}
	blind := false
	for file, want := range planted {
		if want != "" {
			blind = true
			t.Errorf("%s: cfn-lint does not find %s", filepath.Base(file), want)
		}
	}
	for _, g := range groups {
		if !slices.ContainsFunc(g.files, func(file string) bool { return guilty[filepath.Clean(file)] }) && !blind {
			g.pass.Remember(t, nil)
		}
	}
}
