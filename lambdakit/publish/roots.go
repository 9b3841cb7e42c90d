package publish

import (
	"crypto/tls"
	"crypto/x509"
	_ "embed" // roots.pem
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
)

// rootsPEM holds the roots that AWS's endpoints chain to. Go would read all roots of the
// machine, and in the layout of Amazon Linux three times: the largest part of a cold start.
//
//go:embed roots.pem
var rootsPEM []byte

func amazonRoots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(rootsPEM)
	return pool
}

// amazonFirst verifies a server against Amazon's roots. If that fails, it verifies the
// server against the machine's roots, on a connection of their own, and keeps to them:
// AWS may change the roots of its endpoints, and promises none. No connection is used
// without a verified chain.
type amazonFirst struct {
	amazon, machine http.RoundTripper
	failed          atomic.Bool
}

func (t *amazonFirst) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.failed.Load() {
		return t.machine.RoundTrip(req)
	}
	resp, err := t.amazon.RoundTrip(req)
	var unverified *tls.CertificateVerificationError
	if !errors.As(err, &unverified) {
		return resp, err
	}
	t.failed.Store(true)
	// The handshake failed, so nothing was sent. RoundTrip may have closed the body.
	again := req.WithContext(req.Context())
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, fmt.Errorf("http.Request.GetBody: %w", err)
		}
	}
	return t.machine.RoundTrip(again)
}
