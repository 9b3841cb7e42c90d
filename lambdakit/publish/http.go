package publish

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"time"

	"gatehouse.example/lambdakit/function"
)

// maxAnswer bounds what is read of an answer. AWS's have a few hundred bytes.
const maxAnswer = 64 << 10

// httpClient sends the SDK's requests. It is not an http.Client because it must
// not follow redirects: a signed call must not be sent on to another host.
type httpClient struct{ http.RoundTripper }

// newHTTPClient makes a client that trusts Amazon's roots first, or the machine's only.
func newHTTPClient(machineRoots bool) httpClient {
	machine := newTransport(nil)
	if machineRoots {
		return httpClient{machine}
	}
	return httpClient{&amazonFirst{amazon: newTransport(amazonRoots()), machine: machine}}
}

// newTransport makes a transport that trusts these roots, or the machine's if nil.
func newTransport(roots *x509.CertPool) *http.Transport {
	t := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 2,
		IdleConnTimeout:     10 * time.Minute,
		TLSHandshakeTimeout: time.Second, // a handshake goes on after its caller has given up
		DisableCompression:  true,        // an answer is a few hundred bytes
		Protocols:           new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true) // SNS and SQS offer nothing newer
	return t
}

// Do sends a request with its body in memory.
func (c httpClient) Do(req *http.Request) (*http.Response, error) {
	req, err := function.InMemory(req)
	if err != nil {
		return nil, fmt.Errorf("function.InMemory: %w", err)
	}
	resp, err := c.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}
