package builds

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// timeout bounds what takes milliseconds.
const timeout = 20 * time.Second

// text collects what is written at any time. It is safe for concurrent use.
type text struct {
	mu  sync.Mutex
	all []byte
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, p...)
	return len(p), nil
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.all)
}

// sinks are the ways out of a function, by name.
type sinks struct {
	mu sync.Mutex
	by map[string]*text
}

func (s *sinks) of(name string) *text {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]*text{}
	}
	if s.by[name] == nil {
		s.by[name] = &text{}
	}
	return s.by[name]
}

// process is a function that runs, and Lambda's Runtime API for it
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
type process struct {
	binary string
	env    []string
	out    *sinks

	events chan []byte
	done   chan struct{}
	api    *httptest.Server
	daemon net.PacketConn
	cmd    *exec.Cmd
	exited chan struct{}
}

// start runs a function until the test ends.
func start(t *testing.T, binary string, env []string, out *sinks) *process {
	t.Helper()
	p := &process{binary: binary, env: env, out: out, events: make(chan []byte), done: make(chan struct{}, 1)}
	const base = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"invocation/next", p.next)
	mux.HandleFunc("POST "+base+"invocation/{id}/response", p.answered("answer"))
	mux.HandleFunc("POST "+base+"invocation/{id}/error", p.answered("error"))
	mux.HandleFunc("POST "+base+"init/error", p.answered("error"))
	p.api = httptest.NewServer(mux)
	daemon, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.daemon = daemon
	go p.traces()
	p.spawn(t)
	return p
}

// traces reads what the function sends to the X-Ray daemon.
func (p *process) traces() {
	buffer := make([]byte, 64<<10)
	for {
		n, _, err := p.daemon.ReadFrom(buffer)
		if err != nil {
			return
		}
		_, _ = p.out.of("trace").Write(append(buffer[:n:n], '\n'))
	}
}

func (p *process) spawn(t *testing.T) {
	t.Helper()
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), p.binary)
	p.cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + p.api.Listener.Addr().String(), "AWS_XRAY_DAEMON_ADDRESS=" + p.daemon.LocalAddr().String(),
		"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_FUNCTION_NAME=markers", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
	}, p.env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out.of("stdout"), p.out.of("stderr")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func(cmd *exec.Cmd) { _ = cmd.Wait(); close(exited) }(p.cmd)
	p.exited = exited
}

func (p *process) next(w http.ResponseWriter, r *http.Request) {
	select {
	case event := <-p.events:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000001")
		h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(10*time.Second).UnixMilli()))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:111122223333:function:markers:live")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1")
		_, _ = w.Write(event)
	case <-r.Context().Done():
	}
}

func (p *process) answered(sink string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = p.out.of(sink).Write(append(body, '\n'))
		_, _ = p.out.of("trace").Write([]byte(r.Header.Get("Lambda-Runtime-Function-Xray-Error-Cause") + "\n"))
		w.WriteHeader(http.StatusAccepted)
		p.done <- struct{}{}
	}
}

// invoke sends one event and waits for the end of its invocation. After a panic the
// function starts again, as on Lambda.
func (p *process) invoke(t *testing.T, event []byte) {
	t.Helper()
	for range 2 {
		select {
		case p.events <- event:
			select {
			case <-p.done:
			case <-time.After(timeout):
				t.Fatalf("%s did not answer %.300s", p.binary, event)
			}
			return
		case <-p.exited:
			p.spawn(t)
		case <-time.After(timeout):
			t.Fatalf("%s asks for no event; its errors: %.2000s", p.binary, p.out.of("stderr"))
		}
	}
	t.Fatalf("%s does not start: %.2000s", p.binary, p.out.of("stderr"))
}

// stop ends the function, so that all it wrote has been read.
func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	<-p.exited
	_ = p.daemon.Close()
	p.api.CloseClientConnections()
	p.api.Close()
}
