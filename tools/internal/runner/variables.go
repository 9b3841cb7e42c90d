// Package variable puts values into the settings of an action: #{NAMESPACE.KEY},
// as CodePipeline does. One that nobody has put out is an error here as there.
package variable

import (
	"fmt"
	"regexp"
)

// Values are the known ones, by namespace and key.
type Values map[string]map[string]string

// Pipeline and Execution are the namespaces that no action owns.
const (
	Pipeline  = "variables"
	Execution = "codepipeline"
)

// Put returns text with all variables replaced.
func (v Values) Put(text string) (string, error) {
	var failed error
	out := regexp.MustCompile(`#\{([^}]*)\}`).ReplaceAllStringFunc(text, func(m string) string {
		parts := regexp.MustCompile(`^([A-Za-z0-9@_-]+)\.([A-Za-z0-9@_-]+)$`).FindStringSubmatch(m[2 : len(m)-1])
		if parts == nil {
			failed = fmt.Errorf("%s is not #{NAMESPACE.NAME}", m)
			return m
		}
		value, ok := v[parts[1]][parts[2]]
		if !ok && failed == nil {
			failed = fmt.Errorf("the variable %s has no value: %s", m, v.known(parts[1]))
		}
		return value
	})
	return out, failed
}

// All puts variables into each value of a configuration.
func (v Values) All(configuration map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for key, text := range configuration {
		got, err := v.Put(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out[key] = got
	}
	return out, nil
}

func (v Values) known(space string) string {
	if v[space] == nil {
		return fmt.Sprintf("no action so far has the namespace %q", space)
	}
	return fmt.Sprintf("the namespace %q does not hold it", space)
}
