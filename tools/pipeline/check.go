package definition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// check refuses what CodePipeline refuses before anything runs.
func (d Definition) check() error {
	p := d.Pipeline
	var errs []error
	if p.PipelineType != "V2" {
		errs = append(errs, fmt.Errorf("PipelineType %q is not known here; it is V2", p.PipelineType))
	}
	if p.ExecutionMode != "QUEUED" {
		errs = append(errs, fmt.Errorf("ExecutionMode %q is not known here; it is QUEUED, which keeps every commit in order and lets a stage roll back", p.ExecutionMode))
	}
	if p.RestartExecutionOnUpdate {
		errs = append(errs, errors.New("RestartExecutionOnUpdate is not known here"))
	}
	if len(p.Stages) < 2 {
		errs = append(errs, errors.New("a pipeline has two stages or more"))
	}
	made := map[string]string{} // artifact -> the action that makes it
	spaces := map[string]string{}
	for i, s := range p.Stages {
		if r := s.OnFailure.Result; r != "" && r != "ROLLBACK" {
			errs = append(errs, fmt.Errorf("stage %s: OnFailure %q is not known here; it is ROLLBACK", s.Name, r))
		}
		if s.OnFailure.Result != "" && i == 0 {
			errs = append(errs, fmt.Errorf("stage %s: the source stage cannot be rolled back", s.Name))
		}
		for _, a := range s.Actions {
			where := s.Name + "/" + a.Name
			if (a.ActionTypeID.String() == Source) != (i == 0) {
				errs = append(errs, fmt.Errorf("%s: sources stand in the first stage, and nothing else does", where))
			}
			errs = append(errs, d.checkAction(a, where, made, spaces))
		}
		for _, a := range s.Actions { // only now: actions of one stage see what a lower run order made
			if space := a.Namespace; space != "" && made[space] != "" {
				errs = append(errs, fmt.Errorf("%s/%s: the namespace %s is an artifact's name, too", s.Name, a.Name, space))
			}
		}
	}
	return errors.Join(errs...)
}

func (d Definition) checkAction(a Action, where string, made, spaces map[string]string) error {
	var errs []error
	for _, name := range names(a.InputArtifacts) {
		if made[name] == "" {
			errs = append(errs, fmt.Errorf("%s: no action before it makes the artifact %s", where, name))
		}
	}
	for _, name := range names(a.OutputArtifacts) {
		if by := made[name]; by != "" {
			errs = append(errs, fmt.Errorf("%s: the artifact %s is made by %s already", where, name, by))
		}
		made[name] = where
	}
	if a.Namespace != "" {
		if by := spaces[a.Namespace]; by != "" {
			errs = append(errs, fmt.Errorf("%s: the namespace %s is that of %s already", where, a.Namespace, by))
		}
		spaces[a.Namespace] = where
	}
	if a.TimeoutInMinutes != 0 && a.ActionTypeID.String() != Approval {
		errs = append(errs, fmt.Errorf("%s: TimeoutInMinutes is an approval's", where))
	}
	switch a.ActionTypeID.String() {
	case CloudFormation:
		errs = append(errs, checkPaths(a, where))
	case Build, Test:
		if project := a.Configuration["ProjectName"]; d.Projects[project].Name == "" {
			errs = append(errs, fmt.Errorf("%s: there is no project %s in the pipeline's stack", where, project))
		}
		if len(a.InputArtifacts) != 1 || len(a.OutputArtifacts) > 1 {
			errs = append(errs, fmt.Errorf("%s: a build takes one artifact and makes one or none here", where))
		}
	case Source:
		if len(a.OutputArtifacts) != 1 || len(a.InputArtifacts) != 0 {
			errs = append(errs, fmt.Errorf("%s: a source makes one artifact", where))
		}
	}
	return errors.Join(errs...)
}

// checkPaths wants each ARTIFACT::file to be of an input artifact.
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
		if !slices.Contains(names(a.InputArtifacts), name) {
			return fmt.Errorf("%s: %s names the artifact %s, which is not among its inputs %v", where, key, name, names(a.InputArtifacts))
		}
	}
	return nil
}
