// Package change plays the CloudFormation action: it makes and executes the
// change sets of a stack, with the rights of the roles that the pipeline names.
package change

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatehouse.example/tools/internal/runner/artifact"
)

// The limits of CodePipeline and CloudFormation.
const (
	overridesLimit = 1024
	templateLimit  = 51200
)

// Artifacts are the input artifacts of an action by their names.
type Artifacts map[string][]byte

// file reads ARTIFACT::path.
func (a Artifacts) file(path string) ([]byte, error) {
	name, file, ok := strings.Cut(path, "::")
	zip, there := a[name]
	if !ok || !there {
		return nil, fmt.Errorf("%q names no file of an input artifact", path)
	}
	raw, err := artifact.File(zip, file)
	if err != nil {
		return nil, fmt.Errorf("%s: the artifact %s: %w", path, name, err)
	}
	return raw, nil
}

// Plan is what a change set is made from.
type Plan struct {
	Template     string
	Parameters   map[string]string
	Tags         map[string]string
	Policy       string
	Capabilities []string
	Role         string
}

// configuration is the file that an action names as TemplateConfiguration.
type configuration struct {
	Parameters, Tags map[string]string
	StackPolicy      json.RawMessage
}

// Read puts an action's settings and its artifacts' files together.
func Read(settings map[string]string, in Artifacts) (Plan, error) {
	template, err := in.file(settings["TemplatePath"])
	if err != nil {
		return Plan{}, fmt.Errorf("TemplatePath: %w", err)
	}
	if len(template) > templateLimit {
		return Plan{}, fmt.Errorf("TemplatePath: %d bytes are more than the %d of CloudFormation", len(template), templateLimit)
	}
	p := Plan{Template: string(template), Role: settings["RoleArn"], Parameters: map[string]string{}}
	if c := settings["Capabilities"]; c != "" {
		p.Capabilities = strings.Split(c, ",")
	}
	if p.Role == "" {
		return Plan{}, errors.New("RoleArn is missing: CHANGE_SET_REPLACE needs the role that CloudFormation takes")
	}
	if path := settings["TemplateConfiguration"]; path != "" {
		if err := p.configure(path, in); err != nil {
			return Plan{}, fmt.Errorf("TemplateConfiguration: %w", err)
		}
	}
	if text := settings["ParameterOverrides"]; text != "" {
		over, err := overrides(text)
		if err != nil {
			return Plan{}, fmt.Errorf("ParameterOverrides: %w", err)
		}
		maps.Copy(p.Parameters, over)
	}
	return p, nil
}

func (p *Plan) configure(path string, in Artifacts) error {
	raw, err := in.file(path)
	if err != nil {
		return err
	}
	var c configuration
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return fmt.Errorf("%s: json.Decoder.Decode: %w", path, err)
	}
	maps.Copy(p.Parameters, c.Parameters)
	p.Tags, p.Policy = c.Tags, string(c.StackPolicy)
	return nil
}

// overrides takes values alone: no pipeline here uses Fn::GetParam.
func overrides(text string) (map[string]string, error) {
	if len(text) > overridesLimit {
		return nil, fmt.Errorf("%d bytes are more than CodePipeline's %d", len(text), overridesLimit)
	}
	var values map[string]any
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return nil, fmt.Errorf("json.Unmarshal: %w", err)
	}
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value, ok := values[name].(string)
		if !ok {
			return nil, fmt.Errorf("%s: %v is not known here; a value is a string", name, values[name])
		}
		out[name] = value
	}
	return out, nil
}
