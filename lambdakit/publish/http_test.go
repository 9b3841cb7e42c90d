package publish

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// closable stands for the body that the SDK passes on and closes when the answer is there.
type closable struct {
	io.Reader
	closed bool
}

func (c *closable) Close() error {
	c.closed = true
	return nil
}

func (c *closable) Read(p []byte) (int, error) {
	if c.closed {
		return 0, errors.New("read after close")
	}
	return c.Reader.Read(p)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// post sends a body of five bytes, which the reader may not have.
func post(t *testing.T, body io.ReadCloser, f roundTrip) (*http.Request, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://sns.invalid", body)
	if err != nil {
		t.Fatalf("http.NewRequest: %v", err)
	}
	req.ContentLength = 5
	resp, err := httpClient{f}.Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return req, err
}

// TestBodyOutlivesItsCaller: a transport may look for the end of the body after
// the caller has closed it.
func TestBodyOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	given := &closable{Reader: strings.NewReader("event")}
	var sent *http.Request
	req, err := post(t, given, func(r *http.Request) (*http.Response, error) {
		sent = r
		return &http.Response{Body: http.NoBody}, nil
	})
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	_ = given.Close()
	if body, err := io.ReadAll(sent.Body); err != nil || string(body) != "event" {
		t.Errorf("the transport reads %q, %v", body, err)
	}
	again, err := sent.GetBody()
	if err != nil {
		t.Fatalf("GetBody: %v", err)
	}
	if body, err := io.ReadAll(again); err != nil || string(body) != "event" {
		t.Errorf("the transport reads %q the second time, %v", body, err)
	}
	if req.Body != given {
		t.Error("the caller's request was changed")
	}
}

func TestShortBodyIsNotSent(t *testing.T) {
	t.Parallel()
	_, err := post(t, &closable{Reader: strings.NewReader("eve")}, func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return nil, errors.New("sent")
	})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Do: %v", err)
	}
}
