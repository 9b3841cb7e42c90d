package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/pythontools"
	"gatehouse.example/tools/sam"
)

// stopTimeout is how long Stop waits before it kills.
const stopTimeout = 20 * time.Second

// Running returns the state of the supervisor that holds the lock, if one does.
func Running(l Layout) (State, bool, error) {
	held, err := files.Locked(l.LockFile())
	if err != nil || !held {
		return State{}, false, err
	}
	s, err := ReadState(l)
	return s, true, err
}

// ErrNotUp is returned by commands that need a running local system.
var ErrNotUp = errors.New("the local system is not running; start it with `gatehouse local up`")

// Ready returns the state of the local system, or ErrNotUp.
func Ready(l Layout) (State, error) {
	s, up, err := Running(l)
	if err == nil && (!up || !s.Ready) {
		err = ErrNotUp
	}
	return s, err
}

// Spawn starts a supervisor in its own session, so that neither a closed terminal
// nor Ctrl-C ends it, and waits until it is ready. If ctx ends first, it stops the
// supervisor.
func Spawn(ctx context.Context, l Layout, argv []string) error {
	if err := errors.Join(checkPorts(ctx, l.Port), checkSocket(l.Socket())); err != nil {
		return err
	}
	if err := os.MkdirAll(l.LogDir(), 0o750); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	log, err := os.Create(l.Log("supervisor"))
	if err != nil {
		return fmt.Errorf("os.Create: %w", err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // it outlives this process
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = l.Root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("exec.Cmd.Start: %w", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { <-ended; cancel() }()
	err = pythontools.Until(waiting, func() bool {
		s, err := ReadState(l)
		return err == nil && s.PID == cmd.Process.Pid && s.Ready && ProxyHealthy(waiting, l)
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		return ctx.Err()
	}
	return fmt.Errorf("the supervisor ended before it was ready:\n%s", sam.LogEnd(l.Log("supervisor")))
}

// Stop stops the supervisor, removes what a killed one left, and checks that no
// process and no port remains. It reports whether it stopped anything.
func Stop(ctx context.Context, l Layout) (bool, error) {
	s, running, err := Running(l)
	if err != nil {
		return false, err
	}
	if !running {
		return clearStale(ctx, l)
	}
	if s.PID == 0 {
		return false, fmt.Errorf("a supervisor is starting in %s; try again", l.Dir)
	}
	if err := syscall.Kill(s.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return false, fmt.Errorf("syscall.Kill: %w", err)
	}
	if err := waitUnlocked(ctx, l, stopTimeout); err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		_ = syscall.Kill(s.PID, syscall.SIGKILL)
		if err := waitUnlocked(ctx, l, stopTimeout); err != nil {
			return false, fmt.Errorf("the supervisor (pid %d) cannot be stopped: %w", s.PID, err)
		}
	}
	if _, err := clearStale(ctx, l); err != nil {
		return false, err
	}
	return true, checkGone(ctx, s)
}

func waitUnlocked(ctx context.Context, l Layout, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	unlock, err := files.Lock(ctx, l.LockFile())
	if err != nil {
		return fmt.Errorf("files.Lock: %w", err)
	}
	unlock()
	return nil
}

// clearStale removes what a killed supervisor left: the emulator, if it still runs,
// functions, and the state file.
func clearStale(ctx context.Context, l Layout) (bool, error) {
	s, err := ReadState(l)
	if err != nil || s.PID == 0 {
		return false, err
	}
	if s.EmulatorPID > 0 && pythontools.Belongs(s.EmulatorPID, l.EmulatorDir()) {
		if err := pythontools.KillGroup(ctx, s.EmulatorPID, stopTimeout); err != nil {
			return false, err
		}
	}
	if err := os.Remove(l.StateFile()); err != nil {
		return false, fmt.Errorf("os.Remove: %w", err)
	}
	return true, nil
}

func checkGone(ctx context.Context, s State) error {
	if s.EmulatorPID > 0 && pythontools.Alive(s.EmulatorPID) {
		return fmt.Errorf("processes of group %d still run", s.EmulatorPID)
	}
	if err := checkPorts(ctx, s.Port); err != nil {
		return fmt.Errorf("still in use: %w", err)
	}
	return nil
}
