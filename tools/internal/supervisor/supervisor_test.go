package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gatehouse.example/tools/internal/pythontools"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

var lastPort atomic.Int64

func init() { lastPort.Store(int64(20000 + os.Getpid()%10000)) }

const role = "GATEHOUSE_TEST_ROLE"

// TestMain plays the processes that the tests start: a supervisor, an emulator
// and a function of it that ignores requests to end.
func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "supervisor":
		os.Exit(playSupervisor())
	case "emulator":
		os.Exit(playEmulator())
	default:
		signal.Ignore(syscall.SIGTERM)
		hang()
	}
}

// hang never returns. An empty select would: without cgo the runtime sees that
// nothing can ever go on, and ends the process.
func hang() {
	never := make(chan os.Signal, 1)
	signal.Notify(never, syscall.SIGUSR1)
	<-never
}

func playSupervisor() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	port, _ := strconv.Atoi(os.Getenv("PROXY"))
	s := fake(Layout{Workspace: stacks.Workspace{Dir: os.Getenv("DIR")}, Port: port})
	if err := s.Serve(ctx); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func playEmulator() int {
	if os.Getenv("DIE") != "" {
		return 3
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), role+"=function")
	if err := child.Start(); err != nil {
		return 1
	}
	_ = os.WriteFile(filepath.Join(os.Getenv("DIR"), "function.pid"), []byte(strconv.Itoa(child.Process.Pid)), 0o600)
	hang()
	return 0
}

// fake is a supervisor whose emulator is this test binary.
func fake(l Layout) *Supervisor {
	return &Supervisor{
		Layout: l, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Emulator: func(l Layout) *exec.Cmd {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), role+"=emulator", "DIR="+l.Dir, "TMPDIR="+l.EmulatorDir())
			return cmd
		},
		Healthy: func(context.Context) bool { return exists(filepath.Join(l.Dir, "function.pid")) },
		Proxy: func(ctx context.Context, ready func()) error {
			return serveHealth(ctx, l, ready)
		},
	}
}

func serveHealth(ctx context.Context, l Layout, ready func()) error {
	listener, err := net.Listen("tcp", l.Address())
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() { <-ctx.Done(); _ = server.Close() }()
	ready()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// nextPort returns new ports for each test, below the range of ephemeral ports.
func nextPort() int { return int(lastPort.Add(1)) }

// environment is an empty layout with a free port.
func environment(t *testing.T) Layout {
	t.Helper()
	l := Layout{Workspace: stacks.Workspace{Root: t.TempDir(), Dir: t.TempDir(), Environment: "local", Region: "us-east-1"}}
	for l.Port = nextPort(); checkPort(t.Context(), tcp, l.Port) != nil; l.Port = nextPort() {
	}
	if err := os.MkdirAll(l.LogDir(), 0o750); err != nil {
		t.Fatal(err)
	}
	return l
}

// spawn starts a supervisor process for the layout.
func spawn(ctx context.Context, l Layout, extra ...string) error {
	env := append([]string{
		role + "=supervisor", "DIR=" + l.Dir, "PROXY=" + strconv.Itoa(l.Port),
	}, extra...)
	return Spawn(ctx, l, append(append([]string{"env"}, env...), os.Args[0]))
}

// ended waits until the emulator's whole group is gone.
func ended(t *testing.T, pgid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := pythontools.Until(ctx, func() bool { return !pythontools.Alive(pgid) }); err != nil {
		t.Errorf("processes of group %d are left", pgid)
	}
}

func state(t *testing.T, l Layout) State {
	t.Helper()
	s, err := ReadState(l)
	if err != nil || s.PID == 0 {
		t.Fatalf("state: %+v, %v", s, err)
	}
	return s
}

func TestUpAndDown(t *testing.T) {
	t.Parallel()
	l := environment(t)
	if err := spawn(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	s := state(t, l)
	if got, up, err := Running(l); err != nil || !up || got != s || !s.Ready || s.Instance == "" {
		t.Errorf("running: %+v, %v, %v", got, up, err)
	}
	if err := fake(l).Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "another supervisor runs") {
		t.Errorf("second supervisor: %v", err)
	}
	var taken PortTakenError
	if err := spawn(t.Context(), l); !errors.As(err, &taken) || taken.Port != l.Port {
		t.Errorf("second spawn: %v, want the proxy's port in use", err)
	}
	if stopped, err := Stop(t.Context(), l); err != nil || !stopped {
		t.Errorf("stop: %v, %v", stopped, err)
	}
	ended(t, s.EmulatorPID)
	if exists(l.StateFile()) {
		t.Error("the state file is left")
	}
	if stopped, err := Stop(t.Context(), l); err != nil || stopped {
		t.Errorf("second stop: %v, %v", stopped, err)
	}
}

func TestKilledSupervisor(t *testing.T) {
	t.Parallel()
	l := environment(t)
	if err := spawn(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	first := state(t, l)
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := pythontools.Until(t.Context(), func() bool { _, up, err := Running(l); return err == nil && !up }); err != nil {
		t.Fatal(err)
	}
	if stopped, err := Stop(t.Context(), l); err != nil || !stopped {
		t.Errorf("stop: %v, %v, want the rest cleared", stopped, err)
	}
	ended(t, first.EmulatorPID)
	if err := spawn(t.Context(), l); err != nil {
		t.Fatalf("up after a kill: %v", err)
	}
	if again := state(t, l); again.Instance == first.Instance {
		t.Error("a new emulator has the old instance's name")
	}
	if _, err := Stop(t.Context(), l); err != nil {
		t.Error(err)
	}
}

func TestEmulatorDies(t *testing.T) {
	t.Parallel()
	l := environment(t)
	if err := spawn(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	s := state(t, l)
	if err := syscall.Kill(s.EmulatorPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := pythontools.Until(t.Context(), func() bool { _, up, err := Running(l); return err == nil && !up }); err != nil {
		t.Fatal(err)
	}
	ended(t, s.EmulatorPID)
	if log := sam.LogEnd(l.Log("supervisor")); !strings.Contains(log, "the emulator ended unexpectedly") {
		t.Errorf("the log does not say why: %s", log)
	}
	if exists(l.StateFile()) {
		t.Error("the state file is left")
	}
}

func TestEmulatorDiesAtOnce(t *testing.T) {
	t.Parallel()
	l := environment(t)
	err := spawn(t.Context(), l, "DIE=1")
	if err == nil || !strings.Contains(err.Error(), "ended unexpectedly (exit status 3)") {
		t.Errorf("got %v, want the supervisor's last lines", err)
	}
}

// Ctrl-C while the environment starts.
func TestInterruptedSpawn(t *testing.T) {
	t.Parallel()
	l := environment(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_ = pythontools.Until(t.Context(), func() bool { return exists(l.StateFile()) })
		cancel()
	}()
	err := spawn(ctx, l)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want it canceled", err)
	}
	if err == nil { // it was ready before the cancel
		_, err = Stop(t.Context(), l)
	}
	if _, up, _ := Running(l); up || exists(l.StateFile()) {
		t.Errorf("something is left: %v", err)
	}
}

func TestMinistackEnvironmentIsClean(t *testing.T) {
	t.Setenv("AWS_PROFILE", "mine")
	t.Setenv("HTTPS_PROXY", "http://proxy.example")
	l := environment(t)
	for _, e := range Ministack(l).Env {
		name, value, _ := strings.Cut(e, "=")
		if name == "AWS_PROFILE" || name == "HTTPS_PROXY" {
			t.Errorf("%s reaches the functions", name)
		}
		if name == "AWS_ENDPOINT_URL" && value != l.URL() {
			t.Errorf("functions call %s, want the proxy", value)
		}
	}
}

// A path that is too long for a socket would end in an error of the kernel that nobody
// understands.
func TestLongPath(t *testing.T) {
	t.Parallel()
	l := environment(t)
	l.Dir = filepath.Join(l.Dir, strings.Repeat("x", socketLimit))
	if err := spawn(t.Context(), l); err == nil || !strings.Contains(err.Error(), "choose a shorter --dir") {
		t.Errorf("got %v", err)
	}
}
