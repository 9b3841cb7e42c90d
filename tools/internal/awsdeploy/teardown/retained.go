// Package retained reads from a template which resources stay when its stack is
// deleted.
package retained

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// In returns the types of the resources that a template keeps, by logical id.
func In(template []byte) (map[string]string, error) {
	var doc struct {
		Resources map[string]struct {
			Type           string    `yaml:"Type"`
			DeletionPolicy yaml.Node `yaml:"DeletionPolicy"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(template, &doc); err != nil {
		return nil, fmt.Errorf("yaml.Unmarshal: %w", err)
	}
	kept := map[string]string{}
	for id, r := range doc.Resources {
		if strings.HasPrefix(r.DeletionPolicy.Value, "Retain") { // or RetainExceptOnCreate
			kept[id] = r.Type
		}
	}
	return kept, nil
}

// InFolder reads a stack's template and those that it nests.
func InFolder(dir string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("filepath.Glob: %w", err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("os.ReadFile: %w", err)
		}
		kept, err := In(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		maps.Copy(all, kept)
	}
	return all, nil
}
