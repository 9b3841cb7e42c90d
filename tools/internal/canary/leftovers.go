package canary

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/tools/actors"
)

const (
	// sweepLimit bounds the deletion of what others left.
	sweepLimit = 15 * time.Second
	// sweepRuns is how many crashed runs one run cleans up after.
	sweepRuns = 10
)

// sweep deletes what canaries left that crashed. A run makes its queue first and deletes
// it last, and the queue's name has the secret in the user's address, so each queue leads
// to one user. The pool is not searched: strangers may sign up any number of users with
// similar addresses. What cannot be deleted stays for a later run, and fails nothing.
func (c *canary) sweep(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, sweepLimit)
	defer cancel()
	crashed, err := c.crashed(ctx)
	if err != nil || len(crashed) == 0 {
		return left("none", err)
	}
	subscriptions, err := c.subscriptions(ctx)
	deleted := 0
	for _, queue := range crashed[:min(sweepRuns, len(crashed))] {
		gone := c.remove(ctx, queue, subscriptions[queue.name])
		if err = errors.Join(err, gone); gone == nil {
			deleted++
		}
	}
	return left(fmt.Sprintf("deleted those of %d of %d canaries that crashed", deleted, len(crashed)), err)
}

// queue is one of a crashed run; its name is the run's secret.
type queue struct{ name, url string }

// crashed finds the queues of runs that crashed.
func (c *canary) crashed(ctx context.Context) ([]queue, error) {
	prefix := actors.QueuePrefix(c.names.environment)
	page, err := c.aws.queues.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: &prefix, MaxResults: aws.Int32(1000)})
	if err != nil {
		return nil, fmt.Errorf("sqs.ListQueues: %w", err)
	}
	var out []queue
	for _, url := range page.QueueUrls {
		if _, name, found := strings.Cut(url, "/"+prefix); found && actors.Abandoned(name, c.started) {
			out = append(out, queue{name, url})
		}
	}
	return out, nil
}

// subscriptions are the ARNs of the canaries' subscriptions, by the names of their runs.
func (c *canary) subscriptions(ctx context.Context) (map[string]string, error) {
	out, prefix := map[string]string{}, actors.QueuePrefix(c.names.environment)
	for pages := sns.NewListSubscriptionsByTopicPaginator(c.aws.topics, &sns.ListSubscriptionsByTopicInput{TopicArn: &c.names.topic}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return out, fmt.Errorf("sns.ListSubscriptionsByTopic: %w", err)
		}
		for _, s := range page.Subscriptions {
			if _, name, found := strings.Cut(aws.ToString(s.Endpoint), ":"+prefix); found {
				out[name] = aws.ToString(s.SubscriptionArn)
			}
		}
	}
	return out, nil
}

// remove deletes the queue last: as long as it is there, a later run finds the rest.
func (c *canary) remove(ctx context.Context, q queue, subscription string) error {
	user := actors.Person{Pool: c.aws.pool, PoolID: c.names.pool, Email: actors.SyntheticAddress(q.name)}
	if err := user.Delete(ctx); err != nil {
		return err
	}
	return (&actors.Inbox{Queues: c.aws.queues, Topics: c.aws.topics, URL: q.url, Subscription: subscription}).Close(ctx)
}

// left reports what could not be deleted as something seen, not as a failure: it says
// nothing about the environment.
func left(detail string, err error) (string, error) {
	if err != nil {
		detail += "; left for a later run: " + strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return strings.TrimPrefix(detail, "; "), nil
}

// cleanUp deletes everything that this run may have made, also after a failure, a
// timeout or an interruption.
func (c *canary) cleanUp(ctx context.Context) {
	interrupted := errors.Is(ctx.Err(), context.Canceled)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpLimit)
	defer cancel()
	var stays error
	c.report.step(ctx, "user deleted", func(ctx context.Context) (string, error) {
		stays = c.person.Delete(ctx)
		for _, a := range c.refused {
			stays = errors.Join(stays, a.person.Delete(ctx))
		}
		return left("", stays)
	})
	c.report.step(ctx, "queue deleted", func(ctx context.Context) (string, error) {
		if stays != nil {
			c.inbox.URL = "" // a later run finds the user by the queue
		}
		return left("and its subscription", c.inbox.Close(ctx))
	})
	if !interrupted {
		c.report.step(ctx, "leftovers", c.sweep)
	}
}
