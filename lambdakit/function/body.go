package function

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// InMemory is a request of the SDK with its body in memory; the SDK keeps its own request.
//
// The SDK closes a body as soon as there is an answer. When the answer is quick, the
// transport still looks for the body's end, takes the closed body for an error and cuts the
// answer off, and a call that AWS has accepted is made again. And the transport sends the
// headers of a body that is not in memory by themselves, in a packet of their own.
func InMemory(req *http.Request) (*http.Request, error) {
	if req.Body == nil || req.ContentLength <= 0 {
		return req, nil
	}
	body := make([]byte, req.ContentLength)
	_, err := io.ReadFull(req.Body, body)
	_ = req.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("io.ReadFull: %w", err)
	}
	req = req.WithContext(req.Context()) // a copy
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return req, nil
}
