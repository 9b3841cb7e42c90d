package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"gatehouse.example/tools/internal/runner/history"
	"gatehouse.example/tools/pipeline"
)

// call is one action that is about to run.
type call struct {
	execution *execution
	action    pipeline.Action
	stage     string
	// settings are the action's configuration with the variables replaced.
	settings map[string]string
}

// outcome is the result of an action.
type outcome struct {
	note      string
	simulated []string
	// outputs are the action's variables. artifacts are the keys of its output
	// artifacts in the bucket, by name.
	outputs, artifacts map[string]string
}

// actionFunc runs one type of action.
type actionFunc func(call, context.Context) (outcome, error)

// actionTypes are the supported action types.
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

// act runs one action.
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
