package sam

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse.example/tools/template"
)

const built = `
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Environment: {Variables: {A: "1", B: !Ref Environment}}
    Layers: [one]
    MemorySize: 256
    Timeout: 5
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: F
      FunctionName: !Sub "${Environment}-f"
      MemorySize: 128
      Policies: [a]
      Environment: {Variables: {A: "2"}}
`

// mark marks the built template after a replacement, with some code, and returns the mark.
func mark(t *testing.T, old, replaced, code, salt string) string {
	t.Helper()
	if !strings.Contains(built, old) {
		t.Fatalf("%q is not in the template", old)
	}
	dir := t.TempDir()
	put(t, dir, "F/bootstrap", code)
	put(t, dir, "template.yaml", strings.Replace(built, old, replaced, 1))
	path := filepath.Join(dir, "template.yaml")
	if err := MarkVersions(path, path, salt); err != nil {
		t.Fatal(err)
	}
	marked, err := template.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := marked.Resources(functionType)[0]
	if got := template.Text(f.Prop("FunctionName")); got != "${Environment}-f" {
		t.Errorf("FunctionName became %q", got)
	}
	return template.Text(f.Prop(versionMark))
}

func TestMarkVersions(t *testing.T) {
	t.Parallel()
	before := mark(t, "", "", "code", "")
	if len(before) != 64 {
		t.Fatalf("the mark is %q", before)
	}
	for name, tc := range map[string]struct {
		old, new, code, salt string
		changes              bool
	}{
		"same":             {code: "code"},
		"code":             {code: "other", changes: true},
		"salt":             {code: "code", salt: "again", changes: true},
		"own_setting":      {old: "MemorySize: 128", new: "MemorySize: 192", code: "code", changes: true},
		"global_setting":   {old: "Timeout: 5", new: "Timeout: 6", code: "code", changes: true},
		"own_variable":     {old: `A: "2"`, new: `A: "3"`, code: "code", changes: true},
		"global_variable":  {old: "B: !Ref Environment", new: "B: !Ref Other", code: "code", changes: true},
		"function_of_it":   {old: "B: !Ref Environment", new: "B: Environment", code: "code", changes: true},
		"longer_list":      {old: "      Policies", new: "      Layers: [two]\n      Policies", code: "code", changes: true},
		"unknown_setting":  {old: "      Policies", new: "      Later: true\n      Policies", code: "code", changes: true},
		"overridden":       {old: "MemorySize: 256", new: "MemorySize: 512", code: "code"},
		"overridden_entry": {old: `A: "1"`, new: `A: "0"`, code: "code"},
		"description":      {old: "      Policies", new: "      VersionDescription: !Sub ${A}\n      Policies", code: "code", changes: true},
		"policy":           {old: "Policies: [a]", new: "Policies: [b]", code: "code"},
		"tags":             {old: "      Policies", new: "      Tags: {A: b}\n      Policies", code: "code"},
		"style":            {old: `A: "2"`, new: `A: '2'`, code: "code"},
		"former_mark":      {old: "      Policies", new: "      AutoPublishCodeSha256: x\n      Policies", code: "code"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mark(t, tc.old, tc.new, tc.code, tc.salt) != before; got != tc.changes {
				t.Errorf("changed: %v, want %v", got, tc.changes)
			}
		})
	}
}

func TestMarkVersionsWithoutCode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(built), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := MarkVersions(path, path, ""); err == nil || !strings.Contains(err.Error(), "F: ") {
		t.Errorf("got %v, want an error that names the function", err)
	}
}
