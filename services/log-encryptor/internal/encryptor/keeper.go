package encryptor

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// Writer is what Keeper needs of CloudWatch Logs.
type Writer interface {
	AssociateKmsKey(context.Context, *cloudwatchlogs.AssociateKmsKeyInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.AssociateKmsKeyOutput, error)
	PutRetentionPolicy(context.Context, *cloudwatchlogs.PutRetentionPolicyInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutRetentionPolicyOutput, error)
}

// Keeper gives groups a key and a retention. Nothing else changes a group, so that the
// rule, the sweep and the custom resource follow the same policy.
type Keeper struct {
	Logs   Writer
	KeyARN string
}

// Result says what Keep found and did. Other means that the group has a different
// key, which is never removed; Gone that the group was deleted meanwhile.
type Result struct{ Encrypted, Retained, Other, Gone bool }

// Protected reports whether new lines are encrypted with a customer's key.
func (r Result) Protected(before Group) bool {
	return r.Encrypted || r.Gone || before.KeyARN != ""
}

// Keep encrypts a group without a key, and gives it the retention if it has none; 0
// leaves it without. It tries both even if the first one fails.
func (k *Keeper) Keep(ctx context.Context, g Group, retention int32) (Result, error) {
	r := Result{Other: g.KeyARN != "" && g.KeyARN != k.KeyARN}
	var failures []error
	if g.KeyARN == "" {
		_, err := k.Logs.AssociateKmsKey(ctx, &cloudwatchlogs.AssociateKmsKeyInput{LogGroupName: &g.Name, KmsKeyId: &k.KeyARN})
		if missing(err) {
			return Result{Gone: true}, nil
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("logs.AssociateKmsKey: %w", err))
		}
		r.Encrypted = err == nil
	}
	if g.RetentionDays == 0 && retention > 0 {
		retained, err := k.Retain(ctx, g, retention)
		if missing(err) {
			return Result{Gone: true}, nil
		}
		if err != nil {
			failures = append(failures, err)
		}
		r.Retained = retained
	}
	return r, errors.Join(failures...)
}

// Retain sets the retention, and reports whether a change was needed.
func (k *Keeper) Retain(ctx context.Context, g Group, days int32) (bool, error) {
	if g.FixedRetention || g.RetentionDays == days {
		return false, nil
	}
	if _, err := k.Logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &g.Name, RetentionInDays: &days}); err != nil {
		return false, fmt.Errorf("logs.PutRetentionPolicy: %w", err)
	}
	return true, nil
}

func missing(err error) bool {
	var gone *types.ResourceNotFoundException
	return errors.As(err, &gone)
}
