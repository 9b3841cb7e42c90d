// Package history stores the executions of pipelines, finds the one that a stage
// rolls back to, and prints them.
package history

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"gatehouse.example/tools/internal/files"
)

// Status is the status of an execution, a stage or an action.
type Status string

// The statuses, as CodePipeline names them. Stopped means interrupted.
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
	// Structure is the version of the pipeline. Instance identifies the start of
	// the emulator, which loses the artifacts when it stops.
	Structure, Instance string
	Started             time.Time
	Status              Status
	// Rollback is the id of the execution that this one rolls back to.
	Rollback string `json:",omitempty"`
	Source   string
	// Variables are the values by namespace and name. Artifacts are keys in the
	// artifact bucket, by name.
	Variables map[string]map[string]string
	Artifacts map[string]string
	Stages    []Stage
}

// Stage is the result of a stage.
type Stage struct {
	Name    string
	Status  Status
	Actions []Action
}

// Action is the result of an action.
type Action struct {
	Name    string
	Started time.Time
	Took    time.Duration
	Status  Status
	Note    string
	// Simulated describes what did not happen as on AWS.
	Simulated []string `json:",omitempty"`
	Error     string   `json:",omitempty"`
}

// Short returns the beginning of the id.
func (e Execution) Short() string { return e.ID[:min(8, len(e.ID))] }

// Store is the folder of one pipeline.
type Store struct{ Dir string }

// Folder returns the folder of an execution, which also holds its logs.
func (s Store) Folder(e Execution) string {
	return filepath.Join(s.Dir, e.Started.UTC().Format("20060102T150405.000")+"-"+e.Short())
}

// Save writes the current state of an execution.
func (s Store) Save(e Execution) error {
	return files.WriteJSON(filepath.Join(s.Folder(e), "execution.json"), e)
}

// All returns the executions, newest first.
func (s Store) All() ([]Execution, error) {
	paths, err := filepath.Glob(filepath.Join(s.Dir, "*", "execution.json"))
	if err != nil {
		return nil, fmt.Errorf("filepath.Glob: %w", err)
	}
	slices.Sort(paths)
	var all []Execution
	for _, file := range slices.Backward(paths) {
		var e Execution
		if err := files.ReadJSON(file, &e); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// ErrNoTarget means that a stage cannot be rolled back.
var ErrNoTarget = errors.New("no execution of this version of the pipeline, other than rollbacks, has succeeded in the stage before")

// Target returns the execution that a failed execution's stage rolls back to. By
// CodePipeline's rules this is the last one that succeeded in the stage, has the
// same version of the pipeline and is not a rollback.
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

// Print writes the timeline of an execution, action by action.
func Print(w io.Writer, e Execution) {
	title := fmt.Sprintf("%s, execution %s", e.Pipeline, e.Short())
	if e.Rollback != "" {
		title += ", a rollback to execution " + e.Rollback[:min(8, len(e.Rollback))]
	}
	fmt.Fprintf(w, "\n%s: %s\n  from %s, version %.8s of the pipeline\n\n", title, e.Status, e.Source, e.Structure)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  STAGE\tACTION\tSTART\tTOOK\tRESULT\tNOTE")
	for _, s := range e.Stages {
		if len(s.Actions) == 0 {
			fmt.Fprintf(table, "  %s\t\t\t\tnot reached\t\n", s.Name)
		}
		for _, a := range s.Actions {
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\n", s.Name, a.Name, a.Started.Local().Format("15:04:05"),
				a.Took.Round(100*time.Millisecond), strings.ToLower(string(a.Status)), a.Note)
		}
	}
	_ = table.Flush() // an output that was closed must not stop a pipeline
	var simulated strings.Builder
	for _, s := range e.Stages {
		for _, a := range s.Actions {
			if a.Error != "" {
				fmt.Fprintf(w, "\n  failed     %s/%s: %s\n", s.Name, a.Name, strings.ReplaceAll(a.Error, "\n", "\n             "))
			}
			for _, text := range a.Simulated {
				fmt.Fprintf(&simulated, "  simulated  %s/%s: %s\n", s.Name, a.Name, text)
			}
		}
	}
	if simulated.Len() > 0 {
		fmt.Fprint(w, "\n", simulated.String())
	}
}
