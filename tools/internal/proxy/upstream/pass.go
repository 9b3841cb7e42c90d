package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// reverseProxy passes requests on unchanged. The inbound Host stays, because a SigV4
// signature covers it and the emulator builds URLs from it.
func reverseProxy(base *url.URL, transport http.RoundTripper, log *slog.Logger) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(base)
			pr.Out.Host = pr.In.Host
			if pr.In.TLS != nil { // the emulator's URLs then begin with https
				pr.Out.Header.Set("X-Forwarded-Proto", "https")
			}
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

// exactly is the body of r without the read past its end. The transport makes such a
// read to see whether more follows. If the emulator has answered by then, the server
// has closed the body, and the transport cuts the answer off because of the error.
func exactly(r *http.Request) io.ReadCloser {
	if r.Body == nil || r.ContentLength <= 0 {
		return r.Body
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(r.Body, r.ContentLength), r.Body}
}

// ServeHTTP passes a request on to the emulator.
func (c *Client) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.forward.ServeHTTP(w, r) }

// Forward sends r with body to the emulator and keeps the answer.
func (c *Client) Forward(ctx context.Context, r *http.Request, body []byte) *Answer {
	out := r.Clone(ctx)
	out.Body = io.NopCloser(bytes.NewReader(body))
	out.ContentLength = int64(len(body))
	return Record(c, out)
}

// Answer is a reply that is held back until it is known whether the caller may have it.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Record serves r and keeps the answer.
func Record(h http.Handler, r *http.Request) *Answer {
	a := &Answer{Status: http.StatusOK, Header: http.Header{}}
	h.ServeHTTP(recorder{a}, r)
	return a
}

// Release gives the answer to the caller, byte by byte as it came.
func (a *Answer) Release(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) //nolint:gosec // G705: the answer is the emulator's, for its own caller
}

// recorder writes into an answer.
type recorder struct{ answer *Answer }

func (r recorder) Header() http.Header    { return r.answer.Header }
func (r recorder) WriteHeader(status int) { r.answer.Status = status }
func (r recorder) Write(p []byte) (int, error) {
	r.answer.Body = append(r.answer.Body, p...)
	return len(p), nil
}
