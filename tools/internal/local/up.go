package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"

	"gatehouse.example/tools/internal/proxy"
	"gatehouse.example/tools/internal/proxy/hostedpages"
	"gatehouse.example/tools/internal/pythontools"
	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// up starts the local system if it is not running, and deploys what changed, unless
// empty is set. If ctx ends first, it stops what it started.
func up(ctx context.Context, l supervisor.Layout, empty bool, out *os.File) error {
	board := terminal.NewBoard(out)
	defer board.Close()
	all, err := stacks.Discover(l.Root)
	if err != nil {
		return fmt.Errorf("stacks.Discover: %w", err)
	}
	// On a new machine the compiler runs while pip downloads.
	var warming sync.WaitGroup
	if ready, err := pythontools.Ready(l.Workspace); err == nil && !ready && !empty {
		warming.Go(func() { warm(ctx, all, board) })
	}
	defer warming.Wait()
	if err := ensureTools(ctx, l, board); err != nil {
		return err
	}
	started, err := ensureSupervisor(ctx, l, board)
	if err != nil || empty {
		return err
	}
	if err := deployAll(ctx, l, all, nil, board); err != nil {
		if started && ctx.Err() != nil {
			board.Print("interrupted; stopping what was started")
			_, stopErr := supervisor.Stop(context.WithoutCancel(ctx), l)
			return errors.Join(err, stopErr)
		}
		return err
	}
	board.Print(fmt.Sprintf("\nGatehouse is up: %s (environment %s)\n  . %s    sets its environment variables in a shell\n  logs: %s\n  in a browser: %s, and the mails that it would send: %s",
		l.URL(), l.Environment, l.EnvFile(), l.LogDir(), l.URL()+hostedpages.AppPath, l.URL()+hostedpages.MailPath))
	if l.HTTPS {
		board.Print(fmt.Sprintf(trust, l.HTTPSURL(), l.CAFile()))
	}
	return nil
}

// trust says how a client comes to trust the certificate. Nothing on the machine does by
// itself.
const trust = `  %s works too, for clients that trust %[2]s:
    curl --cacert FILE, NODE_EXTRA_CA_CERTS=FILE for Node.js, SSL_CERT_FILE=FILE for Go.
    A browser asks whether to go on, or has an import for certificate authorities in its settings.
    The CA has signed this one certificate, for 127.0.0.1 and localhost, and its key is not kept.`

// warm fills Go's build cache. SAM's build reports errors, so warm does not.
func warm(ctx context.Context, all []stacks.Stack, board *terminal.Board) {
	task := board.Start("functions", "compiling")
	for _, s := range all {
		if err := sam.Warm(ctx, s); err != nil {
			task.Fail("not compiled yet")
			return
		}
	}
	task.Done("compiled")
}

func ensureTools(ctx context.Context, l supervisor.Layout, board *terminal.Board) error {
	if ready, err := pythontools.Ready(l.Workspace); err != nil {
		return fmt.Errorf("tools.Ready: %w", err)
	} else if ready {
		return nil
	}
	if err := os.MkdirAll(l.LogDir(), 0o750); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	log, err := os.Create(l.Log("tools"))
	if err != nil {
		return fmt.Errorf("os.Create: %w", err)
	}
	defer func() { _ = log.Close() }()
	task := board.Start("tools", "installing into "+l.Venv)
	if err := pythontools.Ensure(ctx, l.Workspace, log); err != nil {
		task.Fail("not installed")
		return fmt.Errorf("tools.Ensure: %w (log: %s)", err, log.Name())
	}
	task.Done("installed")
	return nil
}

// ensureSupervisor reports whether it started one.
func ensureSupervisor(ctx context.Context, l supervisor.Layout, board *terminal.Board) (bool, error) {
	s, running, err := supervisor.Running(l)
	if err != nil {
		return false, fmt.Errorf("supervisor.Running: %w", err)
	}
	if running {
		return false, sameSettings(s, l, board)
	}
	if _, err := supervisor.Stop(ctx, l); err != nil { // what a killed supervisor left
		return false, fmt.Errorf("supervisor.Stop: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return false, fmt.Errorf("os.Executable: %w", err)
	}
	task := board.Start("supervisor", "starting the emulator and the proxy")
	if err := supervisor.Spawn(ctx, l, append([]string{self}, serveArgs(l)...)); err != nil {
		task.Fail("not started")
		var taken supervisor.PortTakenError
		if errors.As(err, &taken) {
			return false, fmt.Errorf("%w; stop it, or choose another port with --port", err)
		}
		return false, fmt.Errorf("supervisor.Spawn: %w", err)
	}
	task.Done("running on " + l.URL())
	return true, nil
}

// sameSettings refuses other settings than those of the running system.
func sameSettings(s supervisor.State, l supervisor.Layout, board *terminal.Board) error {
	switch {
	case !s.Ready:
		return fmt.Errorf("another `gatehouse local up` is starting in %s; try again when it is done", l.Dir)
	case s.Port != l.Port || s.Environment != l.Environment:
		return fmt.Errorf("in %s the environment %q already runs on port %d; stop it with `gatehouse local down`, or choose another --dir",
			l.Dir, s.Environment, s.Port)
	case l.HTTPS && !s.HTTPS:
		return errors.New("it runs without HTTPS; stop it with `gatehouse local down` and start it with --https")
	}
	board.Print(fmt.Sprintf("already running on %s since %s; deploying what changed", l.URL(), s.Started.Local().Format("15:04:05")))
	return nil
}

// down stops the local system and checks that no process and no open port
// remains. It may be called at any time.
func down(ctx context.Context, l supervisor.Layout, out *os.File) error {
	board := terminal.NewBoard(out)
	defer board.Close()
	task := board.Start("supervisor", "stopping")
	stopped, err := supervisor.Stop(ctx, l)
	if err != nil {
		task.Fail("not stopped")
		return fmt.Errorf("supervisor.Stop: %w", err)
	}
	// The names in it are no longer valid.
	if err := os.RemoveAll(l.EnvFile()); err != nil {
		return fmt.Errorf("os.RemoveAll: %w", err)
	}
	if stopped {
		task.Done("stopped")
	} else {
		task.Done("was not running")
	}
	return nil
}

func serveArgs(l supervisor.Layout) []string {
	return []string{
		"local", "serve", "--dir", l.Dir, "--venv", l.Venv, "--environment", l.Environment,
		"--port", strconv.Itoa(l.Port), "--region", l.Region, "--https=" + strconv.FormatBool(l.HTTPS),
	}
}

// serve is the supervisor's process. It runs until ctx is done.
func serve(ctx context.Context, l supervisor.Layout, out *os.File) error {
	log := slog.New(slog.NewTextHandler(out, nil))
	s := &supervisor.Supervisor{
		Layout: l, Log: log,
		Emulator: supervisor.Ministack,
		Healthy:  func(ctx context.Context) bool { return supervisor.EmulatorHealthy(ctx, l) },
		Proxy: func(ctx context.Context, ready func()) error {
			certificates := ""
			if l.HTTPS {
				certificates = l.CertificatesDir()
			}
			return proxy.Run(ctx, proxy.Config{
				Certificates: certificates,
				Root:         l.Root, Listen: l.Address(), Upstream: "unix:" + l.Socket(), Region: l.Region, Environment: l.Environment,
				AccessKeyID: supervisor.AccessKeyID, SecretAccessKey: supervisor.SecretAccessKey,
				LogDir: l.LogDir(), Log: log,
			}, ready)
		},
	}
	if err := s.Serve(ctx); err != nil {
		log.Error("stopped by an error", "error", err.Error())
		return fmt.Errorf("supervisor.Serve: %w", err)
	}
	log.Info("stopped")
	return nil
}

func installTools(ctx context.Context, l supervisor.Layout, out *os.File) error {
	board := terminal.NewBoard(out)
	defer board.Close()
	return ensureTools(ctx, l, board)
}
