package encryptor

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// NewRetryer slows the client down while CloudWatch Logs throttles: the quotas of the
// calls that change a group are a few a second, for the whole account. It also tries
// again when another call changes the same group.
func NewRetryer() aws.Retryer {
	adaptive := retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) { o.MaxAttempts = 8 })
	})
	return retry.AddWithErrorCodes(adaptive, "OperationAbortedException")
}
