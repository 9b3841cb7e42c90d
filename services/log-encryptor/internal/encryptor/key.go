package encryptor

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

// KMSKey asks KMS. While a key is disabled or waits for its deletion, CloudWatch
// Logs neither accepts nor shows lines, so this has an alarm of its own.
type KMSKey struct {
	KMS Describer
	ARN string
}

// Usable returns nil for an enabled, symmetric key.
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
		return fmt.Errorf("its key spec is %s; CloudWatch Logs takes symmetric keys only", key.KeySpec)
	}
	return nil
}
