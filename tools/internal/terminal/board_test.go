package terminal

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPlainLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := newBoard(&out, false)
	now := time.Unix(0, 0)
	b.now = func() time.Time { return now }
	guard, events := b.Start("signup-guard", "building"), b.Start("user-events", "building")
	now = now.Add(3 * time.Second)
	guard.Step("deploying")
	events.Fail("failed")
	b.Print("a line")
	guard.Done("deployed")
	b.Close()
	want := `· signup-guard     building
· user-events      building
· signup-guard     deploying (3s)
✗ user-events      failed (3s)
a line
✓ signup-guard     deployed (3s)
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// On a terminal the lines of the tasks are erased; the results stay.
func TestLiveLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := newBoard(&out, true)
	task := b.Start("signup-guard", "building")
	b.Start("never-ends", "building")
	task.Done("deployed")
	b.Close()
	got := out.String()
	if ups := strings.Count(got, "\x1b[1A\x1b[2K"); ups != strings.Count(got, "\n")-1 {
		t.Errorf("%d of %d lines erased, want all but the result:\n%q", ups, strings.Count(got, "\n"), got)
	}
	if !strings.Contains(got, "✓ signup-guard     deployed\n") {
		t.Errorf("no result in %q", got)
	}
}

func TestAPipeIsNotATerminal(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if Is(w) {
		t.Error("a pipe is taken for a terminal")
	}
	if err := errors.Join(r.Close(), w.Close()); err != nil {
		t.Error(err)
	}
}
