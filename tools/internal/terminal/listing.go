package terminal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
)

// Listing is what a command lists: a table for people, or one JSON object per line for
// programs.
type Listing struct {
	// Header has the names of the table's columns.
	Header []string
	Lines  []Line
	// Empty is what people read if there are no lines.
	Empty string
}

// Line is one row of a listing.
type Line struct {
	// Cells are those of the table. An empty one is printed as a dash.
	Cells []string
	// Fields are those of the JSON object.
	Fields map[string]any
	// Optional are fields that the object lacks if they are empty.
	Optional map[string]string
}

// Print writes the listing. In a table it replaces control characters.
func (l Listing) Print(out io.Writer, asJSON bool) error {
	if asJSON {
		return l.json(out)
	}
	if len(l.Lines) == 0 {
		if _, err := fmt.Fprintln(out, l.Empty); err != nil {
			return fmt.Errorf("fmt.Fprintln: %w", err)
		}
		return nil
	}
	rows := [][]string{l.Header}
	for _, line := range l.Lines {
		var cells []string
		for _, c := range line.Cells {
			cells = append(cells, Printable(cmp.Or(c, "-")))
		}
		rows = append(rows, cells)
	}
	return Table(out, rows...)
}

func (l Listing) json(out io.Writer) error {
	enc := json.NewEncoder(JSON(out))
	for _, line := range l.Lines {
		fields := maps.Clone(line.Fields)
		for name, value := range line.Optional {
			if value != "" {
				fields[name] = value
			}
		}
		if err := enc.Encode(fields); err != nil {
			return fmt.Errorf("json.Encode: %w", err)
		}
	}
	return nil
}
