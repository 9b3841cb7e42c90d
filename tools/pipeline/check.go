package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

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
			errs = append(errs, fmt.Errorf("%s: the pipeline's stack has no project %s", where, project))
		}
		if len(a.InputArtifacts) != 1 || len(a.OutputArtifacts) > 1 {
			errs = append(errs, fmt.Errorf("%s: a build must have one input artifact and at most one output artifact", where))
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
