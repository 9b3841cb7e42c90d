package e2e

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const operatorRole = "arn:aws:iam::000000000000:role/gatehouse/local/user-events/gatehouse-local-user-events-operator"

// assume is the same system as a role's session.
func (s *system) assume(t *testing.T, role, session string) *system {
	t.Helper()
	out := must(sts.NewFromConfig(s.env.Config()).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &session}))(t)
	return s.as(aws.ToString(out.Credentials.AccessKeyId), aws.ToString(out.Credentials.SecretAccessKey), aws.ToString(out.Credentials.SessionToken))
}

// operator may replay and recover events.
func (s *system) operator(t *testing.T) *system {
	t.Helper()
	return s.assume(t, operatorRole, "test")
}

// consumer is the role of the function that reads a queue, in the hands of Lambda.
func (s *system) consumer(t *testing.T, queue string) *system {
	t.Helper()
	c := s.clients(t)
	arn := must(c.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	}))(t).Attributes["QueueArn"]
	sources := must(c.lambda.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{EventSourceArn: &arn}))(t).EventSourceMappings
	if len(sources) != 1 {
		t.Fatalf("%d functions read %s, want one", len(sources), nameOf(queue))
	}
	function := must(c.lambda.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: sources[0].FunctionArn}))(t)
	return s.assume(t, aws.ToString(function.Role), "lambda.amazonaws.com@test")
}

// TestOnlySendersMaySendToQueues: neither an administrator nor the operator can put a
// message into a queue that is not theirs.
func TestOnlySendersMaySendToQueues(t *testing.T) {
	t.Parallel()
	s := start(t)
	operator, tried := s.operator(t), 0
	denied := func(who *system, queue string) bool {
		_, err := who.clients(t).sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: aws.String("not an event")})
		return err != nil && strings.Contains(err.Error(), "AccessDenied")
	}
	for _, queue := range s.queues(t) {
		name := nameOf(queue)
		if !strings.HasPrefix(name, "gatehouse-local-user-events-") && !strings.HasPrefix(name, "gatehouse-local-signin-audit-") && !strings.HasPrefix(name, "gatehouse-local-log-encryptor-") {
			continue // of a test
		}
		tried++
		if !denied(s, queue) {
			t.Errorf("%s accepts messages of the root user", name)
		}
		if closed := strings.HasSuffix(name, "-dlq") || strings.HasSuffix(name, "-failed") || strings.Contains(name, "client-events"); closed && !denied(operator, queue) {
			t.Errorf("%s accepts messages of the operator", name)
		}
	}
	if tried < 13 {
		t.Errorf("tried only %d queues", tried)
	}
}
