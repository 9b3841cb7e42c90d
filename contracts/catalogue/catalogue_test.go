package catalogue_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/catalogue"
)

func TestFilesAreFresh(t *testing.T) {
	t.Parallel()
	files, err := catalogue.Files("..")
	if err != nil {
		t.Fatalf("catalogue.Files: %v", err)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatalf("os.ReadFile: %v", err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is stale, run `go generate ./catalogue` in contracts/ (-want +got):\n%s", name, diff)
		}
	}
}

// document is what a reader of asyncapi.yaml follows to the schemas.
type document struct {
	AsyncAPI string
	Channels map[string]struct {
		Messages map[string]struct {
			Ref string `yaml:"$ref"`
		}
	}
	Components struct {
		Messages map[string]struct {
			Name    string
			Payload struct {
				Schema struct {
					Ref string `yaml:"$ref"`
				}
			}
		}
	}
}

func TestAsyncAPINamesEveryType(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("asyncapi.yaml")
	if err != nil {
		t.Fatalf("os.ReadFile: %v", err)
	}
	var doc document
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		t.Fatalf("yaml.Unmarshal: %v", err)
	}
	if !strings.HasPrefix(doc.AsyncAPI, "3.0") {
		t.Errorf("asyncapi %s, want 3.0", doc.AsyncAPI)
	}
	named := map[string]bool{}
	for key, m := range doc.Channels["user-events"].Messages {
		if m.Ref != "#/components/messages/"+key {
			t.Errorf("%s refers to %s", key, m.Ref)
		}
		message := doc.Components.Messages[key]
		named[message.Name] = true
		ref := message.Payload.Schema.Ref
		if filepath.Base(ref) != message.Name+".json" {
			t.Errorf("%s has the schema %s", message.Name, ref)
		}
		if _, err := os.Stat(ref); err != nil {
			t.Errorf("%s: %v", message.Name, err)
		}
	}
	want := map[string]bool{}
	for _, eventType := range contracts.Types() {
		want[eventType] = true
	}
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("messages (-types +asyncapi.yaml):\n%s", diff)
	}
}

func TestFilesNeedTheirExamples(t *testing.T) {
	t.Parallel()
	if _, err := catalogue.Files(t.TempDir()); err == nil {
		t.Error("no error without the examples")
	}
}
