package history

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

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
