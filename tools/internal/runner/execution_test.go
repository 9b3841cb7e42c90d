package runner

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/runner/history"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/pipeline"
)

const (
	sourceType = pipeline.Source
	deployType = pipeline.CloudFormation
)

// act returns an action.
func act(name, typ string, order int, configuration map[string]string) pipeline.Action {
	parts := strings.Split(typ, "/")
	return pipeline.Action{
		Name: name, RunOrder: order, Namespace: "Of" + name, Configuration: configuration,
		ActionTypeID: pipeline.ActionType{Category: parts[0], Owner: parts[1], Provider: parts[2], Version: parts[3]},
	}
}

// fake records the actions and fails the given ones.
type fake struct {
	mu   sync.Mutex
	did  []string
	fail map[string]bool
}

func (f *fake) do(c call, _ context.Context) (outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.did = append(f.did, c.stage+"/"+c.action.Name+"="+c.settings["Value"]+c.execution.record.Artifacts["Zip"])
	if f.fail[c.stage+"/"+c.action.Name] {
		return outcome{}, errors.New("planned")
	}
	out := outcome{outputs: map[string]string{"Key": c.action.Name + "s"}}
	if c.stage == "Source" {
		out.artifacts = map[string]string{"Zip": "@" + c.execution.record.ID}
	}
	return out, nil
}

// execute runs a pipeline of two stages; its history is in dir.
func execute(t *testing.T, f *fake, dir, id, structure string) (*execution, error) {
	t.Helper()
	d := pipeline.Definition{Structure: structure, Pipeline: pipeline.Pipeline{Name: "p", Stages: []pipeline.Stage{
		{Name: "Source", Actions: []pipeline.Action{act("Source", sourceType, 1, nil)}},
		{Name: "Deploy", Actions: []pipeline.Action{
			act("A", deployType, 1, map[string]string{"Value": "#{OfSource.Key}"}),
			act("B", deployType, 1, map[string]string{"Value": "#{variables.WAY}"}),
			act("C", deployType, 2, map[string]string{"Value": "#{OfA.Key}"}),
		}},
	}}}
	d.Pipeline.Stages[1].OnFailure.Result = "ROLLBACK"
	board := terminal.NewBoard(os.Stderr)
	t.Cleanup(board.Close)
	e := &execution{
		runner:     &Runner{Out: &strings.Builder{}, Board: board, actions: map[string]actionFunc{sourceType: f.do, deployType: f.do}},
		definition: d, past: history.Store{Dir: dir},
		record: history.Execution{
			ID: id, Pipeline: "p", Structure: structure, Started: time.Now(), Artifacts: map[string]string{},
			Variables: variables{pipelineNamespace: {"WAY": "slow"}},
		},
	}
	err := e.run(t.Context())
	// Actions with the same run order are recorded in any order.
	slices.Sort(f.did)
	return e, err
}

func TestStagesVariablesAndArtifacts(t *testing.T) {
	t.Parallel()
	f := &fake{}
	e, err := execute(t, f, t.TempDir(), "one", "v1")
	if err != nil || e.record.Status != history.Succeeded {
		t.Fatalf("%v, %s", err, e.record.Status)
	}
	want := []string{"Deploy/A=Sources@one", "Deploy/B=slow@one", "Deploy/C=As@one", "Source/Source="}
	if diff := cmp.Diff(want, f.did); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
}

// A failed stage is run again with the artifacts and variables of the last
// execution that succeeded in it.
func TestRollback(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := execute(t, &fake{}, dir, "good", "v1"); err != nil {
		t.Fatal(err)
	}
	f := &fake{fail: map[string]bool{"Deploy/C": true}}
	_, err := execute(t, f, dir, "bad", "v1")
	if err == nil || !strings.Contains(err.Error(), "the rollback also failed") { // it fails in the rollback as well
		t.Errorf("got %v", err)
	}
	want := []string{"Deploy/A=Sources@bad", "Deploy/A=Sources@good", "Deploy/B=slow@bad", "Deploy/B=slow@good", "Deploy/C=As@bad", "Deploy/C=As@good", "Source/Source="}
	if diff := cmp.Diff(want, f.did); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	// A stage does not roll back to another version of the pipeline.
	if _, err := execute(t, &fake{fail: f.fail}, dir, "changed", "v2"); !errors.Is(err, history.ErrNoTarget) {
		t.Errorf("got %v", err)
	}
	// The source stage has no rollback.
	if _, err := execute(t, &fake{fail: map[string]bool{"Source/Source": true}}, dir, "none", "v1"); err == nil || strings.Contains(err.Error(), "roll") {
		t.Errorf("got %v", err)
	}
}

// Later actions do not run after a failure, even in the same stage.
func TestFailureStops(t *testing.T) {
	t.Parallel()
	f := &fake{fail: map[string]bool{"Deploy/A": true}}
	e, err := execute(t, f, t.TempDir(), "one", "v1")
	if err == nil || e.record.Status != history.Failed {
		t.Errorf("%v, %s", err, e.record.Status)
	}
	if slices.ContainsFunc(f.did, func(s string) bool { return strings.HasPrefix(s, "Deploy/C") }) {
		t.Errorf("did %v", f.did)
	}
}

func TestPipelineVariables(t *testing.T) {
	t.Parallel()
	d := pipeline.Definition{Pipeline: pipeline.Pipeline{Name: "p", Variables: []pipeline.Variable{{Name: "WAY", DefaultValue: "slow"}}}}
	for name, tc := range map[string]struct {
		given map[string]string
		want  map[string]string
		err   string
	}{
		"default":   {nil, map[string]string{"WAY": "slow"}, ""},
		"given":     {map[string]string{"WAY": "AllAtOnce"}, map[string]string{"WAY": "AllAtOnce"}, ""},
		"unknown":   {map[string]string{"WEG": "x"}, nil, "has no variable WEG"},
		"forbidden": {map[string]string{"WAY": "a/b"}, nil, "CodePipeline accepts letters"},
	} {
		got, err := pipelineVariables(d, tc.given)
		if tc.err == "" && (err != nil || !maps.Equal(got, tc.want)) || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
