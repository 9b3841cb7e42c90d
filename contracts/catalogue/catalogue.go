// Package catalogue writes the description of the topic for people and tools
// from the schemas: README.md, asyncapi.yaml and the open schemas. All are committed,
// and a test fails when they are stale, so that nobody has to keep a third list of
// events.
//
//	go generate ./catalogue
package catalogue

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
)

//go:generate go run gatehouse.example/tools/cmd/builder catalogue

//go:embed *.tmpl
var templates embed.FS

//go:embed asyncapi.yaml
var asyncAPI string

// AsyncAPI is the AsyncAPI document, as the API serves it. Its references to the schemas
// are relative: schemas is the address of their folder.
func AsyncAPI(schemas string) string {
	return strings.ReplaceAll(asyncAPI, "../schemas/open/", schemas)
}

// Files are the generated files by their path from this folder. Examples come from root/testdata.
func Files(root string) (map[string][]byte, error) {
	messages := []message{}
	for _, eventType := range contracts.Types() {
		m, err := describe(root, eventType)
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", eventType, err)
		}
		messages = append(messages, m)
	}
	all, err := template.ParseFS(templates, "*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("template.ParseFS: %w", err)
	}
	files := map[string][]byte{}
	for _, name := range []string{"README.md", "asyncapi.yaml"} {
		var out bytes.Buffer
		if err := all.ExecuteTemplate(&out, name+".tmpl", messages); err != nil {
			return nil, fmt.Errorf("template.Execute %s: %w", name, err)
		}
		files[name] = out.Bytes()
	}
	for _, eventType := range contracts.Types() {
		strict, err := schemas.Of(eventType)
		if err != nil {
			return nil, fmt.Errorf("schemas.Of: %w", err)
		}
		if files["../schemas/open/"+eventType+".json"], err = schemas.Open(strict); err != nil {
			return nil, fmt.Errorf("schemas.Open %s: %w", eventType, err)
		}
	}
	return files, nil
}

// message is one event type, ready for the templates.
type message struct {
	Type, Says, MadeFrom, PublishedBy, Example string
	Attributes, Fields                         []field
}

// Key is the type without dots, as component names want it.
func (m message) Key() string {
	var key strings.Builder
	for word := range strings.SplitSeq(strings.TrimPrefix(m.Type, "gatehouse."), ".") {
		key.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return key.String()
}

// Anchor is GitHub's name for the heading of the type.
func (m message) Anchor() string { return strings.ReplaceAll(m.Type, ".", "") }

// Sentences is the description with a line for each sentence.
func (m message) Sentences() string { return strings.ReplaceAll(m.Says, ". ", ".\n") }

type field struct {
	Name, Kind, Says string
	Required         bool
}

// schema is what the page needs of a JSON Schema.
type schema struct {
	Description string            `json:"description"`
	MadeFrom    string            `json:"x-made-from"`
	PublishedBy string            `json:"x-published-by"`
	Type        string            `json:"type"`
	Const       any               `json:"const"`
	Enum        []string          `json:"enum"`
	Required    []string          `json:"required"`
	Properties  map[string]schema `json:"properties"`
}

func describe(root, eventType string) (message, error) {
	raw, err := schemas.Of(eventType)
	if err != nil {
		return message{}, fmt.Errorf("schemas.Of: %w", err)
	}
	var s schema
	if err := json.Unmarshal(raw, &s); err != nil {
		return message{}, fmt.Errorf("json.Unmarshal: %w", err)
	}
	example, err := os.ReadFile(filepath.Join(root, "testdata", eventType+".json"))
	if err != nil {
		return message{}, fmt.Errorf("os.ReadFile: %w", err)
	}
	return message{
		Type: eventType, Says: s.Description, MadeFrom: s.MadeFrom, PublishedBy: s.PublishedBy,
		Example: strings.TrimSpace(string(example)), Fields: s.Properties["data"].fields(), Attributes: s.fields(),
	}, nil
}

// fields are the properties, the required ones first.
func (s schema) fields() []field {
	var out []field
	for name, p := range s.Properties {
		out = append(out, field{Name: name, Kind: p.kind(), Says: p.Description, Required: slices.Contains(s.Required, name)})
	}
	slices.SortFunc(out, func(a, b field) int {
		if a.Required != b.Required {
			if a.Required {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

func (s schema) kind() string {
	switch {
	case s.Const != nil:
		return fmt.Sprintf("`%v`", s.Const)
	case len(s.Enum) > 0:
		return "`" + strings.Join(s.Enum, "`, `") + "`"
	}
	return s.Type
}
