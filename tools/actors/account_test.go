package actors

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

func TestParameter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status        int
		answer        string
		want, wantErr string
	}{
		"there":      {http.StatusOK, `{"Parameter":{"Value":"the-url"}}`, "the-url", ""},
		"not_there":  {http.StatusBadRequest, `{"__type":"ParameterNotFound"}`, "", "no SSM parameter /gatehouse/dev/user-events/outbox-url: is user-events deployed there?"},
		"no_right":   {http.StatusBadRequest, `{"__type":"AccessDeniedException"}`, "", "ssm.GetParameter: "},
		"empty_body": {http.StatusOK, `{}`, "", "ssm.GetParameter: "},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.answer))
			}))
			t.Cleanup(srv.Close)
			cfg := aws.Config{
				Region: "us-east-1", BaseEndpoint: &srv.URL,
				Credentials: credentials.NewStaticCredentialsProvider("a", "s", ""),
			}
			got, err := Parameter(t.Context(), cfg, "dev", "user-events", "outbox-url")
			if got != tc.want || (err == nil) != (tc.wantErr == "") || err != nil && !strings.Contains(err.Error(), tc.wantErr) {
				t.Errorf("Parameter = %q, %v; want %q, %q", got, err, tc.want, tc.wantErr)
			}
		})
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	if err := Hint(fmt.Errorf("sqs.ListQueues: %w", syscall.ECONNREFUSED)); !strings.Contains(err.Error(), "make up") || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("no advice in %q", err)
	}
	other := errors.New("another")
	if err := Hint(other); !errors.Is(err, other) || err.Error() != "another" {
		t.Errorf("Hint(another) = %q", err)
	}
	if err := Hint(nil); err != nil {
		t.Errorf("Hint(nil) = %v", err)
	}
}
