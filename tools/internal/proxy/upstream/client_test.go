package upstream

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
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
