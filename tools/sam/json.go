package sam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/template"
)

// rewrite writes the built templates in a folder as JSON, which is YAML too. One deployment
// makes SAM read a template some twenty times. Its reader of YAML is written in Python and
// took a third of the processor time of a deployment; JSON it gives to Python's own reader
// (yaml_parse in samcli/yamlhelper.py).
func rewrite(dir string) error {
	var paths []string
	for _, pattern := range []string{"template.yaml", filepath.Join("*", "template.yaml")} { // the stack, and those it nests
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return fmt.Errorf("filepath.Glob: %w", err)
		}
		paths = append(paths, found...)
	}
	for _, path := range paths {
		t, err := template.ReadFile(path)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := asJSON(&out, t.Root); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := files.Replace(path, out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

var errNotJSON = errors.New("JSON has no such value")

// asJSON writes a node in the order of its keys. What YAML takes for a date, such as the
// version of a policy, is text.
func asJSON(out *bytes.Buffer, n *yaml.Node) error {
	open, closing := "", ""
	switch n.ShortTag() {
	case "!!map":
		open, closing = "{", "}"
	case "!!seq":
		open, closing = "[", "]"
	case "!!str", "!!timestamp":
		return text(out, n.Value)
	case "!!null":
		out.WriteString("null")
		return nil
	case "!!int", "!!float", "!!bool":
		var value any
		if err := n.Decode(&value); err != nil {
			return fmt.Errorf("yaml.Node.Decode: %w", err)
		}
		raw, err := json.Marshal(value)
		out.Write(raw)
		return err //nolint:wrapcheck // of the value alone
	default:
		return fmt.Errorf("line %d: %s: %w", n.Line, n.Tag, errNotJSON)
	}
	out.WriteString(open)
	for i, child := range n.Content {
		key := open == "{" && i%2 == 0
		switch {
		case i == 0:
		case open == "{" && !key:
			out.WriteString(": ")
		default:
			out.WriteString(",\n")
		}
		if !key {
			if err := asJSON(out, child); err != nil {
				return err
			}
			continue
		}
		if child.Kind != yaml.ScalarNode || strings.HasPrefix(child.Value, "<<") {
			return fmt.Errorf("line %d: key %q: %w", child.Line, child.Value, errNotJSON)
		}
		if err := text(out, child.Value); err != nil {
			return err
		}
	}
	out.WriteString(closing)
	return nil
}

func text(out *bytes.Buffer, s string) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return fmt.Errorf("json.Encoder.Encode: %w", err)
	}
	out.Truncate(out.Len() - 1) // the end of the line
	return nil
}
