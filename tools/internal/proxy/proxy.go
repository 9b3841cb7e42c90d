package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gatehouse.example/tools/internal/proxy/hostedpages"
	"gatehouse.example/tools/internal/proxy/logkeys"
	"gatehouse.example/tools/internal/proxy/origins"
	"gatehouse.example/tools/internal/proxy/telemetry"
	"gatehouse.example/tools/internal/proxy/trail"
	"gatehouse.example/tools/internal/proxy/triggers"
	"gatehouse.example/tools/internal/proxy/upstream"
)

// Config says where the proxy listens and what is behind it.
type Config struct {
	// Root is the repository, whose branding the pages use.
	Root string
	// Listen is a loopback address, such as 127.0.0.1:4566.
	Listen string
	// Certificates is a folder for a certificate; with it the proxy accepts HTTPS too.
	Certificates string
	// Upstream is the emulator's socket, such as unix:/home/me/gatehouse/.local/emulator/socket.
	Upstream string
	Region   string
	// Environment is the one whose API answers behind /api, such as local.
	Environment string
	// AccessKeyID and SecretAccessKey are the emulator's root key pair. The
	// proxy reads pools, users and function policies with it, as the service would.
	AccessKeyID     string
	SecretAccessKey string
	// LogDir receives one file of log lines per function; empty writes none.
	LogDir string
	Log    *slog.Logger
}

// drainTimeout bounds the wait for open requests at the end: all attempts of a trigger
// and a margin.
const drainTimeout = 16 * time.Second

// Run serves until ctx is done, drains, and returns nil. It calls ready once the
// port accepts connections.
func Run(ctx context.Context, cfg Config, ready func()) error {
	handler, err := newHandler(cfg)
	if err != nil {
		return err
	}
	listener, err := listen(ctx, cfg.Listen, cfg.Certificates)
	if err != nil {
		return err
	}
	// Like an X-Ray daemon, one address serves both TCP and UDP.
	daemon, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", listener.Addr().String())
	if err != nil {
		return errors.Join(fmt.Errorf("X-Ray daemon: %w", err), listener.Close())
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 2)
	go func() { failed <- server.Serve(listener) }()
	var polling sync.WaitGroup
	polling.Go(func() { telemetry.Run(ctx, handler.up, cfg.LogDir, handler.trail.Groups, cfg.Log) })
	polling.Go(func() { handler.trail.Run(ctx) })
	go func() {
		if err := handler.traces.Serve(ctx, daemon); err != nil {
			failed <- err
		}
	}()
	ready()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", cfg.Listen, err)
	case <-ctx.Done():
	}
	handler.faults.clear() // releases requests that a fault holds
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		cfg.Log.Warn("requests cut off at shutdown", "error", err.Error())
		_ = server.Close()
	}
	polling.Wait()
	return nil
}

// gap finds the handler of a request that the emulator would not answer as AWS does; it
// returns nil for every other request.
type gap func(*http.Request) http.HandlerFunc

// chain asks the gaps in their order; what none of them answers goes to last.
func chain(last http.Handler, gaps ...gap) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, find := range gaps {
			if serve := find(r); serve != nil {
				serve(w, r)
				return
			}
		}
		last.ServeHTTP(w, r)
	}
}

// handler routes each request to the gap that it belongs to, or to the emulator.
type handler struct {
	up     *upstream.Client
	faults *faults
	routes *routes
	traces *telemetry.Traces
	trail  *trail.Trail
	gaps   http.Handler
	door   http.Handler // what may come in goes to route
}

func newHandler(cfg Config) (*handler, error) {
	if cfg.Log == nil {
		return nil, errors.New("no logger")
	}
	key := aws.Credentials{AccessKeyID: cfg.AccessKeyID, SecretAccessKey: cfg.SecretAccessKey}
	up, err := upstream.New(cfg.Upstream, cfg.Region, key, cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("upstream.New: %w", err)
	}
	h := &handler{up: up, faults: newFaults(), routes: newRoutes(up, cfg.Environment, cfg.Log), traces: telemetry.NewTraces(up, cfg.Log), trail: trail.New(up, cfg.Environment, cfg.Log)}
	fired := triggers.New(up, cfg.Log)
	calls := chain(up,
		fired.Handler,
		logkeys.New(up, cfg.Log).Handler,
	)
	pages, err := hostedpages.New(hostedpages.Config{
		Root: cfg.Root, Host: cfg.Listen, Environment: cfg.Environment, API: apiPrefix, Upstream: up, Log: cfg.Log,
		Calls:  calls,
		Before: fired.BeforeSignIn,
		After:  fired.AfterSignIn,

		Migrate: fired.MigrateSignIn,

		Federated: fired.Federated,
	})
	if err != nil {
		return nil, fmt.Errorf("hostedpages.New: %w", err)
	}
	h.gaps = h.trail.Recording(chain(calls,
		h.traces.Handler,
		telemetry.NewOTLP(up, cfg.Log).Handler,
		pages.Handler,
	))
	gate := origins.Gate{RootKey: cfg.AccessKeyID, API: h.routes.isAPI, Domain: up.HasDomain}
	h.door = gate.Before(http.HandlerFunc(h.route))
	return h, nil
}

// ServeHTTP refuses what pages of other sites may not do.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.door.ServeHTTP(w, r) }

// route puts the trace header on every request, applies faults, and routes.
func (h *handler) route(w http.ResponseWriter, r *http.Request) {
	h.traces.Begin(r)
	if !h.faults.disturb(w, r, http.HandlerFunc(h.serve)) {
		h.serve(w, r)
	}
}

// serve answers what no fault answers.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/_gatehouse/health":
		h.health(w, r)
	case "/_gatehouse/faults":
		h.faults.ServeHTTP(w, r)
	default:
		if to, ok := h.routes.rewrite(w, r); ok {
			h.gaps.ServeHTTP(w, to)
		}
	}
}

// health answers 200 when the emulator answers too.
func (h *handler) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := h.up.Ping(r.Context()); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"emulator unreachable"}` + "\n"))
		return
	}
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
}
