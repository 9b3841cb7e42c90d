package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
)

// TestEventsReachTheBus subscribes to the bus as another team would, with a rule.
func TestEventsReachTheBus(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.clients(t)
	ctx, name, bus := t.Context(), "e2e-"+uuid.NewString(), aws.String(s.env["BUS_NAME"])
	rule := must(c.events.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: &name, EventBusName: bus,
		EventPattern: aws.String(`{"source":["gatehouse.user-events"],"detail-type":["` + contracts.TypeSigninSucceeded + `"]}`),
	}))(t)
	queue := must(c.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name}))(t)
	arn := must(c.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{"QueueArn"},
	}))(t).Attributes["QueueArn"]
	must(c.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: queue.QueueUrl, Attributes: map[string]string{
		"Policy": fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},
			"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, arn, *rule.RuleArn),
	}}))(t)
	must(c.events.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: &name, EventBusName: bus, Targets: []ebtypes.Target{{Id: aws.String("queue"), Arn: &arn}},
	}))(t)

	p := s.member(t)
	p.signIn(t)
	eventually(t, "the sign-in on the bus", func() bool {
		out := must(c.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10}))(t)
		for _, m := range out.Messages {
			if body := aws.ToString(m.Body); strings.Contains(body, p.Sub) && strings.Contains(body, contracts.TypeSigninSucceeded) {
				return true
			}
		}
		return false
	})
}
