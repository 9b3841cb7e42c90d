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
// They come from the schemas of AWS's registry, which cfn-lint contains, so nobody has
// to guess what a role for CloudFormation needs. The schemas cover every use of a type;
// exceptions.txt lists the part that Gatehouse does not use, and why.
type Registry map[string]map[string][]string

// schema is the part of a type's schema that says how CloudFormation works with it.
type schema struct {
	Handlers map[string]struct{ Permissions []string }
	Tagging  struct{ CloudFormationSystemTags bool }
}

// readSchemas reads the schemas of some types from cfn-lint in a virtualenv.
func readSchemas(venv string, types []string) (map[string]schema, error) {
	found, err := filepath.Glob(filepath.Join(venv, "lib", "python3*", "site-packages", "cfnlint", "data", "schemas"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("registry: %d folders of schemas in %s; run `make tools` first: %w", len(found), venv, err)
	}
	// The file names are hashes of the contents.
	var files map[string]string
	if err := load(filepath.Join(found[0], "providers", "us-east-1.json"), &files); err != nil {
		return nil, err
	}
	out := map[string]schema{}
	for _, name := range types {
		var one schema
		if err := load(filepath.Join(found[0], "resources", files[name]+".json"), &one); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = one
	}
	return out, nil
}

// Read reads the permissions of some types. For a type whose schema has no handlers,
// they are unknown.
func Read(venv string, types []string) (Registry, error) {
	schemas, err := readSchemas(venv, types)
	if err != nil {
		return nil, err
	}
	out := Registry{}
	for name, one := range schemas {
		out[name] = map[string][]string{}
		for on, handler := range one.Handlers {
			out[name][on] = handler.Permissions
		}
	}
	return out, nil
}

// SystemTags returns the types to which CloudFormation gives its own tags.
func SystemTags(venv string, types []string) (map[string]bool, error) {
	schemas, err := readSchemas(venv, types)
	out := map[string]bool{}
	for name, one := range schemas {
		out[name] = one.Tagging.CloudFormationSystemTags
	}
	return out, err
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

// Needs returns, for each action in lower case, the types that need it. It omits the
// list handlers: CloudFormation lists resources only for drift detection and import.
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
