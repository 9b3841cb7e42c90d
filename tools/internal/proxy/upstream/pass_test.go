package upstream

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// closedAfter fails like a server's body that is read after it was closed.
type closedAfter struct{ *strings.Reader }

func (c closedAfter) Read(p []byte) (int, error) {
	if c.Len() == 0 {
		return 0, http.ErrBodyReadAfterClose
	}
	return c.Reader.Read(p)
}

func (closedAfter) Close() error { return nil }

func TestExactlyDoesNotReadPastTheEnd(t *testing.T) {
	t.Parallel()
	r := &http.Request{Body: closedAfter{strings.NewReader("hello")}, ContentLength: 5}
	got, err := io.ReadAll(exactly(r))
	if err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v, want the whole body without an error", got, err)
	}
}
