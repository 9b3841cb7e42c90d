package local

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"

	"gatehouse.example/tools/internal/proxy"
	"gatehouse.example/tools/internal/supervisor"
)

// serveArgs are the arguments of the process that runs serve.
func serveArgs(l supervisor.Layout) []string {
	return []string{
		"local", "serve", "--dir", l.Dir, "--venv", l.Venv, "--environment", l.Environment,
		"--port", strconv.Itoa(l.Port), "--emulator-port", strconv.Itoa(l.EmulatorPort), "--region", l.Region,
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
			return proxy.Run(ctx, proxy.Config{
				Root: l.Root, Listen: l.Address(), Upstream: l.EmulatorURL(), Region: l.Region, Environment: l.Environment,
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
