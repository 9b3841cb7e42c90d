// Package runner executes a deployed pipeline on this machine, in CodePipeline's
// place: its stages, actions, artifacts, variables, approvals and rollbacks, with
// the roles that the definition names.
//
// It exists so that a pipeline is tried before it is trusted: a wrong artifact
// name, a parameter that the template lacks, a permission that a role lacks or a
// variable that nobody puts out fails here, as it would on AWS. It does what these
// pipelines need and refuses the rest by name. What it plays in AWS's place it
// says, under the word `simulated`.
package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/google/uuid"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/runner/access"
	"gatehouse.example/tools/internal/runner/artifact"
	"gatehouse.example/tools/internal/runner/deployed"
	"gatehouse.example/tools/internal/runner/history"
	"gatehouse.example/tools/internal/runner/source"
	"gatehouse.example/tools/internal/runner/timeline"
	"gatehouse.example/tools/internal/runner/variable"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/stacks"
)

// Runner runs pipelines of one local system.
type Runner struct {
	Account   access.Account
	Workspace stacks.Workspace
	// System is the emulator's start.
	System string
	Out    io.Writer
	Board  *terminal.Board
	// Ask answers an approval.
	Ask func(ctx context.Context, question string) (bool, error)
	// does are the known action types, unless a test has its own.
	does map[string]doer
}

// Options of one execution.
type Options struct {
	// Mode overrides the stack's parameter of that name.
	Mode string
	// Source is a clone; Commit of it, or empty for its working tree.
	Source, Commit string
	// Variables are the pipeline's own.
	Variables map[string]string
}

// StackOf is the stack of a service's pipeline.
func StackOf(service string) string { return "gatehouse-tools-" + service }

// execution is one at work.
type execution struct {
	*Runner
	history.Execution
	definition pipeline.Definition
	options    Options
	past       history.Store
	store      artifact.Store
}

// Run executes the pipeline of a service. The error says what failed; the
// timeline, too, is written before it returns.
func (r *Runner) Run(ctx context.Context, service string, o Options) error {
	d, err := r.Read(ctx, service, o.Mode)
	if err != nil {
		return err
	}
	own, err := pipelineVariables(d, o.Variables)
	if err != nil {
		return err
	}
	past := r.Past(d.Pipeline.Name)
	unlock, err := r.queue(ctx, d.Pipeline.Name, past)
	if err != nil {
		return err
	}
	defer unlock()
	e := &execution{Runner: r, definition: d, options: o, past: past, Execution: history.Execution{
		ID: uuid.NewString(), Pipeline: d.Pipeline.Name, Structure: d.Structure, Instance: r.System,
		Started: time.Now(), Status: history.InProgress, Artifacts: map[string]string{},
	}}
	e.Variables = variable.Values{variable.Pipeline: own, variable.Execution: {"PipelineExecutionId": e.ID}}
	e.store = artifact.Store{Bucket: d.Pipeline.ArtifactStore.Location, Key: d.Pipeline.ArtifactStore.EncryptionKey.ID, Pipeline: d.Pipeline.Name}
	return e.all(ctx)
}

// Read is the deployed definition of a service's pipeline.
func (r *Runner) Read(ctx context.Context, service, mode string) (pipeline.Definition, error) {
	stack, err := deployed.Stack(ctx, r.Account, StackOf(service))
	if errors.Is(err, deployed.ErrNone) {
		return pipeline.Definition{}, fmt.Errorf("the pipeline of %s is not deployed here; 'gatehouse pipeline up' deploys all of them", service)
	}
	if err != nil {
		return pipeline.Definition{}, err
	}
	override := map[string]string{}
	if mode != "" {
		override["Mode"] = mode
	}
	d, err := pipeline.Read(ctx, stack, override)
	if err != nil {
		return pipeline.Definition{}, fmt.Errorf("%s cannot be executed: %w", StackOf(service), err)
	}
	return d, nil
}

// Past is what a pipeline has done.
func (r *Runner) Past(pipeline string) history.Store {
	return history.Store{Dir: filepath.Join(r.Workspace.Dir, "pipeline", pipeline)}
}

// queue lets one execution of a pipeline run at a time, as QUEUED does.
func (r *Runner) queue(ctx context.Context, name string, past history.Store) (func(), error) {
	lock := filepath.Join(past.Dir, "lock")
	unlock, err := files.TryLock(lock)
	if errors.Is(err, files.ErrLocked) {
		r.Board.Print(name + " is running already; this execution waits in its queue")
		unlock, err = files.Lock(ctx, lock)
	}
	if err != nil {
		return nil, fmt.Errorf("files.Lock: %w", err)
	}
	return unlock, nil
}

// pipelineVariables are the defaults with the given ones over them.
func pipelineVariables(d pipeline.Definition, given map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for _, v := range d.Pipeline.Variables {
		out[v.Name] = v.DefaultValue
	}
	for name, value := range given {
		if _, ok := out[name]; !ok {
			return nil, fmt.Errorf("the pipeline %s has no variable %s", d.Pipeline.Name, name)
		}
		out[name] = value
	}
	for name, value := range out {
		if !regexp.MustCompile(`^[A-Za-z0-9@_-]+$`).MatchString(value) {
			return nil, fmt.Errorf("the variable %s cannot be %q: CodePipeline takes letters, digits, @, - and _", name, value)
		}
	}
	return out, nil
}

// all runs the stages one after another.
func (e *execution) all(ctx context.Context) error {
	for _, s := range e.definition.Pipeline.Stages {
		e.Stages = append(e.Stages, history.Stage{Name: s.Name})
	}
	e.Board.Print(fmt.Sprintf("%s, execution %s, version %.8s of the pipeline", e.Pipeline, e.Short(), e.Structure))
	var failed error
	var back *execution
	var backErr error
	for i, s := range e.definition.Pipeline.Stages {
		if failed = e.stage(ctx, s, &e.Stages[i]); failed == nil {
			continue
		}
		if s.OnFailure.Result == "ROLLBACK" && ctx.Err() == nil {
			back, backErr = e.rollback(ctx, s)
		}
		break
	}
	e.Status = ending(ctx, failed)
	saveErr := e.past.Save(e.Execution)
	timeline.Print(e.Out, e.Execution)
	if back != nil {
		timeline.Print(e.Out, back.Execution)
	}
	return errors.Join(failed, backErr, saveErr)
}

// ending is the status of what ended with an error or without.
func ending(ctx context.Context, err error) history.Status {
	switch {
	case err == nil:
		return history.Succeeded
	case ctx.Err() != nil:
		return history.Stopped
	}
	return history.Failed
}

// rollback runs the failed stage with what an earlier execution had in it.
func (e *execution) rollback(ctx context.Context, s pipeline.Stage) (*execution, error) {
	// Saved first: the target is looked for among those before.
	if err := e.past.Save(e.Execution); err != nil {
		return nil, err
	}
	target, err := e.past.Target(e.Execution, s.Name)
	if err != nil {
		e.Board.Print(fmt.Sprintf("%s cannot be rolled back: %v. As on AWS, what was deployed stays", s.Name, err))
		return nil, fmt.Errorf("%s was not rolled back: %w", s.Name, err)
	}
	e.Board.Print(fmt.Sprintf("%s failed and is rolled back to execution %s (%s)", s.Name, target.Short(), target.Source))
	back := &execution{Runner: e.Runner, definition: e.definition, options: e.options, past: e.past, store: e.store, Execution: history.Execution{
		ID: uuid.NewString(), Pipeline: e.Pipeline, Structure: e.Structure, Instance: e.Instance, Started: time.Now(),
		Status: history.InProgress, Rollback: target.ID, Source: target.Source, Stages: []history.Stage{{Name: s.Name}},
		Variables: maps.Clone(target.Variables), Artifacts: maps.Clone(target.Artifacts),
	}}
	err = back.stage(ctx, s, &back.Stages[0])
	back.Status = ending(ctx, err)
	if saveErr := back.past.Save(back.Execution); saveErr != nil {
		return back, saveErr
	}
	if err != nil {
		return back, fmt.Errorf("the rollback failed, too: %w", err)
	}
	return back, fmt.Errorf("%s was rolled back to execution %s (%s)", s.Name, target.Short(), target.Source)
}

// logs is a file for what an action says.
func (e *execution) logs(stage, action string) (*os.File, error) {
	dir := e.past.Folder(e.Execution)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("os.MkdirAll: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, stage+"-"+action+".log"))
	if err != nil {
		return nil, fmt.Errorf("os.Create: %w", err)
	}
	return f, nil
}

// repository is where the source action looks.
func (e *execution) repository() source.Repository {
	return source.Repository{Dir: e.options.Source}
}
