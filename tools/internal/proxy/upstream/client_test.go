package upstream

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A read is retried when the emulator fails, a change is not.
func TestReadsAreRetried(t *testing.T) {
	t.Parallel()
	for target, tc := range map[string]struct {
		failures, calls int32
		fails           bool
	}{
		"S.AdminGetUser":        {1, 2, false},
		"S.DescribeLogGroups":   {2, 3, false},
		"S.ListUsers":           {3, 3, true},
		"S.AdminCreateUser":     {1, 1, true},
		"S.ConfirmSignUp":       {1, 1, true},
		"S.DescribeUserPool":    {0, 1, false},
		"S.AdminListGroupsUser": {1, 2, false},
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if calls.Add(1) <= tc.failures {
					w.WriteHeader(http.StatusInternalServerError)
				}
				_, _ = w.Write([]byte("{}"))
			}))
			t.Cleanup(server.Close)
			c, err := New(server.URL, "us-east-1", aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			err = c.JSON(t.Context(), "s", target, struct{}{}, nil)
			if (err != nil) != tc.fails || calls.Load() != tc.calls {
				t.Errorf("called %d times, %v", calls.Load(), err)
			}
		})
	}
}

// The emulator on a socket is reached like one on a port.
func TestSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var host atomic.Value
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { host.Store(r.Host) })}
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }()
	c, err := New("unix:"+path, "us-east-1", aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()); err != nil || host.Load() != "127.0.0.1" {
		t.Errorf("host %v, %v", host.Load(), err)
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost:4566/x", http.NoBody))
	if w.Code != http.StatusOK || host.Load() != "localhost:4566" {
		t.Errorf("status %d, host %v", w.Code, host.Load())
	}
	for _, bad := range []string{"unix:", "/path", "https://127.0.0.1:1"} {
		if _, err := New(bad, "us-east-1", aws.Credentials{}, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
