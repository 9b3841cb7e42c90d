package encryptor_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"gatehouse.example/services/log-encryptor/internal/encryptor"
)

type describer struct {
	state types.KeyState
	spec  types.KeySpec
	err   error
}

func (d describer) DescribeKey(_ context.Context, in *kms.DescribeKeyInput, _ ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	return &kms.DescribeKeyOutput{KeyMetadata: &types.KeyMetadata{KeyId: in.KeyId, KeyState: d.state, KeySpec: d.spec}}, d.err
}

func TestUsable(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kms  describer
		want string
	}{
		"enabled":    {describer{state: types.KeyStateEnabled, spec: types.KeySpecSymmetricDefault}, ""},
		"disabled":   {describer{state: types.KeyStateDisabled, spec: types.KeySpecSymmetricDefault}, "Disabled"},
		"deleted":    {describer{state: types.KeyStatePendingDeletion, spec: types.KeySpecSymmetricDefault}, "PendingDeletion"},
		"asymmetric": {describer{state: types.KeyStateEnabled, spec: types.KeySpecEccNistP256}, "symmetric"},
		"no_answer":  {describer{err: &smithy.GenericAPIError{Code: "throttled", Message: "quoted"}}, "kms.DescribeKey: throttled"},
	} {
		err := (&encryptor.KMSKey{KMS: tc.kms, ARN: "arn:key"}).Usable(t.Context())
		if (tc.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
