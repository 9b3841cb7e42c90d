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

// call is one action about to run.
type call struct {
	*execution
	pipeline.Action
	stage string
	// settings are its configuration with the variables put in.
	settings map[string]string
}

// outcome is what an action leaves.
type outcome struct {
	note      string
	simulated []string
	// outputs are its variables, artifacts the keys of what it made.
	outputs, artifacts map[string]string
}

// doer does one type of action.
type doer func(call, context.Context) (outcome, error)

// doers are the action types that are known, each with who does it.
func doers() map[string]doer {
	return map[string]doer{
		pipeline.Source: call.source, pipeline.Build: call.build, pipeline.Test: call.build,
		pipeline.CloudFormation: call.cloudFormation, pipeline.Approval: call.approve,
	}
}

// stage runs the actions: those of one run order side by side, the next after them.
func (e *execution) stage(ctx context.Context, s pipeline.Stage, told *history.Stage) error {
	told.Status = history.InProgress
	told.Actions = make([]history.Action, 0, len(s.Actions))
	var failed error
	for at := 0; at < len(s.Actions) && failed == nil; {
		group := s.Actions[at:]
		for i, a := range group {
			if a.RunOrder != group[0].RunOrder {
				group = group[:i]
				break
			}
		}
		failed = e.group(ctx, s.Name, group, told)
		at += len(group)
	}
	told.Status = ending(ctx, failed)
	return errors.Join(failed, e.past.Save(e.Execution))
}

func (e *execution) group(ctx context.Context, stage string, actions []pipeline.Action, told *history.Stage) error {
	done := make([]history.Action, len(actions))
	outcomes := make([]outcome, len(actions))
	errs := make([]error, len(actions))
	var working sync.WaitGroup
	for i, a := range actions {
		working.Go(func() { done[i], outcomes[i], errs[i] = e.act(ctx, stage, a) })
	}
	working.Wait()
	for i, a := range actions {
		told.Actions = append(told.Actions, done[i])
		maps.Copy(e.Artifacts, outcomes[i].artifacts)
		if a.Namespace != "" && errs[i] == nil {
			e.Variables[a.Namespace] = outcomes[i].outputs
		}
	}
	return errors.Join(errs...)
}

// act runs one action.
func (e *execution) act(ctx context.Context, stage string, a pipeline.Action) (history.Action, outcome, error) {
	task := e.Board.Start(stage+"/"+a.Name, "running")
	told := history.Action{Name: a.Name, Started: time.Now()}
	var out outcome
	settings, err := e.Variables.All(a.Configuration)
	if err == nil {
		does := e.does
		if does == nil {
			does = doers()
		}
		out, err = does[a.ActionTypeID.String()](call{execution: e, Action: a, stage: stage, settings: settings}, ctx)
	}
	told.Took, told.Status = time.Since(told.Started), ending(ctx, err)
	told.Note, told.Simulated = out.note, out.simulated
	if err != nil {
		told.Error = err.Error()
		first, _, _ := strings.Cut(told.Error, "\n")
		task.Fail("failed: " + first)
		return told, out, fmt.Errorf("%s/%s failed", stage, a.Name) // the timeline says why
	}
	task.Done("succeeded: " + out.note)
	for _, text := range out.simulated {
		e.Board.Print("  simulated: " + text)
	}
	return told, out, nil
}
