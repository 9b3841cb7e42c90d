package teardown

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// retained returns the types of the resources, by logical id, that stay when the
// stack of the template is deleted.
func retained(template []byte) (map[string]string, error) {
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
