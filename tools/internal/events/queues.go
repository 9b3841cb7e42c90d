package events

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// suffix of the names of dead-letter queues.
const suffix = "-dlq"

// deadLetterQueue is a queue for messages that no consumer could handle.
type deadLetterQueue struct {
	name, url string
	messages  int
	// sources are the queues whose messages end here.
	sources []queue
}

type queue struct{ name, url string }

// directory is what find needs of SQS.
type directory interface {
	ListQueues(context.Context, *sqs.ListQueuesInput, ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// find lists the dead-letter queues whose names begin with prefix: those with
// the suffix, and those that a queue's redrive policy names. The policy, and
// not the name, tells where a message came from.
func find(ctx context.Context, client directory, prefix string) ([]deadLetterQueue, error) {
	byARN := map[string]*deadLetterQueue{}
	sources := map[string][]queue{}
	pages := sqs.NewListQueuesPaginator(client, &sqs.ListQueuesInput{QueueNamePrefix: &prefix, MaxResults: new(int32(1000))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("sqs.ListQueues: %w", err)
		}
		for _, url := range page.QueueUrls {
			out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
				types.QueueAttributeNameQueueArn, types.QueueAttributeNameRedrivePolicy, types.QueueAttributeNameApproximateNumberOfMessages,
			}})
			if err != nil {
				return nil, fmt.Errorf("sqs.GetQueueAttributes: %w", err)
			}
			name := path.Base(url)
			count, _ := strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"])
			byARN[out.Attributes["QueueArn"]] = &deadLetterQueue{name: name, url: url, messages: count}
			var policy struct {
				Target string `json:"deadLetterTargetArn"`
			}
			if json.Unmarshal([]byte(out.Attributes["RedrivePolicy"]), &policy) == nil && policy.Target != "" {
				sources[policy.Target] = append(sources[policy.Target], queue{name: name, url: url})
			}
		}
	}
	var found []deadLetterQueue
	for arn, q := range byARN {
		if q.sources = sources[arn]; len(q.sources) > 0 || strings.HasSuffix(q.name, suffix) {
			found = append(found, *q)
		}
	}
	slices.SortFunc(found, func(a, b deadLetterQueue) int { return strings.Compare(a.name, b.name) })
	return found, nil
}

// pick finds a dead-letter queue by its name, or by that of its source.
func pick(dlqs []deadLetterQueue, name string) (deadLetterQueue, error) {
	var names []string
	for _, q := range dlqs {
		if q.name == name || slices.ContainsFunc(q.sources, func(s queue) bool { return s.name == name }) {
			return q, nil
		}
		names = append(names, q.name)
	}
	return deadLetterQueue{}, fmt.Errorf("no dead-letter queue %q; there are:\n  %s", name, strings.Join(names, "\n  "))
}
