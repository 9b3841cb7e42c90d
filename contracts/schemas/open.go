package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// openFor is a comment in each open schema.
const openFor = "For readers: it admits fields and values of later versions. " +
	"Written by `go generate ./catalogue` in contracts/ from the schema that holds for what Gatehouse publishes."

// Open makes the schema for readers from the one that holds for what Gatehouse
// publishes. It admits what a later version may add: any further field, and other
// values where the strict schema lists them. The known values become examples, which
// nothing validates. Its $id is the address that the events have in dataschema, so
// that a reader finds it there; the strict schema has another.
func Open(strict []byte) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(strict, &doc); err != nil {
		return nil, fmt.Errorf("json.Unmarshal: %w", err)
	}
	var n node
	if err := json.Unmarshal(strict, &n); err != nil {
		return nil, fmt.Errorf("json.Unmarshal: %w", err)
	}
	address, ok := n.Properties["dataschema"].Const.(string)
	if !ok {
		return nil, errors.New("schemas: dataschema has no constant address")
	}
	doc["$id"], doc["$comment"] = address, openFor
	open(doc)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("json.Encode: %w", err)
	}
	return out.Bytes(), nil
}

// open changes a schema and those of its properties. The keywords x-* are left out:
// they are for the catalogue, and validators with a strict mode refuse them.
func open(schema map[string]any) {
	for keyword := range schema {
		if strings.HasPrefix(keyword, "x-") {
			delete(schema, keyword)
		}
	}
	delete(schema, "not") // attributes that the type does not have yet
	if schema["additionalProperties"] == false {
		delete(schema, "additionalProperties")
	}
	if values, ok := schema["enum"]; ok {
		schema["examples"] = values
		delete(schema, "enum")
	}
	properties, _ := schema["properties"].(map[string]any)
	for _, property := range properties {
		if p, ok := property.(map[string]any); ok {
			open(p)
		}
	}
}
