// Package runner executes a deployed pipeline on this machine, as CodePipeline,
// CodeBuild and CloudFormation's action would: its stages, actions, artifacts,
// variables, approvals and rollbacks, with the roles that the definition names.
//
// It exists to find mistakes before AWS does: a wrong artifact name, a parameter
// that a template does not declare, a missing permission, a variable without a
// value. It supports what these pipelines use and refuses the rest by name.
// Whatever it simulates is marked as simulated in the timeline.
package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/uuid"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/runner/history"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/stacks"
)

// Runner runs pipelines of one local system.
type Runner struct {
	Account   Account
	Workspace stacks.Workspace
	// System identifies the start of the emulator.
	System string
	Out    io.Writer
	Board  *terminal.Board
	// Ask answers an approval.
	Ask func(ctx context.Context, question string) (bool, error)
	// actions run the action types. Tests replace them.
	actions map[string]actionFunc
}

// Options of one execution.
type Options struct {
	// Mode overrides the stack's parameter of that name.
	Mode string
	// Source is a clone. Commit is a commit of it, or empty for its working tree.
	Source, Commit string
	// Variables override the defaults of the pipeline's variables.
	Variables map[string]string
}

// StackOf returns the name of the stack of a service's pipeline.
func StackOf(service string) string { return "gatehouse-tools-" + service }

// Checks is the stack of checks.yaml, whose projects every service's pipeline starts.
const Checks = "checks"

// Run executes the pipeline of a service. It writes the timeline before it
// returns. The error names the actions that failed.
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
	id := uuid.NewString()
	e := &execution{
		runner: r, definition: d, options: o, past: past,
		artifacts: artifactStore{bucket: d.Pipeline.ArtifactStore.Location, keyID: d.Pipeline.ArtifactStore.EncryptionKey.ID, pipeline: d.Pipeline.Name},
		record: history.Execution{
			ID: id, Pipeline: d.Pipeline.Name, Structure: d.Structure, Instance: r.System,
			Started: time.Now(), Status: history.InProgress, Artifacts: map[string]string{},
			Variables: variables{pipelineNamespace: own, executionNamespace: {"PipelineExecutionId": id}},
		},
	}
	return e.run(ctx)
}

// Read returns the deployed definition of a service's pipeline.
func (r *Runner) Read(ctx context.Context, service, mode string) (pipeline.Definition, error) {
	stack, err := deployedStack(ctx, r.Account, service)
	if err != nil {
		return pipeline.Definition{}, err
	}
	override := map[string]string{}
	if mode != "" {
		override["Mode"] = mode
	}
	checks, err := deployedStack(ctx, r.Account, Checks)
	if err != nil {
		return pipeline.Definition{}, err
	}
	d, err := pipeline.Read(ctx, stack, override, checks)
	if err != nil {
		return pipeline.Definition{}, fmt.Errorf("%s cannot be executed: %w", StackOf(service), err)
	}
	return d, nil
}

// Past returns the executions of a pipeline.
func (r *Runner) Past(name string) history.Store {
	return history.Store{Dir: filepath.Join(r.Workspace.Dir, "pipeline", name)}
}

// queue waits until no other execution of the pipeline is running, as the
// execution mode QUEUED does.
func (r *Runner) queue(ctx context.Context, name string, past history.Store) (func(), error) {
	lock := filepath.Join(past.Dir, "lock")
	unlock, err := files.TryLock(lock)
	if errors.Is(err, files.ErrLocked) {
		r.Board.Print(name + " is already running; this execution waits in its queue")
		unlock, err = files.Lock(ctx, lock)
	}
	if err != nil {
		return nil, fmt.Errorf("files.Lock: %w", err)
	}
	return unlock, nil
}

// variableValue is what CodePipeline accepts as the value of a pipeline's variable.
var variableValue = regexp.MustCompile(`^[A-Za-z0-9@_-]+$`)

// pipelineVariables returns the given values and the defaults of the others.
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
		if !variableValue.MatchString(value) {
			return nil, fmt.Errorf("the variable %s cannot be %q: CodePipeline accepts letters, digits, @, - and _", name, value)
		}
	}
	return out, nil
}

// variables are the values that #{NAMESPACE.NAME} refers to, by namespace and name.
type variables map[string]map[string]string

// The namespaces that do not belong to an action.
const (
	pipelineNamespace  = "variables"
	executionNamespace = "codepipeline"
)

var (
	variableReference = regexp.MustCompile(`#\{([^}]*)\}`)
	variableName      = regexp.MustCompile(`^([A-Za-z0-9@_-]+)\.([A-Za-z0-9@_-]+)$`)
)

// replace replaces all variables in a text. A variable without a value is an
// error, as on AWS.
func (v variables) replace(text string) (string, error) {
	var failed error
	out := variableReference.ReplaceAllStringFunc(text, func(m string) string {
		parts := variableName.FindStringSubmatch(m[2 : len(m)-1])
		if parts == nil {
			failed = fmt.Errorf("%s is not #{NAMESPACE.NAME}", m)
			return m
		}
		value, ok := v[parts[1]][parts[2]]
		if !ok && failed == nil {
			failed = fmt.Errorf("the variable %s has no value: %s", m, v.missing(parts[1]))
		}
		return value
	})
	return out, failed
}

func (v variables) replaceAll(configuration map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for key, text := range configuration {
		got, err := v.replace(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out[key] = got
	}
	return out, nil
}

func (v variables) missing(namespace string) string {
	if v[namespace] == nil {
		return fmt.Sprintf("no earlier action has the namespace %q", namespace)
	}
	return fmt.Sprintf("the namespace %q does not contain it", namespace)
}

// approvalTimeout is CodePipeline's default.
const approvalTimeout = 7 * 24 * time.Hour

// approve publishes to the action's topic, if it has one, and asks for approval.
func (c call) approve(ctx context.Context) (outcome, error) {
	if topic := c.settings["NotificationArn"]; topic != "" {
		if err := c.notify(ctx, topic); err != nil {
			return outcome{}, err
		}
	}
	limit := approvalTimeout
	if c.action.TimeoutInMinutes > 0 {
		limit = time.Duration(c.action.TimeoutInMinutes) * time.Minute
	}
	ctx, stop := context.WithTimeoutCause(ctx, limit, errors.New("nobody answered in time"))
	defer stop()
	yes, err := c.execution.runner.Ask(ctx, c.settings["CustomData"])
	if err != nil {
		return outcome{}, err
	}
	if !yes {
		return outcome{}, errors.New("rejected")
	}
	return outcome{note: "approved"}, nil
}

func (c call) notify(ctx context.Context, topic string) error {
	as, err := c.pipelineRole(ctx)
	if err != nil {
		return err
	}
	message, err := json.Marshal(map[string]any{"approval": map[string]string{
		"pipelineName": c.execution.record.Pipeline, "stageName": c.stage, "actionName": c.action.Name,
		"customData": c.settings["CustomData"], "externalEntityLink": c.settings["ExternalEntityLink"],
	}})
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	if _, err := sns.NewFromConfig(as).Publish(ctx, &sns.PublishInput{TopicArn: &topic, Message: aws.String(string(message))}); err != nil {
		return fmt.Errorf("sns.Publish: %w", err)
	}
	return nil
}
