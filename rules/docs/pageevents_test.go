package docs

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
	"gatehouse.example/rules/repository"
)

// shownEvents returns the events of a file: the bodies of the messages in a JSON
// payload, and the blocks of JSON on a page.
func shownEvents(file, text string) []string {
	var candidates, out []string
	if filepath.Ext(file) == ".md" {
		for _, m := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(text, -1) {
			candidates = append(candidates, m[1])
		}
	} else {
		var payload struct{ Records []struct{ Body string } }
		if json.Unmarshal([]byte(text), &payload) == nil {
			for _, r := range payload.Records {
				candidates = append(candidates, r.Body)
			}
		}
	}
	for _, c := range candidates {
		if strings.Contains(c, `"specversion"`) {
			out = append(out, c)
		}
	}
	return out
}

// unlikeEvents returns what is wrong with an event that a reader may take for one
// of the services'.
func unlikeEvents(all map[string]*jsonschema.Schema, text string) []string {
	ev, err := contracts.Decode([]byte(text))
	if err != nil {
		return []string{"contracts.Decode: " + err.Error()}
	}
	schema, ok := all[ev.Type()]
	if !ok {
		return []string{"unknown type " + ev.Type()}
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return []string{"jsonschema.UnmarshalJSON: " + err.Error()}
	}
	if err := schema.Validate(doc); err != nil {
		return []string{fmt.Sprintf("%s: %v", ev.Type(), err)}
	}
	if want := contracts.CreatedID(ev.Source(), ev.Subject()); ev.Type() == contracts.TypeUserCreated && ev.ID() != want {
		return []string{fmt.Sprintf("%s: the id is derived from pool and user: %s, not %s", ev.Type(), want, ev.ID())}
	}
	return nil
}

// strictSchemas are the schemas that hold for what Gatehouse publishes, by type.
func strictSchemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	compiler, out := jsonschema.NewCompiler(), map[string]*jsonschema.Schema{}
	compiler.AssertFormat()
	for _, eventType := range contracts.Types() {
		raw, err := schemas.Of(eventType)
		if err != nil {
			t.Fatalf("schemas.Of: %v", err)
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
		if err != nil {
			t.Fatalf("jsonschema.UnmarshalJSON: %v", err)
		}
		if err := compiler.AddResource("file:///"+eventType, doc); err != nil {
			t.Fatalf("AddResource: %v", err)
		}
		schema, err := compiler.Compile("file:///" + eventType)
		if err != nil {
			t.Fatalf("Compile: %v", err)
		}
		out[eventType] = schema
	}
	return out
}

// TestEventsOnPages: the events in payload files and on pages are such as the services
// publish.
func TestEventsOnPages(t *testing.T) {
	t.Parallel()
	all, seen := strictSchemas(t), 0
	for _, file := range repository.Files(t, ".json", ".md") {
		for _, text := range shownEvents(file, repository.Read(t, file)) {
			seen++
			for _, problem := range unlikeEvents(all, text) {
				t.Errorf("%s: %s", repository.Short(file), problem)
			}
		}
	}
	if seen < len(all) {
		t.Errorf("%d events found, want at least the catalogue's %d", seen, len(all))
	}
}

func TestEventsOnPagesPlanted(t *testing.T) {
	t.Parallel()
	all := strictSchemas(t)
	page := repository.Read(t, filepath.Join(repository.Root, "contracts", "catalogue", "README.md"))
	for name, planted := range map[string][2]string{
		"nothing":        {`"via"`, `"via"`},
		"unknown_reason": {`"reason": "domain-disposable"`, `"reason": "disposable-domain"`},
		"unknown_type":   {`"type": "gatehouse.user.created.v1"`, `"type": "gatehouse.user.made.v1"`},
		"id_by_chance":   {contracts.CreatedID(exampleARN, exampleSub), "aa5f41d3-dc9a-5672-a54e-de010592b2f8"},
		"no_event":       {`"specversion": "1.0"`, `"specversion": "9"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(page, planted[0]) {
				t.Fatalf("nothing to replace: %s", planted[0])
			}
			body := strings.ReplaceAll(page, planted[0], planted[1])
			payload, err := json.Marshal(map[string]any{"Records": []map[string]string{{"body": strings.Join(shownEvents("a.md", body), "")}}})
			if err != nil || len(shownEvents("a.json", string(payload))) != 1 {
				t.Errorf("a payload's body is not found: %v", err)
			}
			found := 0
			for _, text := range shownEvents("a.md", body) {
				found += len(unlikeEvents(all, text))
			}
			if (found > 0) != (name != "nothing") {
				t.Errorf("%d findings", found)
			}
		})
	}
}
