package drift

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const queueType = "AWS::SQS::Queue"

// queueAPI reads queues and sets them back.
type queueAPI interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	SetQueueAttributes(context.Context, *sqs.SetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.SetQueueAttributesOutput, error)
}

// queueAttributes are those of a queue; deleted reports that it does not exist.
func queueAttributes(ctx context.Context, api queueAPI, url string) (attributes map[string]string, deleted bool, err error) {
	out, err := api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	var missing *types.QueueDoesNotExist
	if errors.As(err, &missing) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("sqs.GetQueueAttributes: %w", err)
	}
	return out.Attributes, false, nil
}

func setQueueAttributes(ctx context.Context, api queueAPI, url string, attributes map[string]string) error {
	if _, err := api.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attributes}); err != nil {
		return fmt.Errorf("sqs.SetQueueAttributes: %w", err)
	}
	return nil
}

// queues compares AWS::SQS::Queue.
type queues struct{ api queueAPI }

// queueSettings are the properties that are compared. Their names are those of the
// attributes.
func queueSettings() []string {
	return []string{"DelaySeconds", "KmsMasterKeyId", "MessageRetentionPeriod", "RedriveAllowPolicy", "RedrivePolicy", "SqsManagedSseEnabled", "VisibilityTimeout"}
}

func (k queues) compare(ctx context.Context, r resource) ([]Finding, error) {
	attributes, deleted, err := queueAttributes(ctx, k.api, r.Physical)
	if deleted {
		return r.missing(), nil
	}
	if err != nil {
		return nil, err
	}
	have, defaults := map[string]any{}, map[string]any{}
	for _, name := range queueSettings() {
		value, is := attributes[name]
		switch {
		case !is || value == "":
		case strings.HasSuffix(name, "Policy"):
			have[name] = any(object(value))
		default:
			have[name] = value
		}
		if !strings.HasSuffix(name, "Policy") && name != "KmsMasterKeyId" {
			defaults[name] = have[name] // whatever AWS's default is
		}
	}
	f, changed := r.finding(have, defaults, queueSettings()...)
	if len(changed) == 0 {
		return nil, nil
	}
	f.Repair = "sqs.SetQueueAttributes"
	f.fix = func(ctx context.Context) error {
		set := map[string]string{}
		for _, name := range changed {
			text, err := attribute(r.props[name])
			if err != nil {
				return err
			}
			set[name] = text
		}
		return setQueueAttributes(ctx, k.api, r.Physical, set)
	}
	return []Finding{f}, nil
}

// attribute is a property as the attribute that SQS and SNS take.
func attribute(v any) (string, error) {
	switch v.(type) {
	case nil:
		return "", nil
	case map[string]any, []any:
		raw, err := json.Marshal(v)
		if err != nil {
			return "", fmt.Errorf("json.Marshal: %w", err)
		}
		return string(raw), nil
	}
	return fmt.Sprint(v), nil
}

// queuePolicies compares AWS::SQS::QueuePolicy.
type queuePolicies struct{ api queueAPI }

func (k queuePolicies) compare(ctx context.Context, r resource) ([]Finding, error) {
	if len(r.unresolved) > 0 {
		return nil, nil // reported with the resource
	}
	var all []Finding
	for _, url := range texts(r.props["Queues"]) {
		attributes, deleted, err := queueAttributes(ctx, k.api, url)
		if deleted {
			continue // reported with the queue
		}
		if err != nil {
			return nil, err
		}
		d, err := comparePolicies(r.props["PolicyDocument"], attributes["Policy"])
		if err != nil {
			return nil, err
		}
		all = append(all, r.policyFinding(d, "policy of "+queueName(url), "sqs.SetQueueAttributes", func(ctx context.Context) error {
			text, err := attribute(r.props["PolicyDocument"])
			if err != nil {
				return err
			}
			return setQueueAttributes(ctx, k.api, url, map[string]string{"Policy": text})
		})...)
	}
	return all, nil
}

// policyFinding has the differences of a policy, which one call sets back.
func (r resource) policyFinding(d policyDifference, name, repair string, fix func(context.Context) error) []Finding {
	lines := d.lines(name)
	if len(lines) == 0 {
		return nil
	}
	return []Finding{{Where: r.where(), Differences: lines, Repair: repair, fix: fix, denies: d.denials()}}
}

// isDeadLetterQueue reports whether messages end in the queue of that name.
func isDeadLetterQueue(name string) bool { return strings.HasSuffix(name, "-dlq") }

// queueName is the last part of a URL or an ARN of a queue.
func queueName(url string) string { return url[strings.LastIndex(url, "/")+1:] }
