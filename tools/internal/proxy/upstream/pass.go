package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// newProxy passes requests on unchanged. The inbound Host stays, for it is part
// of what a SigV4 signature covers and of the URLs that the emulator builds.
func newProxy(base *url.URL, transport http.RoundTripper, log *slog.Logger) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(base)
			pr.Out.Host = pr.In.Host
			// Rewrite drops query parts that Go cannot parse; a signature covers them.
			pr.Out.URL.RawQuery = pr.In.URL.RawQuery
			pr.Out.Body = exactly(pr.Out)
		},
		Transport:     transport,
		FlushInterval: -1, // streams: log tails and long polls must not wait for a buffer
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, context.Canceled) {
				return // the client went away
			}
			log.Warn("emulator unreachable", "method", r.Method, "error", err.Error())
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"__type":"ServiceUnavailable","message":"The local emulator does not answer."}`)
		},
	}
}

// exactly is the body of r without the read past its end. The transport makes
// one to see whether more follows; if the emulator has answered by then, the
// server has closed the body, and the transport takes the error for a reason to
// cut the answer off.
func exactly(r *http.Request) io.ReadCloser {
	if r.Body == nil || r.ContentLength <= 0 {
		return r.Body
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(r.Body, r.ContentLength), r.Body}
}

// answer is a reply of the emulator that the edge holds back until it knows
// whether the caller may have it.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *answer) result() result { return result{a.status, a.header, a.body.Bytes()} }

// forward sends r with body upstream and keeps the reply.
func (h *handler) forward(ctx context.Context, r *http.Request, body []byte) *answer {
	out := r.Clone(ctx)
	out.Body = io.NopCloser(bytes.NewReader(body))
	out.ContentLength = int64(len(body))
	a := &answer{status: http.StatusOK, header: http.Header{}}
	h.proxy.ServeHTTP(a, out)
	return a
}

// release hands the kept reply to the caller, byte by byte as it came.
func (a *answer) release(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}
