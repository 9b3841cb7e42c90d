package sweep

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Describer is what KMSKey needs of KMS.
type Describer interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// KMSKey asks KMS. With a key that is disabled or about to be deleted, CloudWatch
// Logs neither takes nor shows lines, so this is worth an alarm of its own.
type KMSKey struct {
	KMS Describer
	ARN string
}

// Usable is nil for an enabled key that encrypts.
func (k *KMSKey) Usable(ctx context.Context) error {
	out, err := k.KMS.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &k.ARN})
	if err != nil {
		return fmt.Errorf("kms.DescribeKey: %w", err)
	}
	key := out.KeyMetadata
	if key.KeyState != types.KeyStateEnabled {
		return fmt.Errorf("its state is %s; enable it, or cancel its deletion, before logs are lost", key.KeyState)
	}
	if key.KeySpec != types.KeySpecSymmetricDefault {
		return fmt.Errorf("it is a key of kind %s, and CloudWatch Logs takes symmetric ones only", key.KeySpec)
	}
	return nil
}
