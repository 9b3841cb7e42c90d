package encryptor_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"gatehouse.example/services/log-encryptor/internal/encryptor"
)

func TestNewRetryer(t *testing.T) {
	t.Parallel()
	r := encryptor.NewRetryer()
	if n := r.MaxAttempts(); n != 8 {
		t.Errorf("%d attempts", n)
	}
	for code, want := range map[string]bool{
		"ThrottlingException": true, "OperationAbortedException": true, "ServiceUnavailableException": false, "AccessDeniedException": false,
	} {
		err := &smithy.GenericAPIError{Code: code}
		if got := r.IsErrorRetryable(err); got != want {
			t.Errorf("%s: tried again %v", code, got)
		}
		if _, err := r.RetryDelay(1, err); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
	if d, _ := r.RetryDelay(1, errors.New("x")); d > 20*time.Second {
		t.Errorf("it waits %v", d)
	}
}
