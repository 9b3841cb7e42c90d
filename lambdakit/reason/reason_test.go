package reason_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"gatehouse.example/lambdakit/reason"
)

func TestOf(t *testing.T) {
	t.Parallel()
	status := func(code int, err error) error {
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: code}}, Err: err}
	}
	tests := map[string]struct {
		err  error
		want string
	}{
		"api_error": {
			&smithy.OperationError{ServiceID: "SNS", OperationName: "Publish", Err: status(403, &smithy.GenericAPIError{Code: "KMSAccessDenied", Message: "SECRET"})},
			"SNS.Publish KMSAccessDenied HTTP 403",
		},
		"unsafe_code": {&smithy.GenericAPIError{Code: "Bad\nCode SECRET@" + strings.Repeat("x", 100)}, "BadCodeSECRET" + strings.Repeat("x", 51)},
		"timeout":     {fmt.Errorf("sns.Publish: %w", context.DeadlineExceeded), "timeout"},
		"network":     {&net.OpError{Op: "dial", Err: errors.New("192.0.2.7 SECRET")}, "network dial"},
		"no_answer":   {status(500, errors.New("SECRET")), "*errors.errorString HTTP 500"},
		"any_other":   {fmt.Errorf("a: %w", errors.New("SECRET")), "*errors.errorString"},
		"joined_two":  {errors.Join(errors.New("SECRET"), context.DeadlineExceeded), "timeout"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := reason.Of(tc.err); got != tc.want {
				t.Errorf("Of = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSafe(t *testing.T) {
	t.Parallel()
	quoting := &smithy.GenericAPIError{Code: "AccessDenied", Message: "ann@example.org may not"}
	err := fmt.Errorf("kms.DescribeKey: %w", reason.Safe(quoting))
	var api smithy.APIError
	if err.Error() != "kms.DescribeKey: AccessDenied" || !errors.As(err, &api) || api.ErrorMessage() != quoting.Message {
		t.Errorf("Safe = %v", err)
	}
}
