package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"
)

// runtimeAPI is Lambda's Runtime API for one process
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
type runtimeAPI struct {
	server *http.Server
	addr   string
	ready  chan time.Time // the function asked for its next invocation
	events chan []byte
	done   chan answer
	ids    atomic.Int64
	// notSampled is set if X-Ray keeps no trace of the invocations.
	notSampled bool
	// response is the last one.
	response []byte
}

type answer struct {
	at    time.Time
	error string // empty for a response
	body  []byte
}

func newRuntimeAPI(ctx context.Context) (*runtimeAPI, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("net.ListenConfig.Listen: %w", err)
	}
	r := &runtimeAPI{
		addr: listener.Addr().String(), ready: make(chan time.Time, 1), events: make(chan []byte), done: make(chan answer, 1),
	}
	const base = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"invocation/next", r.next)
	mux.HandleFunc("POST "+base+"invocation/{id}/response", r.answered(false))
	mux.HandleFunc("POST "+base+"invocation/{id}/error", r.answered(true))
	mux.HandleFunc("POST "+base+"init/error", r.answered(true))
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(listener) }()
	return r, nil
}

func (r *runtimeAPI) next(w http.ResponseWriter, req *http.Request) {
	r.ready <- time.Now()
	select {
	case event := <-r.events:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("00000000-0000-4000-8000-%012d", r.ids.Add(1)))
		h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:bench:live")
		sampled := "1"
		if r.notSampled {
			sampled = "0"
		}
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled="+sampled)
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(event)
	case <-req.Context().Done():
	}
}

func (r *runtimeAPI) answered(failed bool) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		a := answer{at: time.Now()}
		a.body, _ = io.ReadAll(req.Body)
		if failed {
			a.error = string(a.body)
		}
		w.WriteHeader(http.StatusAccepted)
		r.done <- a
	}
}

// invoke sends one event and returns how long the response took. The process must be
// waiting: it asks for the next event before this returns.
func (r *runtimeAPI) invoke(event []byte) (time.Duration, error) {
	start := time.Now()
	select {
	case r.events <- event:
	case <-time.After(timeout):
		return 0, errTimeout
	}
	var took time.Duration
	select {
	case a := <-r.done:
		if a.error != "" {
			return 0, fmt.Errorf("the function failed: %s", a.error)
		}
		took, r.response = a.at.Sub(start), a.body
	case <-time.After(timeout):
		return 0, errTimeout
	}
	_, err := r.waitReady()
	return took, err
}

// waitReady waits until the function asks for an invocation.
func (r *runtimeAPI) waitReady() (time.Time, error) {
	select {
	case at := <-r.ready:
		return at, nil
	case a := <-r.done:
		return time.Time{}, fmt.Errorf("the function did not start: %s", a.error)
	case <-time.After(timeout):
		return time.Time{}, errTimeout
	}
}

// snsStub answers every SNS call at once, over TLS with a chain of AWS's form: a root, an
// authority below it and a server, each with an RSA key of 2,048 bits.
type snsStub struct {
	url       string
	root      []byte // PEM
	published atomic.Int64
}

func newSNSStub() (*snsStub, func(), error) {
	chain, root, err := newChain()
	if err != nil {
		return nil, nil, err
	}
	s := &snsStub{root: root}
	server := httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{chain}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	s.url = server.URL
	return s, server.Close, nil
}

func (s *snsStub) serve(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	w.Header().Set("Content-Type", "text/xml")
	if req.Method != http.MethodPost {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.published.Add(1)
	_, _ = io.WriteString(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>`+
		`<MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult><ResponseMetadata>`+
		`<RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId></ResponseMetadata></PublishResponse>`)
}
