package pythontools

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// poll is the time between two checks of a condition.
const poll = 20 * time.Millisecond

// Group is a running process and its descendants.
type Group struct {
	// PID is the first process's id and the group's.
	PID  int
	done chan struct{}
	err  error
}

// Start runs cmd as the leader of a new group. On Linux the leader dies with
// this process, even if this one is killed.
func Start(cmd *exec.Cmd) (*Group, error) {
	cmd.SysProcAttr = attributes()
	g := &Group{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		defer close(g.done)
		// The kernel ends the child with the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			g.PID = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			g.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("exec.Cmd.Start: %w", err)
	}
	return g, nil
}

// Done is closed when the leader has ended.
func (g *Group) Done() <-chan struct{} { return g.done }

// Err is how the leader ended. It is only valid after Done.
func (g *Group) Err() error { return g.err }

// Stop signals the leader, waits for up to grace, then kills what remains of the
// group and waits for it.
func (g *Group) Stop(grace time.Duration) error {
	if err := syscall.Kill(g.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("syscall.Kill: %w", err)
	}
	select {
	case <-g.done:
	case <-time.After(grace):
	}
	err := KillGroup(context.Background(), g.PID, grace)
	<-g.done
	return err
}

// KillGroup kills every process of a group and waits until none is left.
func KillGroup(ctx context.Context, pgid int, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := Until(ctx, func() bool {
		if !Alive(pgid) {
			return true
		}
		// Repeated, because a process may have started another one.
		_ = syscall.Kill(-pgid, syscall.SIGKILL)
		return false
	})
	if err != nil {
		return fmt.Errorf("processes of group %d cannot be stopped: %w", pgid, err)
	}
	return nil
}

// Until checks a condition until it is true.
func Until(ctx context.Context, yes func() bool) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
