package publish

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// closable stands for the body that the SDK gives away and closes when the answer is there.
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

// TestBodyOutlivesItsCaller plays a transport that looks for the end of the body
// when the caller has closed it already.
func TestBodyOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	given := &closable{Reader: strings.NewReader("event")}
	var sent *http.Request
	c := client{roundTrip(func(r *http.Request) (*http.Response, error) {
		sent = r
		return &http.Response{Body: http.NoBody}, nil
	})}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://sns.invalid", given)
	if err != nil {
		t.Fatalf("http.NewRequest: %v", err)
	}
	req.ContentLength = 5
	resp, err := c.Do(req)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	_ = resp.Body.Close()
	_ = given.Close()
	if body, err := io.ReadAll(sent.Body); err != nil || string(body) != "event" {
		t.Errorf("the transport reads %q, %v", body, err)
	}
	if req.Body != given {
		t.Error("the caller's request was changed")
	}
}

func TestShortBodyIsNotSent(t *testing.T) {
	t.Parallel()
	c := client{roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return nil, errors.New("sent")
	})}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://sns.invalid", &closable{Reader: strings.NewReader("eve")})
	if err != nil {
		t.Fatalf("http.NewRequest: %v", err)
	}
	req.ContentLength = 5
	if _, err := c.Do(req); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Do: %v", err)
	}
}
