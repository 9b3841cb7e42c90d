package templates

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// kindsFile lists the types with data that cannot be recreated. The tool refuses
// change sets with it; the rules compare it with the templates and AWS's schemas.
const kindsFile = "../../tools/dataloss/kinds.json"

type stateKind struct {
	CreateOnly, Conditional []string
	Retain                  bool
}

func stateKinds(t *testing.T) map[string]stateKind {
	t.Helper()
	return readJSON[map[string]stateKind](t, kindsFile)
}

func readJSON[T any](t *testing.T, path string) T {
	t.Helper()
	var out T
	if err := json.Unmarshal([]byte(repository.Read(t, path)), &out); err != nil {
		t.Fatalf("%s: json.Unmarshal: %v", path, err)
	}
	return out
}

// stateful: users, items, objects and the keys needed to read them outlive their stack
// and its updates. They have no fixed names, because a retained resource would block the
// next one of that name. TestLifeOfStacks says which of them a failed creation may delete.
func stateful(kinds map[string]stateKind) repository.Rule {
	return func(all []*template.Template) []string {
		var out []string
		for _, t := range all {
			for _, r := range t.Resources("") {
				k := kinds[r.Type]
				if !k.Retain {
					continue
				}
				if !r.Retained("DeletionPolicy") {
					out = append(out, r.String()+": write DeletionPolicy: Retain")
				}
				if template.Text(template.Get(r.Node, "UpdateReplacePolicy")) != "Retain" {
					out = append(out, r.String()+": write UpdateReplacePolicy: Retain")
				}
				for _, name := range k.CreateOnly {
					if strings.HasSuffix(name, "Name") && r.Prop(name) != nil {
						out = append(out, r.String()+": outlives its stack, so omit "+name+": CloudFormation chooses one")
					}
				}
			}
		}
		return out
	}
}

func TestStateful(t *testing.T) {
	t.Parallel()
	repository.Report(t, stateful(stateKinds(t))(repository.Templates(t)))
}

func TestStatefulPlanted(t *testing.T) {
	t.Parallel()
	const table = "  Outbox:\n    Type: AWS::DynamoDB::Table\n    DeletionPolicy: RetainExceptOnCreate\n    UpdateReplacePolicy: Retain\n    Properties:\n      TableName: x"
	repository.Plant(t, stateful(stateKinds(t)), map[string]repository.Planted{
		"deleted":  {"    DeletionPolicy: RetainExceptOnCreate\n", "", "write DeletionPolicy"},
		"replaced": {"    UpdateReplacePolicy: Retain\n", "", "write UpdateReplacePolicy"},
		"named":    {"  Outbox:\n    Type: AWS::SQS::Queue\n    Properties:", table, "omit TableName: CloudFormation"},
		"pool":     {"  Dead:\n    Type: AWS::SQS::Queue", "  Dead:\n    Type: AWS::Cognito::UserPool", "Dead: write DeletionPolicy"},
		"bucket":   {"  Dead:\n    Type: AWS::SQS::Queue", "  Dead:\n    Type: AWS::S3::Bucket", "Dead: write UpdateReplacePolicy"},
	})
}

// createOnly reads the schemas that come with cfn-lint.
const createOnly = `
import json, sys
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER as schemas
found = {}
for typ in sys.argv[1:]:
    schema = schemas.get_resource_schema("us-east-1", typ).schema
    names = lambda key: sorted(p.removeprefix("/properties/") for p in schema.get(key, []))
    found[typ] = {"CreateOnly": names("createOnlyProperties"), "Conditional": names("conditionalCreateOnlyProperties")}
print(json.dumps(found))
`

// The tool's list of immutable properties agrees with AWS's registry.
func TestKindsMatchTheRegistry(t *testing.T) {
	t.Parallel()
	pass := repository.Unchanged(t, "kinds", []string{createOnly}, kindsFile, repository.LintPins(), "stateful_test.go")
	if pass.Known {
		t.Log("neither the list nor the schemas changed since this last passed")
		return
	}
	kinds := stateKinds(t)
	args := []string{"-c", createOnly}
	for typ := range kinds {
		args = append(args, typ)
	}
	python := filepath.Join(filepath.Dir(repository.CfnLint(t)), "python")
	output, err := exec.Command(python, args...).Output()
	if err != nil {
		t.Fatalf("the schemas: %v", err)
	}
	var want map[string]stateKind
	if err := json.Unmarshal(output, &want); err != nil {
		t.Fatalf("json.Unmarshal: %v", err)
	}
	for typ, k := range kinds {
		k.Retain = false
		slices.Sort(k.CreateOnly)
		if diff := cmp.Diff(want[typ], k); diff != "" {
			t.Errorf("%s: %s (-schema +file):\n%s", kindsFile, typ, diff)
		}
	}
	if !t.Failed() {
		pass.Remember(t, nil)
	}
}
