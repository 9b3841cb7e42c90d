package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"gatehouse.example/tools/internal/terminal"
)

// printTable writes rows for people.
func printTable(out io.Writer, rows []row) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(out, "no rows; rows appear within seconds, --day and --user widen the search")
		return err
	}
	table := [][]string{{"TIME", "TYPE", "USER", "CLIENT", "WHAT"}}
	for _, r := range rows {
		cells := []string{seconds(r.time), short(r.typ), r.sub, r.client, what(r)}
		for i, c := range cells {
			cells[i] = terminal.Printable(cmp.Or(c, "-"))
		}
		table = append(table, cells)
	}
	return terminal.Table(out, table...)
}

// printJSON writes rows for programs.
func printJSON(out io.Writer, rows []row) error {
	enc := json.NewEncoder(out)
	for _, r := range rows {
		line := map[string]any{"id": r.id, "type": r.typ, "time": r.time, "pool": r.pool, "receivedAt": r.receivedAt}
		for name, v := range map[string]string{"client": r.client, "sub": r.sub} {
			if v != "" {
				line[name] = v
			}
		}
		if r.synthetic {
			line["synthetic"] = true
		}
		if json.Valid([]byte(r.data)) {
			line["data"] = json.RawMessage(r.data)
		}
		if err := enc.Encode(line); err != nil {
			return fmt.Errorf("json.Encode: %w", err)
		}
	}
	return nil
}

// seconds leaves out the fraction of a time.
func seconds(stamp string) string {
	t, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return stamp
	}
	return t.UTC().Format(time.RFC3339)
}

// short leaves out the prefix and the version of a type.
func short(typ string) string {
	typ = strings.TrimPrefix(typ, prefix)
	if i := strings.LastIndex(typ, ".v"); i > 0 && strings.Trim(typ[i+2:], "0123456789") == "" {
		return typ[:i]
	}
	return typ
}

// what returns the data as name=value, or unchanged if it is not an object. A mark
// before it means a synthetic user.
func what(r row) string {
	var words []string
	if r.synthetic {
		words = append(words, "synthetic")
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(r.data), &fields) != nil {
		return strings.TrimSpace(strings.Join(append(words, r.data), " "))
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		words = append(words, name+"="+strings.Trim(string(fields[name]), `"`))
	}
	return strings.Join(words, " ")
}
