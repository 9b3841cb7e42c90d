package access

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Registry are the permissions that CloudFormation needs, by resource type and handler.
// AWS writes them into the schemas of its registry, and cfn-lint carries these, so a
// role for CloudFormation need not be guessed. The schemas cover every use of a type;
// exceptions.txt lists the part that Gatehouse does not use, and why.
type Registry map[string]map[string][]string

// Read reads the schemas of some types that cfn-lint brought into a virtualenv. A
// type whose schema has no handlers needs nothing that AWS would say.
func Read(venv string, types []string) (Registry, error) {
	found, err := filepath.Glob(filepath.Join(venv, "lib", "python3*", "site-packages", "cfnlint", "data", "schemas"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("registry: %d folders of schemas in %s; run `make tools` first: %w", len(found), venv, err)
	}
	// The files are named after their content.
	var files map[string]string
	if err := load(filepath.Join(found[0], "providers", "us-east-1.json"), &files); err != nil {
		return nil, err
	}
	out := Registry{}
	for _, name := range types {
		var schema struct {
			Handlers map[string]struct{ Permissions []string }
		}
		if err := load(filepath.Join(found[0], "resources", files[name]+".json"), &schema); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = map[string][]string{}
		for on, handler := range schema.Handlers {
			out[name][on] = handler.Permissions
		}
	}
	return out, nil
}

func load(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("os.ReadFile: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("json.Unmarshal %s: %w", path, err)
	}
	return nil
}

// Needs says for each action, in lower case, which types need it. Listing is left
// out: CloudFormation lists resources for drift and import only.
func (r Registry) Needs(types []string) map[string][]string {
	needs := map[string][]string{}
	for _, name := range types {
		for _, handler := range slices.Sorted(maps.Keys(r[name])) {
			if handler == "list" {
				continue
			}
			for _, action := range r[name][handler] {
				action = strings.ToLower(action)
				if !slices.Contains(needs[action], name) {
					needs[action] = append(needs[action], name)
				}
			}
		}
	}
	return needs
}
