package proxy

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
)

// A read is asked again when the emulator stumbles, a change is not.
func TestReadsAreAskedAgain(t *testing.T) {
	t.Parallel()
	for target, tc := range map[string]struct {
		stumbles, asked int32
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
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) <= tc.stumbles {
					w.WriteHeader(http.StatusInternalServerError)
				}
				_, _ = w.Write([]byte("{}"))
			}))
			t.Cleanup(server.Close)
			base, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			u := newUpstream(base, Config{AccessKeyID: "a", SecretAccessKey: "b", Region: "us-east-1"})
			err = u.json(t.Context(), "s", target, struct{}{}, nil)
			if (err != nil) != tc.fails || asked.Load() != tc.asked {
				t.Errorf("asked %d times, %v", asked.Load(), err)
			}
		})
	}
}
