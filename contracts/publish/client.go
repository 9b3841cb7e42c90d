package publish

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"
)

// client sends the SDK's requests. It is less than an http.Client on purpose: it
// never follows a redirect, for an AWS endpoint answers a bare GET with a way to
// its web page, and a signed call must not be sent on to another host.
type client struct{ http.RoundTripper }

func newClient() client {
	t := &http.Transport{
		MaxIdleConnsPerHost: 2,
		IdleConnTimeout:     10 * time.Minute,
		TLSHandshakeTimeout: topicTimeout,
		DisableCompression:  true, // an answer is a few hundred bytes
		Protocols:           new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true) // SNS and SQS speak nothing newer
	return client{t}
}

// Do reads the body before it sends the request. The SDK closes a body as soon
// as there is an answer; when the answer is quick, the transport still looks for
// the body's end, takes the closed body for a fault and cuts the answer off, and
// an event that SNS has taken would be sent again. A body in memory also leaves
// in one packet with its headers.
func (c client) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.ContentLength > 0 {
		body := make([]byte, req.ContentLength)
		_, err := io.ReadFull(req.Body, body)
		_ = req.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("io.ReadFull: %w", err)
		}
		req = req.WithContext(req.Context()) // a copy: a RoundTripper may not change its request
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	return c.RoundTrip(req)
}
