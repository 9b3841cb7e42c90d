package wire_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse.example/lambdakit/publish/wire"
	"gatehouse.example/lambdakit/reason"
)

func publishBy(ctx context.Context, c caller) error {
	return c.Publish(ctx, topicARN, body, attributes())
}

// TestOnlyAnAcknowledgementCounts: an event is out of our hands when AWS has
// named it, and not before.
func TestOnlyAnAcknowledgementCounts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer http.HandlerFunc
		reason string // empty: taken
	}{
		"taken":          {takes, ""},
		"taken_and_more": {func(w http.ResponseWriter, r *http.Request) { takes(w, r); _, _ = w.Write(make([]byte, 1<<20)) }, ""},
		"empty":          {func(http.ResponseWriter, *http.Request) {}, "SNS.Publish *errors.errorString"},
		"a_page":         {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Please log in</html>") }, "SNS.Publish *errors.errorString"},
		"no_content":     {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }, "SNS.Publish UnknownError HTTP 204"},
		"redirect":       {http.RedirectHandler("http://no-such-host.invalid", http.StatusTemporaryRedirect).ServeHTTP, "SNS.Publish UnknownError HTTP 307"},
		"endless_error": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, strings.Repeat("x", 64<<10))
			}
		}, "SNS.Publish UnknownError HTTP 502"},
		"cut_before_the_answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "SNS.Publish *errors.errorString"},
		"cut_in_the_answer": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			takes(w, r)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "SNS.Publish *errors.errorString"},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "SNS.Publish timeout"},
		"hangs_in_the_answer": {func(w http.ResponseWriter, r *http.Request) {
			takes(w, r)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "SNS.Publish timeout"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			url, _ := serve(t, tc.answer)
			err := publishBy(ctx, wire.New(environment(url)))
			switch {
			case tc.reason == "" && err != nil:
				t.Errorf("Publish: %v", err)
			case tc.reason != "" && (err == nil || reason.Of(err) != tc.reason):
				t.Errorf("Publish: %v, want %s", err, tc.reason)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://127.0.0.1:1": "SNS.Publish network dial", "://": "SNS.Publish *errors.errorString",
	} {
		if err := publishBy(t.Context(), wire.New(environment(address))); err == nil || reason.Of(err) != want {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
}

// TestCallerGivesUp wants the caller's own error, by which the time limits know it.
func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, takes)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := publishBy(ctx, wire.New(environment(url))); !errors.Is(err, context.Canceled) {
		t.Errorf("Publish: %v", err)
	}
}

// TestErrorsKeepNothing: AWS quotes the request in its messages.
func TestErrorsKeepNothing(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>x-amz-security-token:TOKEN</Message></Error></ErrorResponse>`)
	})
	err := publishBy(t.Context(), wire.New(environment(url)))
	if err == nil || strings.Contains(err.Error(), "TOKEN") || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Errorf("Publish: %v", err)
	}
}
