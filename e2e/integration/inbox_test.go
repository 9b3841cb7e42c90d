package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// inbox is a queue that is subscribed to the topic with a filter, as another team
// would have one.
type inbox struct {
	client *sqs.Client
	url    string
	bodies []string
}

// subscribe makes an inbox that goes when the test ends.
func (e *environment) subscribe(t *testing.T, filter string) *inbox {
	t.Helper()
	topic, name := e.of(t, "user-events/topic-arn"), "gatehouse-"+e.name+"-canary-"+newID()
	part := strings.Split(topic, ":")
	if len(part) != 6 {
		t.Fatalf("the topic's ARN is %s", topic)
	}
	arn := strings.Join([]string{part[0], part[1], "sqs", part[3], part[4], name}, ":")
	queues, topics := sqs.NewFromConfig(e.cfg), sns.NewFromConfig(e.cfg)
	queue := must(queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{
		"SqsManagedSseEnabled": "true", "MessageRetentionPeriod": "3600",
		"Policy": fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},`+
			`"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, arn, topic),
	}}))(t)
	var subscription *string
	afterwards(t, func(ctx context.Context) error {
		var err error
		if subscription != nil {
			_, err = topics.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: subscription})
		}
		_, deleteErr := queues.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: queue.QueueUrl})
		return errors.Join(err, deleteErr)
	})
	out := must(topics.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &arn, ReturnSubscriptionArn: true,
		Attributes: map[string]string{"RawMessageDelivery": "true", "FilterPolicyScope": "MessageAttributes", "FilterPolicy": filter},
	}))(t)
	subscription = out.SubscriptionArn
	return &inbox{client: queues, url: aws.ToString(queue.QueueUrl)}
}

// look takes what has arrived since; the queue goes soon, so nothing is deleted.
func (in *inbox) look(t *testing.T) []string {
	t.Helper()
	out := must(in.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &in.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 2}))(t)
	for _, m := range out.Messages {
		in.bodies = append(in.bodies, aws.ToString(m.Body))
	}
	return in.bodies
}
