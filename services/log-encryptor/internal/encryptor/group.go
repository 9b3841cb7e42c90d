package encryptor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"gatehouse.example/lambdakit/reason"
)

// pageSize is the maximum of DescribeLogGroups.
const pageSize = 50

// Group is the state of a log group.
type Group struct {
	Name string
	ARN  string
	// KeyARN is empty for a group that is encrypted with CloudWatch Logs' own key.
	KeyARN string
	// RetentionDays is 0 for a group that keeps its lines forever.
	RetentionDays int32
	// FixedRetention is set for a class whose retention cannot be changed.
	FixedRetention bool
}

// Directory finds log groups.
type Directory struct {
	Logs cloudwatchlogs.DescribeLogGroupsAPIClient
}

// List calls each for every group with this prefix, page by page, until each returns
// false.
func (d *Directory) List(ctx context.Context, prefix string, each func(Group) bool) error {
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(d.Logs, &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePrefix: &prefix, Limit: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("logs.DescribeLogGroups: %w", reason.Safe(err))
		}
		for _, g := range page.LogGroups {
			if !each(toGroup(g)) {
				return nil
			}
		}
	}
	return nil
}

// Find reads one group. The only call for it lists all groups whose names begin with
// its name.
func (d *Directory) Find(ctx context.Context, name string) (found Group, ok bool, err error) {
	err = d.List(ctx, name, func(g Group) bool {
		if g.Name == name {
			found, ok = g, true
		}
		return !ok
	})
	return found, ok, err
}

func toGroup(g types.LogGroup) Group {
	arn := aws.ToString(g.LogGroupArn)
	return Group{
		Name: aws.ToString(g.LogGroupName), ARN: arn, KeyARN: aws.ToString(g.KmsKeyId), RetentionDays: aws.ToInt32(g.RetentionInDays),
		FixedRetention: g.LogGroupClass == types.LogGroupClassDelivery,
	}
}

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
			failures = append(failures, fmt.Errorf("logs.AssociateKmsKey: %w", reason.Safe(err)))
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
		return false, fmt.Errorf("logs.PutRetentionPolicy: %w", reason.Safe(err))
	}
	return true, nil
}

func missing(err error) bool {
	var gone *types.ResourceNotFoundException
	return errors.As(err, &gone)
}

// Prefixes select the log groups that a stack is responsible for: names with a
// prefix of Include and none of Exclude. An empty prefix selects nothing.
type Prefixes struct{ Include, Exclude []string }

// ParsePrefixes reads two comma-separated lists, as CloudFormation passes them.
func ParsePrefixes(include, exclude string) Prefixes {
	return Prefixes{Include: list(include), Exclude: list(exclude)}
}

func list(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Covers reports whether a group of this name is selected.
func (p Prefixes) Covers(name string) bool {
	return startsWithAny(name, p.Include) && !startsWithAny(name, p.Exclude)
}

// Roots are the included prefixes without those that begin with another one, so
// that no group is listed twice.
func (p Prefixes) Roots() []string {
	var out []string
	for _, prefix := range slices.Sorted(slices.Values(p.Include)) {
		// In order, a prefix comes before everything that begins with it.
		if !startsWithAny(prefix, out) {
			out = append(out, prefix)
		}
	}
	return out
}

func startsWithAny(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}
