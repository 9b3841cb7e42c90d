package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"gatehouse.example/tools/internal/runner/history"
	"gatehouse.example/tools/pipeline"
)

// execution is one run of a pipeline, or the rollback of one of its stages.
type execution struct {
	runner     *Runner
	definition pipeline.Definition
	options    Options
	past       history.Store
	artifacts  artifactStore
	// record is what the history keeps of this execution.
	record history.Execution
}

func (e *execution) run(ctx context.Context) error {
	for _, s := range e.definition.Pipeline.Stages {
		e.record.Stages = append(e.record.Stages, history.Stage{Name: s.Name})
	}
	e.print("%s, execution %s, version %.8s of the pipeline", e.record.Pipeline, e.record.Short(), e.record.Structure)
	var failed, backErr error
	var back *execution
	for i, s := range e.definition.Pipeline.Stages {
		if failed = e.stage(ctx, s, &e.record.Stages[i]); failed == nil {
			continue
		}
		if s.OnFailure.Result == "ROLLBACK" && ctx.Err() == nil {
			back, backErr = e.rollback(ctx, s)
		}
		break
	}
	e.record.Status = statusOf(ctx, failed)
	saveErr := e.past.Save(e.record)
	history.Print(e.runner.Out, e.record)
	if back != nil {
		history.Print(e.runner.Out, back.record)
	}
	return errors.Join(failed, backErr, saveErr)
}

// statusOf is the status of what ended with err.
func statusOf(ctx context.Context, err error) history.Status {
	switch {
	case err == nil:
		return history.Succeeded
	case ctx.Err() != nil:
		return history.Stopped
	}
	return history.Failed
}

// rollback runs the failed stage with the artifacts and variables of the last
// execution that succeeded in it.
func (e *execution) rollback(ctx context.Context, s pipeline.Stage) (*execution, error) {
	// Target looks for executions before this one, so this one must be saved.
	if err := e.past.Save(e.record); err != nil {
		return nil, err
	}
	target, err := e.past.Target(e.record, s.Name)
	if err != nil {
		e.print("%s cannot be rolled back: %v. What was deployed stays, as on AWS", s.Name, err)
		return nil, fmt.Errorf("%s was not rolled back: %w", s.Name, err)
	}
	e.print("%s failed and is rolled back to execution %s (%s)", s.Name, target.Short(), target.Source)
	back := &execution{
		runner: e.runner, definition: e.definition, options: e.options, past: e.past, artifacts: e.artifacts,
		record: history.Execution{
			ID: uuid.NewString(), Pipeline: e.record.Pipeline, Structure: e.record.Structure, Instance: e.record.Instance,
			Started: time.Now(), Status: history.InProgress, Rollback: target.ID, Source: target.Source,
			Stages: []history.Stage{{Name: s.Name}}, Variables: maps.Clone(target.Variables), Artifacts: maps.Clone(target.Artifacts),
		},
	}
	err = back.stage(ctx, s, &back.record.Stages[0])
	back.record.Status = statusOf(ctx, err)
	if saveErr := back.past.Save(back.record); saveErr != nil {
		return back, saveErr
	}
	if err != nil {
		return back, fmt.Errorf("the rollback also failed: %w", err)
	}
	return back, fmt.Errorf("%s was rolled back to execution %s (%s)", s.Name, target.Short(), target.Source)
}

func (e *execution) print(format string, args ...any) {
	e.runner.Board.Print(fmt.Sprintf(format, args...))
}

func (e *execution) log(stage, action string) (*os.File, error) {
	dir := e.past.Folder(e.record)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("os.MkdirAll: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, stage+"-"+action+".log"))
	if err != nil {
		return nil, fmt.Errorf("os.Create: %w", err)
	}
	return f, nil
}

// call is one action that is about to run.
type call struct {
	execution *execution
	action    pipeline.Action
	stage     string
	// settings are the action's configuration with the variables replaced.
	settings map[string]string
}

type outcome struct {
	note      string
	simulated []string
	// outputs are the action's variables. artifacts are the keys of its output
	// artifacts in the bucket, by name.
	outputs, artifacts map[string]string
}

type actionFunc func(call, context.Context) (outcome, error)

var actionTypes = map[string]actionFunc{
	pipeline.Source: call.source, pipeline.Build: call.build, pipeline.Test: call.build,
	pipeline.CloudFormation: call.deploy, pipeline.Approval: call.approve,
}

// stage runs the actions in their run order. Actions with the same run order run
// at the same time.
func (e *execution) stage(ctx context.Context, s pipeline.Stage, record *history.Stage) error {
	record.Status = history.InProgress
	record.Actions = make([]history.Action, 0, len(s.Actions))
	var failed error
	for at := 0; at < len(s.Actions) && failed == nil; {
		group := s.Actions[at:]
		for i, a := range group {
			if a.RunOrder != group[0].RunOrder {
				group = group[:i]
				break
			}
		}
		failed = e.group(ctx, s.Name, group, record)
		at += len(group)
	}
	record.Status = statusOf(ctx, failed)
	return errors.Join(failed, e.past.Save(e.record))
}

func (e *execution) group(ctx context.Context, stage string, actions []pipeline.Action, record *history.Stage) error {
	records := make([]history.Action, len(actions))
	outcomes := make([]outcome, len(actions))
	errs := make([]error, len(actions))
	var running sync.WaitGroup
	for i, a := range actions {
		running.Go(func() { records[i], outcomes[i], errs[i] = e.act(ctx, stage, a) })
	}
	running.Wait()
	for i, a := range actions {
		record.Actions = append(record.Actions, records[i])
		maps.Copy(e.record.Artifacts, outcomes[i].artifacts)
		if a.Namespace != "" && errs[i] == nil {
			e.record.Variables[a.Namespace] = outcomes[i].outputs
		}
	}
	return errors.Join(errs...)
}

func (e *execution) act(ctx context.Context, stage string, a pipeline.Action) (history.Action, outcome, error) {
	task := e.runner.Board.Start(stage+"/"+a.Name, "running")
	record := history.Action{Name: a.Name, Started: time.Now()}
	var out outcome
	settings, err := variables(e.record.Variables).replaceAll(a.Configuration)
	if err == nil {
		run := e.runner.actions
		if run == nil {
			run = actionTypes
		}
		out, err = run[a.ActionTypeID.String()](call{execution: e, action: a, stage: stage, settings: settings}, ctx)
	}
	record.Took, record.Status = time.Since(record.Started), statusOf(ctx, err)
	record.Note, record.Simulated = out.note, out.simulated
	if err != nil {
		record.Error = err.Error()
		first, _, _ := strings.Cut(record.Error, "\n")
		task.Fail("failed: " + first)
		return record, out, fmt.Errorf("%s/%s failed", stage, a.Name) // the timeline has the reason
	}
	task.Done("succeeded: " + out.note)
	for _, text := range out.simulated {
		e.print("  simulated: %s", text)
	}
	return record, out, nil
}
