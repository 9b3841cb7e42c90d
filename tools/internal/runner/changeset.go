package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The limits of CodePipeline and CloudFormation.
const (
	overridesLimit = 1024
	templateLimit  = 51200
)

// inputArtifacts are the input artifacts of an action, by name.
type inputArtifacts map[string][]byte

// file reads ARTIFACT::path.
func (a inputArtifacts) file(path string) ([]byte, error) {
	name, file, ok := strings.Cut(path, "::")
	zip, found := a[name]
	if !ok || !found {
		return nil, fmt.Errorf("%q is not a file of an input artifact", path)
	}
	raw, err := fileIn(zip, file)
	if err != nil {
		return nil, fmt.Errorf("%s: the artifact %s: %w", path, name, err)
	}
	return raw, nil
}

// ChangeSet is what a change set is made from.
type ChangeSet struct {
	Template     string
	Parameters   map[string]string
	Tags         map[string]string
	Policy       string
	Capabilities []string
	Role         string
}

// readChangeSet reads the change set that an action's settings describe.
func readChangeSet(settings map[string]string, in inputArtifacts) (ChangeSet, error) {
	template, err := in.file(settings["TemplatePath"])
	if err != nil {
		return ChangeSet{}, fmt.Errorf("TemplatePath: %w", err)
	}
	if len(template) > templateLimit {
		return ChangeSet{}, fmt.Errorf("TemplatePath: %d bytes exceed CloudFormation's limit of %d", len(template), templateLimit)
	}
	p := ChangeSet{Template: string(template), Role: settings["RoleArn"], Parameters: map[string]string{}}
	if c := settings["Capabilities"]; c != "" {
		p.Capabilities = strings.Split(c, ",")
	}
	if p.Role == "" {
		return ChangeSet{}, errors.New("RoleArn is missing: CHANGE_SET_REPLACE needs the role for CloudFormation")
	}
	if path := settings["TemplateConfiguration"]; path != "" {
		if err := p.configure(path, in); err != nil {
			return ChangeSet{}, fmt.Errorf("TemplateConfiguration: %w", err)
		}
	}
	if text := settings["ParameterOverrides"]; text != "" {
		over, err := overrides(text)
		if err != nil {
			return ChangeSet{}, fmt.Errorf("ParameterOverrides: %w", err)
		}
		maps.Copy(p.Parameters, over)
	}
	return p, nil
}

func (p *ChangeSet) configure(path string, in inputArtifacts) error {
	raw, err := in.file(path)
	if err != nil {
		return err
	}
	var c struct {
		Parameters, Tags map[string]string
		StackPolicy      json.RawMessage
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return fmt.Errorf("%s: json.Decoder.Decode: %w", path, err)
	}
	maps.Copy(p.Parameters, c.Parameters)
	p.Tags, p.Policy = c.Tags, string(c.StackPolicy)
	return nil
}

// overrides supports plain values only: these pipelines do not use Fn::GetParam.
func overrides(text string) (map[string]string, error) {
	if len(text) > overridesLimit {
		return nil, fmt.Errorf("%d bytes exceed CodePipeline's limit of %d", len(text), overridesLimit)
	}
	var values map[string]any
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return nil, fmt.Errorf("json.Unmarshal: %w", err)
	}
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value, ok := values[name].(string)
		if !ok {
			return nil, fmt.Errorf("%s: %v is not supported; use a string", name, values[name])
		}
		out[name] = value
	}
	return out, nil
}
