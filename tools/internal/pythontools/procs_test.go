package pythontools

import (
	"os/exec"
	"testing"
	"time"
)

// The leader ends at once when asked; what it started ignores the request.
func TestStopLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", `sh -c 'trap "" TERM; while :; do sleep 1; done' & wait`)
	g, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if !Alive(g.PID) {
		t.Fatal("not alive after the start")
	}
	if err := g.Stop(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	if Alive(g.PID) {
		t.Error("something of the group is left")
	}
	if g.Err() == nil {
		t.Error("no error of a process that a signal ended")
	}
}

func TestStartOfNothing(t *testing.T) {
	t.Parallel()
	if _, err := Start(exec.Command("/does/not/exist")); err == nil {
		t.Error("no error")
	}
}
