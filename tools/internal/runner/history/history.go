// Package history remembers what pipelines did: which execution has succeeded in
// which stage, with what. A rollback lives on it.
package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/runner/variable"
)

// Status is how something stands.
type Status string

// The statuses, as CodePipeline names them; Stopped is what was interrupted.
const (
	InProgress Status = "InProgress"
	Succeeded  Status = "Succeeded"
	Failed     Status = "Failed"
	Stopped    Status = "Stopped"
)

// Execution is one run of a pipeline.
type Execution struct {
	ID       string
	Pipeline string
	// Structure is the version of the pipeline, Instance the emulator's start:
	// artifacts of an earlier one are gone.
	Structure, Instance string
	Started             time.Time
	Status              Status
	// Rollback names the execution that this one goes back to.
	Rollback string `json:",omitempty"`
	Source   string
	// Variables are by namespace, Artifacts the keys in the bucket by their names.
	Variables variable.Values
	Artifacts map[string]string
	Stages    []Stage
}

// Stage is what became of a stage.
type Stage struct {
	Name    string
	Status  Status
	Actions []Action
}

// Action is what became of an action.
type Action struct {
	Name    string
	Started time.Time
	Took    time.Duration
	Status  Status
	Note    string
	// Simulated is what was done in AWS's place.
	Simulated []string `json:",omitempty"`
	Error     string   `json:",omitempty"`
}

// Short is the part of an id that people read.
func (e Execution) Short() string { return e.ID[:min(8, len(e.ID))] }

// Store is one pipeline's folder.
type Store struct{ Dir string }

// Folder of an execution, for its logs too.
func (s Store) Folder(e Execution) string {
	return filepath.Join(s.Dir, e.Started.UTC().Format("20060102T150405.000")+"-"+e.Short())
}

// Save writes an execution as it stands now.
func (s Store) Save(e Execution) error {
	raw, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("json.MarshalIndent: %w", err)
	}
	if err := files.Replace(filepath.Join(s.Folder(e), "execution.json"), append(raw, '\n')); err != nil {
		return fmt.Errorf("files.Replace: %w", err)
	}
	return nil
}

// All are the executions, the newest first.
func (s Store) All() ([]Execution, error) {
	files, err := filepath.Glob(filepath.Join(s.Dir, "*", "execution.json"))
	if err != nil {
		return nil, fmt.Errorf("filepath.Glob: %w", err)
	}
	slices.Sort(files)
	var all []Execution
	for _, file := range slices.Backward(files) {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("os.ReadFile: %w", err)
		}
		var e Execution
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("%s: json.Unmarshal: %w", file, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// ErrNoTarget says that a stage cannot be rolled back, and why.
var ErrNoTarget = errors.New("no execution of this version of the pipeline, that was no rollback itself, has succeeded in the stage before")

// Target is the execution that a failed one's stage goes back to, by
// CodePipeline's rules: the last that succeeded in the stage, of the same version
// of the pipeline, and no rollback itself.
func (s Store) Target(failed Execution, stage string) (Execution, error) {
	all, err := s.All()
	if err != nil {
		return Execution{}, err
	}
	older := false
	for _, e := range all {
		before := older
		older = older || e.ID == failed.ID
		if !before || e.Structure != failed.Structure || e.Instance != failed.Instance || e.Rollback != "" {
			continue
		}
		if slices.ContainsFunc(e.Stages, func(st Stage) bool { return st.Name == stage && st.Status == Succeeded }) {
			return e, nil
		}
	}
	return Execution{}, ErrNoTarget
}
