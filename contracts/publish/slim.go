package publish

import (
	"fmt"

	"github.com/aws/smithy-go/middleware"
)

// slim takes the steps out of the SDK's Publish that do nothing for us: retries,
// which [try] makes with limits of its own, and what feeds them; hooks on which
// nobody hangs; notes of the answer that nobody reads. Serializing, signing, the
// trace header and the decoding of errors stay. A step that the SDK no longer has
// is an error, so that the first test after an upgrade finds it.
func slim(stack *middleware.Stack) error {
	for _, id := range []string{"InterceptBeforeRetryLoop", "Retry", "InterceptAttempt", "disableHTTPS", "setLegacyContextSigningOptions"} {
		if _, err := stack.Finalize.Remove(id); err != nil {
			return fmt.Errorf("FinalizeStep.Remove: %w", err)
		}
	}
	for _, id := range []string{"AddRawResponseToMetadata", "RequestIDRetriever", "RecordResponseTiming", "RequestResponseLogger"} {
		if _, err := stack.Deserialize.Remove(id); err != nil {
			return fmt.Errorf("DeserializeStep.Remove: %w", err)
		}
	}
	if _, err := stack.Build.Remove("ClientRequestID"); err != nil {
		return fmt.Errorf("BuildStep.Remove: %w", err)
	}
	return nil
}
