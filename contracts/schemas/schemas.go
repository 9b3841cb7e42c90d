// Package schemas has the JSON Schemas of the events, one file for each type, for tests
// and tools. Functions do not link it.
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
