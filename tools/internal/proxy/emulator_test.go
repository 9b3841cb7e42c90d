package proxy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// gapImport is a line of emulator.py that imports gaps of this folder.
var gapImport = regexp.MustCompile(`(?m)^from ([a-z]+) import ([a-z, ]+)$`)

// emulator.py imports and installs each Python file below this folder.
func TestEmulatorInstallsEveryPythonFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("emulator.py")
	if err != nil {
		t.Fatal(err)
	}
	imported := map[string]bool{}
	for _, m := range gapImport.FindAllStringSubmatch(string(text), -1) {
		for name := range strings.SplitSeq(m[2], ", ") {
			imported[filepath.Join(m[1], name+".py")] = true
			if !strings.Contains(string(text), "    "+name+".install(") {
				t.Errorf("emulator.py does not install %s", name)
			}
		}
	}
	files, err := filepath.Glob("*/*.py")
	if err != nil || len(files) == 0 {
		t.Fatalf("no Python files: %v", err)
	}
	for _, file := range files {
		if !imported[file] {
			t.Errorf("emulator.py does not import %s", file)
		}
		delete(imported, file)
	}
	for file := range imported {
		t.Errorf("emulator.py imports %s, which does not exist", file)
	}
}

// judge runs iam/batches.py with a stand-in for the emulator, whose policies allow two
// parameters. It prints what a call of GetParameters is denied, or null.
const judge = `
import json, sys, types
def enforce(key, action, service, region, arn="*", context=None):
    return None if arn in ("arn:aws:ssm:r:1:parameter/a", "arn:aws:ssm:r:1:parameter/b/c") else arn
core = types.ModuleType("ministack.core")
core.iam_actions = types.SimpleNamespace(extract_iam_action=lambda action: action, extract_resource_arn=lambda *call: "*")
core.iam_evaluator = types.SimpleNamespace(enforce=enforce)
sys.modules |= {"ministack": types.ModuleType("ministack"), "ministack.core": core}
from iam import batches
batches.install()
headers = {"x-amz-target": "AmazonSSM.GetParameters"}
arn = core.iam_actions.extract_resource_arn("ssm", "POST", "/", headers, sys.argv[1].encode(), {}, "r", "1")
denied = core.iam_evaluator.enforce("k", "ssm:GetParameters", "ssm", "r", resource_arn=arn)
print(json.dumps([denied, f"{arn}", core.iam_actions.extract_iam_action("sqs:SendMessageBatch")]))
`

func TestGetParametersIsJudgedOnEachParameter(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	const prefix = "arn:aws:ssm:r:1:parameter/"
	for name, tc := range map[string]struct {
		body   string
		denied any
		named  string // in the text of an error
	}{
		"allowed":  {`{"Names":["/a","/b/c"]}`, nil, prefix + "a"},
		"version":  {`{"Names":["a:3"]}`, nil, prefix + "a"},
		"arn":      {`{"Names":["arn:aws:ssm:r:1:parameter/b/c"]}`, nil, prefix + "b/c"},
		"second":   {`{"Names":["/a","/x"]}`, prefix + "x", prefix + "x"},
		"no_names": {`{"Names":[]}`, "*", "*"},
		"no_list":  {`{"Names":1}`, "*", "*"},
		"no_json":  {`{`, "*", "*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), python, "-B", "-c", judge, tc.body).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got []any
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if diff := cmp.Diff([]any{tc.denied, tc.named, "sqs:SendMessage"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
