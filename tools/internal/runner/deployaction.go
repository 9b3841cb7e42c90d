package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/sam"
)

// deploy makes or executes a change set.
func (c call) deploy(ctx context.Context) (outcome, error) {
	as, err := c.pipelineRole(ctx)
	if err != nil {
		return outcome{}, err
	}
	role := c.execution.definition.Pipeline.RoleArn
	if c.action.RoleArn != "" {
		if as, err = assume(ctx, as, c.action.RoleArn, &sts.AssumeRoleInput{RoleSessionName: &c.execution.record.Pipeline}); err != nil {
			return outcome{}, fmt.Errorf("the pipeline's role cannot assume the role %s: %w", c.action.RoleArn, err)
		}
		role = c.action.RoleArn
	}
	stack := Stack{
		Client: cloudformation.NewFromConfig(as), Root: cloudformation.NewFromConfig(c.execution.runner.Account.Config),
		Name: c.settings["StackName"], SetName: c.settings["ChangeSetName"],
	}
	switch mode := c.settings["ActionMode"]; mode {
	case "CHANGE_SET_REPLACE":
		return c.replace(ctx, stack, as, role)
	case "CHANGE_SET_EXECUTE":
		outputs, executed, err := stack.Execute(ctx)
		note := "nothing to change"
		if executed {
			note = "changed"
		}
		return outcome{note: note, outputs: outputs}, err
	default:
		return outcome{}, fmt.Errorf("ActionMode %q is not supported", mode)
	}
}

// replace makes the change set with as, the credentials of the role.
func (c call) replace(ctx context.Context, stack Stack, as aws.Config, role string) (outcome, error) {
	in, err := c.inputs(ctx, as)
	if err != nil {
		return outcome{}, err
	}
	set, err := readChangeSet(c.settings, in)
	if err != nil {
		return outcome{}, err
	}
	if err := c.checkPassRole(ctx, stack.Name, role, set.Role); err != nil {
		return outcome{}, err
	}
	declared, err := pipeline.Declared(set.Template)
	if err != nil {
		return outcome{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(set.Parameters)) {
		if !slices.Contains(declared, name) {
			return outcome{}, fmt.Errorf("the template of %s has no parameter %s", stack.Name, name)
		}
	}
	onAWS := maps.Clone(set.Parameters)
	var out outcome
	endpoint := aws.ToString(c.execution.runner.Account.Config.BaseEndpoint)
	if replaced := Override(endpoint, set.Parameters, declared); len(replaced) > 0 {
		out.simulated = append(out.simulated, "parameters for the emulator: "+strings.Join(replaced, ", "))
	}
	changes, err := stack.Replace(ctx, set)
	if err != nil {
		return out, err
	}
	out.note = summary(changes)
	rollouts, err := pipeline.Rollouts(ctx, set.Template, onAWS)
	if err != nil {
		return out, err
	}
	for _, r := range rollouts {
		if publishesVersion(changes, r.Function) {
			out.simulated = append(out.simulated, r.String())
		}
	}
	return out, nil
}

// checkPassRole checks that a role may be passed to CloudFormation and trusts it,
// because the emulator changes stacks without that role.
func (c call) checkPassRole(ctx context.Context, stack, by, role string) error {
	account := c.execution.runner.Account
	pass := request{role: by, resource: role, actions: []string{"iam:PassRole"}, context: map[string]string{"iam:PassedToService": cloudFormation}}
	if err := account.check(ctx, pass); err != nil {
		return err
	}
	_, err := account.asService(ctx, cloudFormation, account.arn("cloudformation", "stack/"+stack+"/"+c.execution.record.ID), role)
	return err
}

// Override replaces the declared parameters for which the emulator needs other values,
// and returns those.
func Override(endpoint string, parameters map[string]string, declared []string) []string {
	var replaced []string
	needed := sam.EmulatorParameters(endpoint, parameters["Environment"])
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		if slices.Contains(declared, name) && parameters[name] != needed[name] {
			parameters[name] = needed[name]
			replaced = append(replaced, name+"="+needed[name])
		}
	}
	return replaced
}

func summary(changes []types.Change) string {
	if len(changes) == 0 {
		return "no changes"
	}
	by := map[types.ChangeAction]int{}
	for _, c := range changes {
		if c.ResourceChange != nil {
			by[c.ResourceChange.Action]++
		}
	}
	return fmt.Sprintf("%d to add, %d to change, %d to remove", by[types.ChangeActionAdd], by[types.ChangeActionModify]+by[types.ChangeActionDynamic], by[types.ChangeActionRemove])
}

// publishesVersion reports whether a function gets a new version. SAM names the
// version after the function.
func publishesVersion(changes []types.Change, function string) bool {
	return slices.ContainsFunc(changes, func(c types.Change) bool {
		r := c.ResourceChange
		return r != nil && aws.ToString(r.ResourceType) == "AWS::Lambda::Version" && strings.HasPrefix(aws.ToString(r.LogicalResourceId), function+"Version")
	})
}

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
