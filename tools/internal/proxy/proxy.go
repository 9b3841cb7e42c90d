package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"gatehouse.example/tools/internal/hostedpage"
	"gatehouse.example/tools/internal/xray"
)

// Config says where the edge listens and what it stands before.
type Config struct {
	// Root is the repository, whose branding the pages use.
	Root string
	// Listen is a loopback address, such as 127.0.0.1:4566.
	Listen string
	// Upstream is the emulator's origin, such as http://127.0.0.1:4567.
	Upstream string
	Region   string
	// Environment is the one whose API answers behind /api, such as local.
	Environment string
	// AccessKeyID and SecretAccessKey are the emulator's root key pair: the edge
	// reads pools, users and function policies with it, as the service would.
	AccessKeyID     string
	SecretAccessKey string
	// LogDir receives one file of log lines per function; empty writes none.
	LogDir string
	Log    *slog.Logger
}

// drainLimit bounds the wait for open requests at the end: a trigger's three
// attempts of five seconds, and a little.
const drainLimit = 16 * time.Second

// Run serves until ctx is done, drains, and returns nil. It calls ready once the
// port accepts connections.
func Run(ctx context.Context, cfg Config, ready func()) error {
	handler, err := newHandler(cfg)
	if err != nil {
		return err
	}
	listener, err := listen(ctx, cfg.Listen)
	if err != nil {
		return err
	}
	daemon, err := listenXRay(ctx, listener.Addr().String())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 2)
	go func() { failed <- server.Serve(listener) }()
	lines, groups := newTail(handler.up, cfg.LogDir, cfg.Log), newGroupWatch(&cloudTrail{up: handler.up, log: cfg.Log})
	lines.listed = groups.see
	var polling sync.WaitGroup
	polling.Go(func() { lines.run(ctx) })
	polling.Go(func() { groups.run(ctx) })
	go func() {
		if err := handler.xray.Store.Serve(ctx, daemon); err != nil {
			failed <- err
		}
	}()
	ready()
	select {
	case err := <-failed:
		return fmt.Errorf("edge: serve %s: %w", cfg.Listen, err)
	case <-ctx.Done():
	}
	handler.faults.clear() // lets requests go that a fault holds
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		cfg.Log.Warn("requests cut off at shutdown", "error", err.Error())
		_ = server.Close()
	}
	polling.Wait()
	return nil
}

// listen refuses every address that another machine could reach: the edge holds
// the root key.
func listen(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("edge: listen address: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("edge: %s is not a loopback address", address)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("edge: %w", err)
	}
	return listener, nil
}

// handler routes each request to the gap that it falls into, or straight through.
type handler struct {
	up       *upstream
	dir      *directory
	proxy    http.Handler
	faults   *faults
	triggers *triggers
	apis     *apiDoor
	pages    *hostedpage.Pages
	hosted   *hostedMemory[hostedSession]
	flows    *hostedMemory[flow]
	logKeys  *logKeys
	xray     xray.API
	stages   *stages
	log      *slog.Logger

	verifications *verifications

	environment string
	host        string // of the edge itself, as it is registered for the app page
}

func newHandler(cfg Config) (*handler, error) {
	if cfg.Log == nil {
		return nil, errors.New("edge: no logger")
	}
	base, err := url.Parse(cfg.Upstream)
	if err != nil || base.Scheme != "http" || base.Host == "" {
		return nil, fmt.Errorf("edge: upstream %q is not an http origin", cfg.Upstream)
	}
	pages, err := hostedpage.New(cfg.Root)
	if err != nil {
		return nil, fmt.Errorf("hostedpage.New: %w", err)
	}
	up := newUpstream(base, cfg)
	h := &handler{
		up:       up,
		dir:      &directory{up: up},
		proxy:    newProxy(base, up.http.Transport, cfg.Log),
		faults:   newFaults(),
		triggers: &triggers{up: up, attemptLimit: triggerLimit, log: cfg.Log},
		apis:     newAPIDoor(up, cfg.Environment),
		pages:    pages,
		hosted:   newHostedMemory[hostedSession](),
		flows:    newHostedMemory[flow](),
		logKeys:  &logKeys{up: up},
		xray:     xray.API{Store: xray.NewStore(xray.DefaultLimits())},
		stages:   &stages{up: up, names: map[string]string{}},
		log:      cfg.Log,

		verifications: newVerifications(),

		environment: cfg.Environment,
		host:        cfg.Listen,
	}
	return h, nil
}

// ServeHTTP puts the trace header on every request, applies faults, and routes.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	addTrace(r)
	if h.faults.disturb(w, r) {
		return
	}
	switch path := r.URL.Path; {
	case path == "/_gatehouse/health":
		h.health(w, r)
	case path == "/_gatehouse/faults":
		h.faults.ServeHTTP(w, r)
	case h.apis.holds(path):
		h.api(w, r)
	case isRestAPI(path):
		h.restAPI(w, r)
	case path == "/_gatehouse/traces":
		h.traceCounts(w)
	case h.isXRay(r):
		h.serveXRay(w, r)
	default:
		if serve := h.hostedPage(r); serve != nil {
			serve(w, r)
			return
		}
		h.pass(w, r)
	}
}

// pass sends a call that falls into a gap there and everything else upstream.
func (h *handler) pass(w http.ResponseWriter, r *http.Request) {
	for _, gap := range []func(*http.Request) http.HandlerFunc{h.cognito, h.logs} {
		if serve := gap(r); serve != nil {
			serve(w, r)
			return
		}
	}
	h.proxy.ServeHTTP(w, r)
}

// health answers 200 when the emulator answers too.
func (h *handler) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := h.up.ping(r.Context()); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"emulator unreachable"}` + "\n"))
		return
	}
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
}
