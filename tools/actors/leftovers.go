package actors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Leftover is the queue of an [Inbox] that nobody closed, because its run crashed.
type Leftover struct {
	// ID is the end of the queue's name: what NewID or Secret made.
	ID string
	// URL and Subscription are as in Inbox.
	URL, Subscription string
}

// Leftovers finds the inboxes whose names begin with a prefix and have the id of a run that
// crashed. With an error, those that were found have no subscriptions.
func Leftovers(
	ctx context.Context, queues sqs.ListQueuesAPIClient, topics sns.ListSubscriptionsByTopicAPIClient, topicARN, prefix string, now time.Time,
) ([]Leftover, error) {
	page, err := queues.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: &prefix, MaxResults: aws.Int32(1000)})
	if err != nil {
		return nil, fmt.Errorf("sqs.ListQueues: %w", err)
	}
	var found []Leftover
	for _, url := range page.QueueUrls {
		if _, id, ok := strings.Cut(url, "/"+prefix); ok && Abandoned(id, now) {
			found = append(found, Leftover{ID: id, URL: url})
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	subscriptions, err := subscriptionsOf(ctx, topics, topicARN, prefix)
	for i := range found {
		found[i].Subscription = subscriptions[found[i].ID]
	}
	return found, err
}

// subscriptionsOf are the ARNs of the inboxes' subscriptions, by the ids of their runs.
func subscriptionsOf(ctx context.Context, topics sns.ListSubscriptionsByTopicAPIClient, topicARN, prefix string) (map[string]string, error) {
	out := map[string]string{}
	for pages := sns.NewListSubscriptionsByTopicPaginator(topics, &sns.ListSubscriptionsByTopicInput{TopicArn: &topicARN}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return out, fmt.Errorf("sns.ListSubscriptionsByTopic: %w", err)
		}
		for _, s := range page.Subscriptions {
			if _, id, ok := strings.Cut(aws.ToString(s.Endpoint), ":"+prefix); ok {
				out[id] = aws.ToString(s.SubscriptionArn)
			}
		}
	}
	return out, nil
}

// Sweep deletes the inboxes of runs that crashed.
func Sweep(ctx context.Context, queues SweptQueues, topics SweptTopics, topicARN, prefix string, now time.Time) error {
	found, err := Leftovers(ctx, queues, topics, topicARN, prefix, now)
	for _, l := range found {
		err = errors.Join(err, (&Inbox{Queues: queues, Topics: topics, URL: l.URL, Subscription: l.Subscription}).Close(ctx))
	}
	return err
}

// SweptQueues is what Sweep needs of SQS.
type SweptQueues interface {
	Queues
	sqs.ListQueuesAPIClient
}

// SweptTopics is what Sweep needs of SNS.
type SweptTopics interface {
	Topics
	sns.ListSubscriptionsByTopicAPIClient
}
