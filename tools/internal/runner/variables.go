package runner

import (
	"fmt"
	"regexp"
)

// variables are the values that #{NAMESPACE.NAME} refers to, by namespace and name.
type variables map[string]map[string]string

// The namespaces that do not belong to an action.
const (
	pipelineNamespace  = "variables"
	executionNamespace = "codepipeline"
)

var (
	variableReference = regexp.MustCompile(`#\{([^}]*)\}`)
	variableName      = regexp.MustCompile(`^([A-Za-z0-9@_-]+)\.([A-Za-z0-9@_-]+)$`)
)

// replace replaces all variables in a text. A variable without a value is an
// error, as on AWS.
func (v variables) replace(text string) (string, error) {
	var failed error
	out := variableReference.ReplaceAllStringFunc(text, func(m string) string {
		parts := variableName.FindStringSubmatch(m[2 : len(m)-1])
		if parts == nil {
			failed = fmt.Errorf("%s is not #{NAMESPACE.NAME}", m)
			return m
		}
		value, ok := v[parts[1]][parts[2]]
		if !ok && failed == nil {
			failed = fmt.Errorf("the variable %s has no value: %s", m, v.missing(parts[1]))
		}
		return value
	})
	return out, failed
}

// replaceAll replaces the variables in each value of a configuration.
func (v variables) replaceAll(configuration map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for key, text := range configuration {
		got, err := v.replace(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out[key] = got
	}
	return out, nil
}

func (v variables) missing(namespace string) string {
	if v[namespace] == nil {
		return fmt.Sprintf("no earlier action has the namespace %q", namespace)
	}
	return fmt.Sprintf("the namespace %q does not contain it", namespace)
}
