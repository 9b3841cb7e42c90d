// Package schemas has the JSON Schemas of the events, one file for each type: for tests
// and tools, and for the API, which serves those for readers. Triggers do not link it.
package schemas

import (
	"embed"
	"fmt"
)

// FS has the schemas as <type>.json.
//
//go:embed *.json
var FS embed.FS

// Of is the schema of an event type.
func Of(eventType string) ([]byte, error) {
	raw, err := FS.ReadFile(eventType + ".json")
	if err != nil {
		return nil, fmt.Errorf("schemas.FS.ReadFile: %w", err)
	}
	return raw, nil
}

//go:embed open/*.json
var readers embed.FS

// ForReaders is the schema of an event type for readers, which admits what later versions
// may add. Its address is what the events have in dataschema.
func ForReaders(eventType string) ([]byte, error) {
	raw, err := readers.ReadFile("open/" + eventType + ".json")
	if err != nil {
		return nil, fmt.Errorf("embed.FS.ReadFile: %w", err)
	}
	return raw, nil
}
