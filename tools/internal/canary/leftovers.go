package canary

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/tools/actors"
)

// sweep deletes what canaries left that crashed.
func (c *canary) sweep(ctx context.Context) (string, error) {
	n := map[string]int{}
	for what, remove := range map[string]func(context.Context) (int, error){
		"users": c.sweepUsers, "queues": c.sweepQueues, "subscriptions": c.sweepSubscriptions,
	} {
		var err error
		if n[what], err = remove(ctx); err != nil {
			return "", err
		}
	}
	if n["users"]+n["queues"]+n["subscriptions"] == 0 {
		return "none", nil
	}
	return fmt.Sprintf("deleted %d users, %d queues and %d subscriptions of canaries that crashed", n["users"], n["queues"], n["subscriptions"]), nil
}

func (c *canary) sweepUsers(ctx context.Context) (int, error) {
	n := 0
	for pages := cognito.NewListUsersPaginator(c.aws.pool, &cognito.ListUsersInput{
		UserPoolId: &c.names.pool, Filter: aws.String(`email ^= "` + actors.SyntheticPrefix + `"`), AttributesToGet: []string{"email"},
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return n, fmt.Errorf("cognito.ListUsers: %w", err)
		}
		for _, user := range page.Users {
			if !actors.Abandoned(actors.IDOfAddress(emailOf(user)), c.started) {
				continue
			}
			left := *c.person
			left.Email = aws.ToString(user.Username)
			if err := left.Delete(ctx); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

func emailOf(user types.UserType) string {
	for _, a := range user.Attributes {
		if aws.ToString(a.Name) == "email" {
			return aws.ToString(a.Value)
		}
	}
	return ""
}

func (c *canary) sweepQueues(ctx context.Context) (int, error) {
	n, prefix := 0, actors.QueuePrefix(c.names.environment)
	for pages := sqs.NewListQueuesPaginator(c.aws.queues, &sqs.ListQueuesInput{QueueNamePrefix: &prefix, MaxResults: aws.Int32(1000)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return n, fmt.Errorf("sqs.ListQueues: %w", err)
		}
		for _, url := range page.QueueUrls {
			if _, id, found := strings.Cut(url, "/"+prefix); !found || !actors.Abandoned(id, c.started) {
				continue
			}
			if err := (&actors.Inbox{Queues: c.aws.queues, URL: url}).Close(ctx); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

func (c *canary) sweepSubscriptions(ctx context.Context) (int, error) {
	n, prefix := 0, actors.QueuePrefix(c.names.environment)
	for pages := sns.NewListSubscriptionsByTopicPaginator(c.aws.topics, &sns.ListSubscriptionsByTopicInput{TopicArn: &c.names.topic}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return n, fmt.Errorf("sns.ListSubscriptionsByTopic: %w", err)
		}
		for _, s := range page.Subscriptions {
			if _, id, found := strings.Cut(aws.ToString(s.Endpoint), ":"+prefix); !found || !actors.Abandoned(id, c.started) {
				continue
			}
			if err := (&actors.Inbox{Topics: c.aws.topics, Subscription: aws.ToString(s.SubscriptionArn)}).Close(ctx); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}
