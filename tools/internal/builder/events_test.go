package builder

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../../.."

// of returns the types that a service publishes or reads, sorted.
func of(t *testing.T, root, folder string, publishes bool) []string {
	t.Helper()
	uses, err := eventUses(root, folder)
	if err != nil {
		t.Fatalf("eventUses %s: %v", folder, err)
	}
	var out []string
	for _, use := range uses {
		if use.publishes == publishes && !slices.Contains(out, use.typ) {
			out = append(out, use.typ)
		}
	}
	return out
}

// The catalogue names the publishers that the code has.
func TestPublishersMatchTheCatalogue(t *testing.T) {
	t.Parallel()
	derived := map[string][]string{}
	folders, err := usesByFolder(root)
	if err != nil || len(folders) < 7 {
		t.Fatalf("folders %v: %v", folders, err)
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		for _, typ := range of(t, root, folder, true) {
			derived[typ] = append(derived[typ], filepath.Base(folder))
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "contracts", "schemas", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("schemas %v: %v", files, err)
	}
	written := map[string][]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			By string `json:"x-published-by"`
		}
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatal(err)
		}
		written[strings.TrimSuffix(filepath.Base(file), ".json")] = strings.Split(schema.By, ", ")
	}
	if diff := cmp.Diff(written, derived); diff != "" {
		t.Errorf("publishers (-in the schemas +in the code):\n%s", diff)
	}
}

// A subscription without a filter reads every type. The example names two.
func TestReadersOfTheRepository(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "contracts", "schemas", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]int{
		"services/signin-audit": len(files), "services/user-events": len(files), "examples/subscriber": 2,
		"services/api": 0, "services/log-encryptor": 0, "platform": 0,
	} {
		if got := of(t, root, folder, false); len(got) != want {
			t.Errorf("%s reads %v, want %d types", folder, got, want)
		}
	}
}

// eventRepository writes a small repository with one publisher and several readers.
func eventRepository(t *testing.T, schema string) string {
	t.Helper()
	const released = `{"properties":{"data":{"properties":{"reason":{"type":"string"}}}}}`
	subscription := func(filter string) string {
		return "Resources:\n  Sub:\n    Type: AWS::SNS::Subscription\n    Properties:\n      Protocol: sqs\n" + filter
	}
	dir := t.TempDir()
	for path, text := range map[string]string{
		"contracts/types.go": "package contracts\n\nconst (\n\tTypeA = \"gatehouse.user.a.v1\"\n\tTypeB = \"gatehouse.pool.b.v1\"\n\tOther = \"x\"\n)\n\n" +
			"type Act struct{}\ntype A struct{ Reason string }\n\ntype Event struct{}\n\nfunc NewA(a Act, d A) (Event, error) { return newEvent(TypeA, d) }\nfunc NewB(a Act) (Event, error) { return newEvent(TypeB, nil) }\n" +
			"func newEvent(typ string, d any) (Event, error) { return Event{}, nil }\n// Types makes nothing: who serves the list publishes no event.\nfunc Types() []string { return []string{TypeA, TypeB} }\n",
		"contracts/schemas/gatehouse.user.a.v1.json":          schema,
		"contracts/schemas/gatehouse.pool.b.v1.json":          released,
		"contracts/schemas/released/gatehouse.user.a.v1.json": released,
		"contracts/schemas/released/gatehouse.pool.b.v1.json": released,
		"services/guard/template.yaml":                        "Resources: {}\n",
		"services/guard/internal/g.go":                        "package internal\n\nimport c \"gatehouse.example/contracts\"\n\nfunc f() (c.Event, error) { return c.NewA(c.Act{}, c.A{}) }\n\nvar all = c.Types()\n",
		"services/guard/internal/g_test.go":                   "package internal\n\nimport \"gatehouse.example/contracts\"\n\nvar _ = contracts.TypeB\n",
		"services/decodes/template.yaml":                      "Resources: {}\n",
		"services/decodes/d.go":                               "package decodes\n\nimport \"gatehouse.example/contracts\"\n\nvar d contracts.A\n",
		"services/all/template.yaml":                          subscription(""),
		"services/prefix/template.yaml":                       subscription("      FilterPolicy: {type: [{prefix: gatehouse.user.}]}\n"),
		"services/other/template.yaml":                        subscription("      FilterPolicy: {type: [gatehouse.pool.b.v1]}\n"),
		"services/unclear/template.yaml":                      subscription("      FilterPolicy: {type: [{anything-but: gatehouse.user.a.v1}]}\n"),
		"services/rule/template.yaml":                         "Resources:\n  R:\n    Type: AWS::Events::Rule\n    Properties: {EventPattern: {detail-type: [gatehouse.user.a.v1]}}\n",
		"services/trail/template.yaml":                        "Resources:\n  R:\n    Type: AWS::Events::Rule\n    Properties: {EventPattern: {detail-type: [AWS API Call via CloudTrail]}}\n",
		"services/person/template.yaml":                       "Resources:\n  S:\n    Type: AWS::SNS::Subscription\n    Properties: {Protocol: email}\n",
		"services/nests/template.yaml":                        "Resources:\n  N:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: nested.yaml}\n",
		"services/nests/nested.yaml":                          subscription(""),
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCheckNamesEveryConsumer(t *testing.T) {
	t.Parallel()
	dir := eventRepository(t, `{"properties":{"data":{"properties":{"reason":{"type":"integer"}}}}}`)
	for service, want := range map[string][]string{
		"guard": {
			"services/guard publishes gatehouse.user.a.v1 (services/guard/internal/g.go:5)", "event.data.reason: type string became integer", "next to .v1",
			"also used by services/all, services/decodes, services/nests, services/prefix, services/rule, services/unclear",
		},
		"decodes": {"services/decodes reads gatehouse.user.a.v1 (services/decodes/d.go:5)"},
		"all":     {"services/all reads gatehouse.user.a.v1 (services/all/template.yaml Sub)"},
		"prefix":  {"services/prefix reads"},
		"unclear": {"services/unclear reads"},
		"rule":    {"services/rule reads gatehouse.user.a.v1 (services/rule/template.yaml R)"},
		"nests":   {"services/nests reads gatehouse.user.a.v1 (services/nests/nested.yaml Sub)"},
		"other":   nil, "trail": nil, "person": nil,
	} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			broken, err := checkEvents(dir, "services/"+service)
			if err != nil {
				t.Fatal(err)
			}
			if len(broken) != min(len(want), 1) {
				t.Fatalf("broken %v, want %d", broken, min(len(want), 1))
			}
			for _, part := range want {
				if got := broken[0]; !strings.Contains(got, part) {
					t.Errorf("got %q, want %q", got, part)
				}
			}
		})
	}
}

func TestCheckAllowsCompatibleChanges(t *testing.T) {
	t.Parallel()
	dir := eventRepository(t, `{"properties":{"data":{"properties":{"reason":{"type":"string"},"more":{"type":"string"}}}}}`)
	for _, service := range []string{"guard", "all"} {
		if broken, err := checkEvents(dir, "services/"+service); err != nil || len(broken) > 0 {
			t.Errorf("%s: %v, %v", service, broken, err)
		}
	}
}

func TestCheckNeedsEventTypes(t *testing.T) {
	t.Parallel()
	dir := eventRepository(t, `{}`)
	if err := os.WriteFile(filepath.Join(dir, "contracts", "types.go"), []byte("package contracts\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := checkEvents(dir, "services/guard"); err == nil || !strings.Contains(err.Error(), "names no event type") {
		t.Errorf("got %v: without types the check would pass everything", err)
	}
}
