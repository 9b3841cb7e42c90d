package contracts_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
)

// later is a value that no schema lists.
const later = "of-a-later-version"

// openSchema compiles the file for readers, found by the address in dataschema.
func openSchema(t *testing.T, eventType string) *jsonschema.Schema {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("schemas", "open", eventType+".json"))
	if err != nil {
		t.Fatalf("os.ReadFile: %v", err)
	}
	return compiled(t, raw, contracts.SchemaBase+eventType+".json")
}

// listed returns the fields of a type's data whose values the strict schema lists.
func listed(t *testing.T, eventType string) []string {
	t.Helper()
	raw, err := schemas.Of(eventType)
	if err != nil {
		t.Fatalf("schemas.Of: %v", err)
	}
	var schema struct {
		Properties struct {
			Data struct {
				Properties map[string]struct{ Enum []string }
			}
		}
	}
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatalf("json.Unmarshal: %v", err)
	}
	var out []string
	for name, field := range schema.Properties.Data.Properties {
		if field.Enum != nil {
			out = append(out, name)
		}
	}
	return out
}

// TestReadersOfTodayAdmitEventsOfTomorrow adds to each golden document what a later
// version may add. A reader's schema admits it, and ours, which tests hold to what
// this version publishes, does not.
func TestReadersOfTodayAdmitEventsOfTomorrow(t *testing.T) {
	t.Parallel()
	values := 0
	for _, eventType := range contracts.Types() {
		open, strict := openSchema(t, eventType), compile(t, eventType)
		tomorrow := map[string]func(ev, data map[string]any){
			"field": func(_, d map[string]any) { d["ofALaterVersion"] = map[string]any{"a": []any{1}} },
		}
		for _, field := range listed(t, eventType) {
			tomorrow["value_of_"+field] = func(_, d map[string]any) { d[field] = later }
			values++
		}
		if eventType == contracts.TypeAppEvent {
			tomorrow["client"] = func(e, _ map[string]any) { e["clientid"] = "3n4b5urk1ft4fl3mg5e62d9ado" }
		}
		for file, raw := range goldens(t, eventType) {
			if err := validate(t, open, raw); err != nil {
				t.Errorf("%s: the reader's schema refuses an event of today: %v", file, err)
			}
			for name, change := range tomorrow {
				body := changed(t, raw, change)
				if err := validate(t, open, body); err != nil {
					t.Errorf("%s, %s: the reader's schema refuses it: %v", file, name, err)
				}
				if validate(t, strict, body) == nil {
					t.Errorf("%s, %s: the strict schema admits it", file, name)
				}
				if _, err := contracts.Decode(body); err != nil {
					t.Errorf("%s, %s: Decode: %v", file, name, err)
				}
			}
			attribute := changed(t, raw, func(e, _ map[string]any) { e["laterversion"] = "1" })
			if err := validate(t, open, attribute); err != nil {
				t.Errorf("%s, attribute: the reader's schema refuses it: %v", file, err)
			}
		}
	}
	if values == 0 {
		t.Error("no schema lists values: this test looks for them in the wrong place")
	}
}

// TestReadersAreStillPromised: what may not change in a version is still in the
// schema for readers.
func TestReadersAreStillPromised(t *testing.T) {
	t.Parallel()
	schema := openSchema(t, contracts.TypeSignupRejected)
	good := goldens(t, contracts.TypeSignupRejected)[contracts.TypeSignupRejected+".json"]
	for name, change := range map[string]func(ev, data map[string]any){
		"no_id":                func(e, _ map[string]any) { delete(e, "id") },
		"no_reason":            func(_, d map[string]any) { delete(d, "reason") },
		"other_type":           func(e, _ map[string]any) { e["type"] = contracts.TypeUserCreated },
		"domain_of_other_type": func(_, d map[string]any) { d["domain"] = 7 },
		"reason_with_blanks":   func(_, d map[string]any) { d["reason"] = "The domain" },
		"address_as_subject":   func(e, _ map[string]any) { e["subject"] = "erika@example.org" },
		"time_of_another_zone": func(e, _ map[string]any) { e["time"] = "2026-11-22T09:30:00+01:00" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if validate(t, schema, changed(t, good, change)) == nil {
				t.Error("the reader's schema admits it")
			}
		})
	}
}

// changed is a document after a change.
func changed(t *testing.T, raw []byte, change func(ev, data map[string]any)) []byte {
	t.Helper()
	ev := generic(t, raw)
	change(ev, ev["data"].(map[string]any))
	body, err := json.Marshal(ev)
	if err != nil {
		t.Fatalf("json.Marshal: %v", err)
	}
	return body
}

// TestOpenSchemasHaveKnownKeywords: Breaking compares each keyword that a reader may
// rely on. The others are annotations.
func TestOpenSchemasHaveKnownKeywords(t *testing.T) {
	t.Parallel()
	known := []string{
		"$comment", "$id", "$schema", "description", "examples", "title",
		"additionalProperties", "const", "format", "maxLength", "maxProperties", "minLength", "pattern", "properties",
		"propertyNames", "required", "type",
	}
	var walk func(at string, schema map[string]any)
	walk = func(at string, schema map[string]any) {
		for _, keyword := range slices.Sorted(maps.Keys(schema)) {
			if !slices.Contains(known, keyword) {
				t.Errorf("%s: schemas.Breaking and schemas.Open do not know %q", at, keyword)
			}
		}
		properties, _ := schema["properties"].(map[string]any)
		for name, property := range properties {
			walk(at+"."+name, property.(map[string]any))
		}
	}
	seen := []string{}
	for _, eventType := range contracts.Types() {
		strict, err := schemas.Of(eventType)
		if err != nil {
			t.Fatalf("schemas.Of: %v", err)
		}
		raw, err := schemas.Open(strict)
		if err != nil {
			t.Fatalf("schemas.Open: %v", err)
		}
		if bytes.Contains(raw, []byte(`"additionalProperties": false`)) {
			t.Errorf("%s: the reader's schema is closed", eventType)
		}
		walk(eventType, generic(t, raw))
		seen = append(seen, eventType+".json")
	}
	files, err := os.ReadDir(filepath.Join("schemas", "open"))
	if err != nil {
		t.Fatalf("os.ReadDir: %v", err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Name())
	}
	slices.Sort(seen)
	if diff := cmp.Diff(seen, got); diff != "" {
		t.Errorf("files (-types +schemas/open):\n%s", diff)
	}
}

func TestOpenRefusesWhatIsNotASchema(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{", "[]", "{}", `{"properties":{"dataschema":{"const":7}}}`, `{"properties":[]}`} {
		if _, err := schemas.Open([]byte(text)); err == nil {
			t.Errorf("Open(%s) gave no error", text)
		}
	}
}
