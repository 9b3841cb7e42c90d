package accountrecords_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/services/user-events/internal/accountrecords"
)

// shown is the table of the README: a line for what becomes of operations in the same way.
func shown() string {
	var out strings.Builder
	out.WriteString("\n| operations | become | how it is known |\n|---|---|---|\n")
	var line string
	var operations []string
	flush := func() {
		if len(operations) > 0 {
			fmt.Fprintf(&out, "| %s | %s |\n", strings.Join(operations, ", "), line)
		}
		operations = nil
	}
	for _, row := range accountrecords.Rows() {
		becomes := "ignored: " + row.Why
		if row.Why == "" {
			becomes = "`" + strings.TrimPrefix(row.Type, "gatehouse.") + "`"
		}
		if row.Change != "" {
			becomes += ", `" + row.Change + "`"
		}
		if next := becomes + " | " + string(row.From); next != line {
			flush()
			line = next
		}
		operations = append(operations, "`"+row.Operation+"`")
	}
	flush()
	return out.String() + "\n"
}

// The README has the table.
func TestReadme(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "README.md")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- operations: written by UPDATE=operations go test ./internal/accountrecords -run TestReadme -->\n", "<!-- end of operations -->"
	before, rest, found := strings.Cut(string(raw), begin)
	table, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no %s", file, begin)
	}
	if os.Getenv("UPDATE") == "operations" {
		if err := os.WriteFile(file, []byte(before+begin+shown()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(shown(), table); diff != "" {
		t.Errorf("%s is not the table (-table +README):\n%s", file, diff)
	}
}
