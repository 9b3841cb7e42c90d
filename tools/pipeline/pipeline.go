// Package pipeline reads a deployed pipeline: the template that CloudFormation
// holds, with the parameters and resources of its stack filled in. It also
// answers which pipelines a push starts.
//
// The tool runs what it reads here, and the rules check the same. So both see
// the definition that AWS runs, not a copy of it. The package supports what
// these pipelines use. It refuses every other field or function by name,
// because a field that is ignored would be a promise that nobody checks.
package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatehouse.example/tools/template"
)

const (
	pipelineType = "AWS::CodePipeline::Pipeline"
	projectType  = "AWS::CodeBuild::Project"
	reportType   = "AWS::CodeBuild::ReportGroup"
)

// Stack is a deployed stack.
type Stack struct {
	Template string
	// Parameters are those of the stack and the pseudo parameters such as AWS::Region.
	Parameters map[string]string
	Resolver   template.Resolver
}

// Definition is one pipeline with the resources that its stack makes for it.
type Definition struct {
	Pipeline Pipeline
	// Projects are the CodeBuild projects of the stacks, by name.
	Projects map[string]Project
	// ReportGroups are the names of the report groups of the stacks.
	ReportGroups []string
	// Structure is a hash of the pipeline. A stage only rolls back to an execution
	// with the same structure.
	Structure string
}

// Read evaluates the pipeline of a stack as AWS would: with OnAws true, and with
// override in place of the stack's own parameters. The other stacks have projects that
// the pipeline starts.
func Read(ctx context.Context, s Stack, override map[string]string, others ...Stack) (Definition, error) {
	d := Definition{Projects: map[string]Project{}}
	if err := d.addStack(ctx, s, override); err != nil {
		return Definition{}, err
	}
	if d.Pipeline.Name == "" {
		return Definition{}, errors.New("the stack's template has no pipeline")
	}
	for _, other := range others {
		if err := d.addStack(ctx, other, nil); err != nil {
			return Definition{}, err
		}
	}
	return d, d.check()
}

// addStack adds the pipeline, the projects and the report groups of a stack.
func (d *Definition) addStack(ctx context.Context, s Stack, override map[string]string) error {
	t, err := template.Parse("the stack's template", []byte(s.Template))
	if err != nil {
		return err
	}
	in, err := evaluator(s, t, override)
	if err != nil {
		return err
	}
	resources := t.Resources("")
	slices.SortFunc(resources, func(a, b template.Resource) int { return strings.Compare(a.ID, b.ID) })
	for _, r := range resources {
		if err := d.add(ctx, in, r); err != nil {
			return fmt.Errorf("%s: %w", r.ID, err)
		}
	}
	return nil
}

func evaluator(s Stack, t *template.Template, override map[string]string) (*template.Evaluator, error) {
	declared := map[string]template.Parameter{}
	for _, p := range t.Parameters() {
		declared[p.Name] = p
	}
	given := maps.Clone(s.Parameters)
	if _, ok := declared["OnAws"]; ok {
		given["OnAws"] = "true"
	}
	for name, value := range override {
		if _, ok := declared[name]; !ok {
			return nil, fmt.Errorf("the stack's template has no parameter %s", name)
		}
		given[name] = value
	}
	for name, value := range given {
		if allowed := declared[name].Allowed; allowed != nil && !slices.Contains(allowed, value) {
			return nil, fmt.Errorf("%s cannot be %q; the allowed values are %v", name, value, allowed)
		}
	}
	return t.Evaluator(given, s.Resolver), nil
}

// add adds a resource if it is the pipeline, a project or a report group.
func (d *Definition) add(ctx context.Context, in *template.Evaluator, r template.Resource) error {
	if r.Type != pipelineType && r.Type != projectType && r.Type != reportType {
		return nil
	}
	if name := template.Text(template.Get(r.Node, "Condition")); name != "" {
		if made, err := in.Holds(ctx, name); err != nil || !made {
			return err
		}
	}
	if r.Type == reportType {
		name, err := in.Value(ctx, r.Prop("Name"))
		d.ReportGroups = append(d.ReportGroups, fmt.Sprint(name))
		return err
	}
	properties, err := in.Value(ctx, r.Prop())
	if err != nil {
		return err
	}
	raw, err := json.Marshal(asText(properties))
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	if r.Type == projectType {
		var p Project
		err = strict(raw, &p)
		d.Projects[p.Name] = p
	} else {
		sum := sha256.Sum256(raw) // encoding/json sorts the keys of maps
		d.Structure = hex.EncodeToString(sum[:])
		err = strict(raw, &d.Pipeline)
	}
	if err != nil {
		return fmt.Errorf("not supported: %w", err)
	}
	return nil
}

// strict decodes JSON and refuses unknown fields.
func strict(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// asText converts all scalars to strings: CloudFormation does not distinguish
// true from "true", or 1 from a parameter with the value 1.
func asText(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			v[key] = asText(member)
		}
		return v
	case []any:
		for i, member := range v {
			v[i] = asText(member)
		}
		return v
	}
	return fmt.Sprint(v)
}

// check returns what CodePipeline would refuse when the pipeline is created.
func (d Definition) check() error {
	p := d.Pipeline
	var errs []error
	if p.PipelineType != "V2" {
		errs = append(errs, fmt.Errorf("PipelineType %q is not supported; use V2", p.PipelineType))
	}
	if p.ExecutionMode != "QUEUED" {
		errs = append(errs, fmt.Errorf("ExecutionMode %q is not supported; use QUEUED, which keeps commits in order and allows a stage to roll back", p.ExecutionMode))
	}
	if p.RestartExecutionOnUpdate {
		errs = append(errs, errors.New("RestartExecutionOnUpdate is not supported"))
	}
	if len(p.Stages) < 2 {
		errs = append(errs, errors.New("a pipeline must have at least two stages"))
	}
	made := map[string]string{}   // artifact -> the action that makes it
	spaces := map[string]string{} // namespace -> its action
	for i, s := range p.Stages {
		if r := s.OnFailure.Result; r != "" && r != "ROLLBACK" {
			errs = append(errs, fmt.Errorf("stage %s: OnFailure %q is not supported; use ROLLBACK", s.Name, r))
		}
		if s.OnFailure.Result != "" && i == 0 {
			errs = append(errs, fmt.Errorf("stage %s: the source stage cannot be rolled back", s.Name))
		}
		for _, a := range s.Actions {
			where := s.Name + "/" + a.Name
			if (a.ActionTypeID.String() == Source) != (i == 0) {
				errs = append(errs, fmt.Errorf("%s: source actions belong in the first stage, and only source actions", where))
			}
			errs = append(errs, d.checkAction(a, where, made, spaces))
		}
		for _, a := range s.Actions { // when all artifacts of the stage are known
			if space := a.Namespace; space != "" && made[space] != "" {
				errs = append(errs, fmt.Errorf("%s/%s: the namespace %s is also the name of an artifact", s.Name, a.Name, space))
			}
		}
	}
	return errors.Join(errs...)
}

func (d Definition) checkAction(a Action, where string, made, spaces map[string]string) error {
	var errs []error
	for _, name := range artifactNames(a.InputArtifacts) {
		if made[name] == "" {
			errs = append(errs, fmt.Errorf("%s: no earlier action makes the artifact %s", where, name))
		}
	}
	for _, name := range artifactNames(a.OutputArtifacts) {
		if by := made[name]; by != "" {
			errs = append(errs, fmt.Errorf("%s: the artifact %s is already made by %s", where, name, by))
		}
		made[name] = where
	}
	if a.Namespace != "" {
		if by := spaces[a.Namespace]; by != "" {
			errs = append(errs, fmt.Errorf("%s: the namespace %s is already used by %s", where, a.Namespace, by))
		}
		spaces[a.Namespace] = where
	}
	if a.TimeoutInMinutes != 0 && a.ActionTypeID.String() != Approval {
		errs = append(errs, fmt.Errorf("%s: only an approval can have TimeoutInMinutes", where))
	}
	switch a.ActionTypeID.String() {
	case CloudFormation:
		errs = append(errs, checkPaths(a, where))
	case Build, Test:
		if project := a.Configuration["ProjectName"]; d.Projects[project].Name == "" {
			errs = append(errs, fmt.Errorf("%s: no stack of the pipeline has a project %s", where, project))
		}
		if len(a.InputArtifacts) == 0 || len(a.OutputArtifacts) > 1 {
			errs = append(errs, fmt.Errorf("%s: a build must have an input artifact and at most one output artifact", where))
		}
		if !slices.Contains(artifactNames(a.InputArtifacts), a.PrimarySource()) {
			errs = append(errs, fmt.Errorf("%s: PrimarySource %q is not one of its inputs %v", where, a.PrimarySource(), artifactNames(a.InputArtifacts)))
		}
	case Source:
		if len(a.OutputArtifacts) != 1 || len(a.InputArtifacts) != 0 {
			errs = append(errs, fmt.Errorf("%s: a source must have one output artifact and no input artifact", where))
		}
	}
	return errors.Join(errs...)
}

// checkPaths checks that each ARTIFACT::file is in an input artifact.
func checkPaths(a Action, where string) error {
	for _, key := range []string{"TemplatePath", "TemplateConfiguration"} {
		path := a.Configuration[key]
		if path == "" {
			continue
		}
		name, file, ok := strings.Cut(path, "::")
		if !ok || file == "" {
			return fmt.Errorf("%s: %s %q is not ARTIFACT::file", where, key, path)
		}
		if !slices.Contains(artifactNames(a.InputArtifacts), name) {
			return fmt.Errorf("%s: %s names the artifact %s, which is not one of its inputs %v", where, key, name, artifactNames(a.InputArtifacts))
		}
	}
	return nil
}
