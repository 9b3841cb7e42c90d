package drift

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const keyType = "AWS::KMS::Key"

// keyAPI reads keys and sets them back.
type keyAPI interface {
	CancelKeyDeletion(context.Context, *kms.CancelKeyDeletionInput, ...func(*kms.Options)) (*kms.CancelKeyDeletionOutput, error)
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
	DisableKey(context.Context, *kms.DisableKeyInput, ...func(*kms.Options)) (*kms.DisableKeyOutput, error)
	EnableKey(context.Context, *kms.EnableKeyInput, ...func(*kms.Options)) (*kms.EnableKeyOutput, error)
	EnableKeyRotation(context.Context, *kms.EnableKeyRotationInput, ...func(*kms.Options)) (*kms.EnableKeyRotationOutput, error)
	GetKeyPolicy(context.Context, *kms.GetKeyPolicyInput, ...func(*kms.Options)) (*kms.GetKeyPolicyOutput, error)
	GetKeyRotationStatus(context.Context, *kms.GetKeyRotationStatusInput, ...func(*kms.Options)) (*kms.GetKeyRotationStatusOutput, error)
	PutKeyPolicy(context.Context, *kms.PutKeyPolicyInput, ...func(*kms.Options)) (*kms.PutKeyPolicyOutput, error)
}

// keys compares AWS::KMS::Key: its state, its policy and its rotation.
type keys struct{ api keyAPI }

func (k keys) compare(ctx context.Context, r resource) ([]Finding, error) {
	out, err := k.api.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &r.Physical})
	var missing *types.NotFoundException
	if errors.As(err, &missing) {
		return []Finding{{Where: r.where(), Differences: []string{"it does not exist"}, Hint: "a deleted key cannot be restored, and nothing can decrypt with it"}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kms.DescribeKey: %w", err)
	}
	state := out.KeyMetadata.KeyState
	all := k.state(r, out.KeyMetadata)
	policy, failed := k.policy(ctx, r)
	all, err = append(all, policy...), errors.Join(err, failed)
	if state != types.KeyStatePendingDeletion { // KMS refuses to rotate it
		rotation, failed := k.rotation(ctx, r)
		all, err = append(all, rotation...), errors.Join(err, failed)
	}
	return all, err
}

// state compares whether the key can be used.
func (k keys) state(r resource, key *types.KeyMetadata) []Finding {
	want := types.KeyStateEnabled
	if scalar(r.props["Enabled"]) == "false" {
		want = types.KeyStateDisabled
	}
	state := key.KeyState
	if state == want {
		return nil
	}
	line := fmt.Sprintf("state: expected %s, is %s", want, state)
	f := Finding{Where: r.where(), Repair: "kms.EnableKey"}
	switch {
	case state == types.KeyStatePendingDeletion:
		f.Repair = "kms.CancelKeyDeletion, kms.EnableKey"
		if key.DeletionDate != nil {
			line += " on " + key.DeletionDate.UTC().Format("2006-01-02 15:04 MST")
		}
	case want == types.KeyStateDisabled:
		f.Repair = "kms.DisableKey"
	case state != types.KeyStateDisabled:
		f.Repair, f.Hint = "", "aws kms describe-key --key-id "+r.Physical
	}
	f.Differences = []string{line}
	if f.Repair != "" {
		f.fix = func(ctx context.Context) error { return k.set(ctx, r, state, want) }
	}
	return []Finding{f}
}

func (k keys) set(ctx context.Context, r resource, state, want types.KeyState) error {
	if state == types.KeyStatePendingDeletion { // it is disabled afterwards
		if _, err := k.api.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &r.Physical}); err != nil {
			return fmt.Errorf("kms.CancelKeyDeletion: %w", err)
		}
	}
	if want == types.KeyStateDisabled {
		if _, err := k.api.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &r.Physical}); err != nil {
			return fmt.Errorf("kms.DisableKey: %w", err)
		}
		return nil
	}
	if _, err := k.api.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &r.Physical}); err != nil {
		return fmt.Errorf("kms.EnableKey: %w", err)
	}
	return nil
}

// defaultPolicy is the only name that a key's policy can have.
const defaultPolicy = "default"

func (k keys) policy(ctx context.Context, r resource) ([]Finding, error) {
	want, given := r.props["KeyPolicy"]
	if !given {
		return nil, nil
	}
	out, err := k.api.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &r.Physical, PolicyName: aws.String(defaultPolicy)})
	if err != nil {
		return nil, fmt.Errorf("kms.GetKeyPolicy: %w", err)
	}
	d, err := comparePolicies(want, aws.ToString(out.Policy))
	if err != nil {
		return nil, err
	}
	return r.policyFinding(d, "policy", "kms.PutKeyPolicy", func(ctx context.Context) error {
		text, err := attribute(want)
		if err != nil {
			return err
		}
		if _, err := k.api.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &r.Physical, PolicyName: aws.String(defaultPolicy), Policy: &text}); err != nil {
			return fmt.Errorf("kms.PutKeyPolicy: %w", err)
		}
		return nil
	}), nil
}

func (k keys) rotation(ctx context.Context, r resource) ([]Finding, error) {
	if scalar(r.props["EnableKeyRotation"]) != "true" {
		return nil, nil
	}
	out, err := k.api.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &r.Physical})
	if err != nil {
		return nil, fmt.Errorf("kms.GetKeyRotationStatus: %w", err)
	}
	f, changed := r.finding(map[string]any{"EnableKeyRotation": out.KeyRotationEnabled}, nil, "EnableKeyRotation")
	if !slices.Contains(changed, "EnableKeyRotation") {
		return nil, nil
	}
	f.Repair = "kms.EnableKeyRotation"
	f.fix = func(ctx context.Context) error {
		if _, err := k.api.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &r.Physical}); err != nil {
			return fmt.Errorf("kms.EnableKeyRotation: %w", err)
		}
		return nil
	}
	return []Finding{f}, nil
}
