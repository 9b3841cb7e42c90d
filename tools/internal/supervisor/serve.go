// Package supervisor runs the processes of a local system: one process that serves
// the proxy and starts the emulator. It holds a lock while it runs, so there is
// never a second one, and when it ends the emulator and its functions end, too.
package supervisor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/pythontools"
)

const (
	// startTimeout is how long the emulator may take to answer.
	startTimeout = 90 * time.Second
	// stopGrace is how long it may take to end before it is killed.
	stopGrace = 5 * time.Second
)

// Supervisor is one run. Its fields are set before Serve.
type Supervisor struct {
	Layout Layout
	Log    *slog.Logger
	// Emulator makes the emulator's command.
	Emulator func(Layout) *exec.Cmd
	// Healthy reports whether the emulator answers.
	Healthy func(context.Context) bool
	// Proxy serves until ctx is done, then drains and returns nil.
	Proxy func(ctx context.Context, ready func()) error
}

// Serve runs until ctx is done, or the emulator or the proxy ends.
func (s *Supervisor) Serve(ctx context.Context) error {
	unlock, err := files.TryLock(s.Layout.LockFile())
	if errors.Is(err, files.ErrLocked) {
		return fmt.Errorf("another supervisor runs in %s", s.Layout.Dir)
	}
	if err != nil {
		return fmt.Errorf("files.TryLock: %w", err)
	}
	defer unlock()

	emulator, closeLog, err := s.startEmulator()
	if err != nil {
		return err
	}
	defer closeLog()
	state := State{
		Instance: rand.Text(), PID: os.Getpid(), EmulatorPID: emulator.PID,
		Port: s.Layout.Port, HTTPS: s.Layout.HTTPS, Environment: s.Layout.Environment, Started: time.Now().UTC(),
	}
	err = s.supervise(ctx, state, emulator)
	s.Log.Info("stopping")
	return errors.Join(err, emulator.Stop(stopGrace), os.RemoveAll(s.Layout.StateFile()))
}

// supervise returns when ctx is done, the emulator died or the proxy failed.
func (s *Supervisor) supervise(ctx context.Context, state State, emulator *pythontools.Group) error {
	if err := files.WriteJSON(s.Layout.StateFile(), state); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-emulator.Done():
			cancel(fmt.Errorf("the emulator ended unexpectedly (%s); see %s", reason(emulator.Err()), s.Layout.Log("emulator")))
		case <-ctx.Done():
		}
	}()
	waiting, stopWaiting := context.WithTimeout(ctx, startTimeout)
	defer stopWaiting()
	if err := pythontools.Until(waiting, func() bool { return s.Healthy(waiting) }); err != nil {
		if ctx.Err() != nil {
			return died(ctx)
		}
		return fmt.Errorf("the emulator did not answer within %s; see %s", startTimeout, s.Layout.Log("emulator"))
	}
	s.Log.Info("emulator answers", "pid", emulator.PID, "socket", s.Layout.Socket())
	err := s.Proxy(ctx, func() {
		state.Ready = true
		if err := files.WriteJSON(s.Layout.StateFile(), state); err != nil {
			cancel(err)
			return
		}
		s.Log.Info("ready", "endpoint", s.Layout.URL())
	})
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	return died(ctx)
}

// died is the cause, unless it was a request to stop.
func died(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func reason(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// startEmulator starts the emulator in an empty folder, without data of an earlier
// one.
func (s *Supervisor) startEmulator() (*pythontools.Group, func(), error) {
	if err := os.RemoveAll(s.Layout.EmulatorDir()); err != nil {
		return nil, nil, fmt.Errorf("os.RemoveAll: %w", err)
	}
	for _, dir := range []string{"state", "tmp", "home"} {
		if err := os.MkdirAll(filepath.Join(s.Layout.EmulatorDir(), dir), 0o750); err != nil {
			return nil, nil, fmt.Errorf("os.MkdirAll: %w", err)
		}
	}
	out, err := os.Create(s.Layout.Log("emulator"))
	if err != nil {
		return nil, nil, fmt.Errorf("os.Create: %w", err)
	}
	cmd := s.Emulator(s.Layout)
	cmd.Stdout, cmd.Stderr = out, out
	g, err := pythontools.Start(cmd)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("pythontools.Start: %w", err), out.Close())
	}
	return g, func() { _ = out.Close() }, nil
}
