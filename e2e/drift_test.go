package e2e

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// gatehouse runs the command with the system's environment.
func (s *system) gatehouse(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return s.run(t, s.root+"/bin/gatehouse", args...)
}

// change is what somebody changed by hand, and what the commands say about it. The status
// shows the first differences, and names the command for the others.
type change struct {
	do            func(*testing.T, *system)
	drift, status string
}

// changes are one of each kind that the issue names.
func changes() map[string]change {
	return map[string]change{
		"permission_removed": {removePermission, "signin-audit/PreAuthenticationPermission", "PreAuthentication: Cognito may not call gatehouse-local-signin-audit-preauthentication:live; docs/playbooks/triggers-not-called.md"},
		"mapping_disabled":   {disableMapping, "user-events/MetricsSource", "Disabled; docs/playbooks/consumer-late.md"},
		"queue_policy":       {clearQueuePolicy, "policy of gatehouse-local-user-events-metrics: missing: TheTopicSends: Allow sqs:SendMessage", "gatehouse drift --environment local"},
		"triggers_wiped":     {wipeTriggers, "trigger PreSignUp: expected arn:aws:lambda", "PreSignUp: it is not in the pool; docs/playbooks/triggers-not-called.md"},
		"key_disabled":       {disableKey, "state: expected Enabled, is Disabled", "Disabled; gatehouse drift --environment local --repair"},
		"role_policy":        {deleteRolePolicy, "policy DrainFunctionRolePolicy0: missing: Allow sqs:ReceiveMessage", "gatehouse drift --environment local"},
		"subscription":       {unsubscribe, "user-events/MetricsSubscription", "gatehouse drift --environment local"},
		"concurrency":        {stopFunction, "ReservedConcurrentExecutions: expected nothing, is 0", "gatehouse drift --environment local"},
		"alarm_muted":        {muteAlarm, "ActionsEnabled: expected true, is false", "gatehouse drift --environment local"},
		"target_removed":     {removeTarget, "(gatehouse-local-user-events-accounts): target queue: expected", "gatehouse drift --environment local"},
	}
}

// TestDriftIsNamedAndRepaired changes everything by hand. `gatehouse drift` names it,
// `gatehouse status` shows it, the repair sets it back, and people sign in again. The
// unit tests change one thing at a time.
func TestDriftIsNamedAndRepaired(t *testing.T) {
	t.Parallel()
	s := alone(t)
	p := s.member(t)
	if out, err := s.gatehouse(t, "drift"); err != nil {
		t.Fatalf("of an environment that nobody changed: %v\n%s", err, out)
	}
	all := changes()
	permission := all["permission_removed"]
	permission.do(t, s)
	if err := p.SignInByPassword(t.Context(), password); err == nil {
		t.Error("somebody signs in although Cognito may not call the trigger")
	}
	s.namedAndRepaired(t, map[string]change{"permission_removed": permission})
	if err := p.SignInByPassword(t.Context(), password); err != nil {
		t.Errorf("after the repair of the permission: %v", err)
	}
	delete(all, "permission_removed")
	for _, one := range all {
		one.do(t, s)
	}
	s.namedAndRepaired(t, all)
	p.signIn(t)
}

// namedAndRepaired checks what the commands say about the changes, and has them repaired.
func (s *system) namedAndRepaired(t *testing.T, all map[string]change) {
	t.Helper()
	out, err := s.gatehouse(t, "drift", "--repair")
	if err == nil || !strings.Contains(out, "add --yes") {
		t.Errorf("repair without an answer: error %v\n%s", err, out)
	}
	screen, err := s.gatehouse(t, "status")
	if err == nil {
		t.Errorf("status of a changed environment: no error\n%s", screen)
	}
	for name, one := range all {
		if !strings.Contains(out, one.drift) {
			t.Errorf("%s: drift says nothing of %q:\n%s", name, one.drift, out)
		}
		if !strings.Contains(screen, one.status) {
			t.Errorf("%s: status says nothing of %q:\n%s", name, one.status, screen)
		}
	}
	if out, err = s.gatehouse(t, "drift", "--repair", "--yes"); err != nil {
		t.Errorf("repair: %v\n%s", err, out)
	}
}

// TestRepairLeavesADeny: what somebody added to stop an attack is shown and stays.
func TestRepairLeavesADeny(t *testing.T) {
	t.Parallel()
	s := alone(t)
	url := s.queue(t, "user-events-bridge-dlq")
	queue := s.clients(t).sqs
	before := must(queue.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNamePolicy}}))(t).Attributes["Policy"]
	deny := strings.Replace(before, `"Statement":[`, `"Statement":[{"Sid":"Incident","Effect":"Deny","Principal":"*","Action":"sqs:ReceiveMessage","Resource":"*"},`, 1)
	if deny == before {
		deny = strings.Replace(before, `"Statement": [`, `"Statement": [{"Sid":"Incident","Effect":"Deny","Principal":"*","Action":"sqs:ReceiveMessage","Resource":"*"},`, 1)
	}
	must(queue.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"Policy": deny}}))(t)
	out, err := s.gatehouse(t, "drift", "user-events", "--repair", "--yes")
	if err == nil || !strings.Contains(out, "added by hand: Incident: Deny") || !strings.Contains(out, "--remove-denies") || strings.Contains(out, "repaired") {
		t.Errorf("error %v\n%s", err, out)
	}
	if out, err := s.gatehouse(t, "drift", "user-events", "--repair", "--yes", "--remove-denies"); err != nil {
		t.Errorf("with --remove-denies: %v\n%s", err, out)
	}
}

func removePermission(t *testing.T, s *system) {
	c := s.clients(t).lambda
	function := aws.String("gatehouse-local-signin-audit-preauthentication")
	policy := must(c.GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: function, Qualifier: aws.String("live")}))(t)
	sid := between(aws.ToString(policy.Policy), `"Sid":`, `"`, `"`)
	must(c.RemovePermission(t.Context(), &lambda.RemovePermissionInput{FunctionName: function, Qualifier: aws.String("live"), StatementId: &sid}))(t)
}

func disableMapping(t *testing.T, s *system) {
	c := s.clients(t).lambda
	found := must(c.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: aws.String("gatehouse-local-user-events-metrics")}))(t).EventSourceMappings
	must(c.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: found[0].UUID, Enabled: aws.Bool(false)}))(t)
}

func clearQueuePolicy(t *testing.T, s *system) {
	url := s.queue(t, "user-events-metrics")
	must(s.clients(t).sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"Policy": ""}}))(t)
}

func wipeTriggers(t *testing.T, s *system) {
	must(s.clients(t).cognito.UpdateUserPool(t.Context(), &cognito.UpdateUserPoolInput{UserPoolId: s.pool(), LambdaConfig: &idp.LambdaConfigType{}}))(t)
}

func disableKey(t *testing.T, s *system) {
	key := s.env["TOPIC_KEY_ARN"]
	must(kms.NewFromConfig(s.env.Config()).DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &key}))(t)
}

func deleteRolePolicy(t *testing.T, s *system) {
	c := iam.NewFromConfig(s.env.Config())
	for pages := iam.NewListRolesPaginator(c, &iam.ListRolesInput{PathPrefix: aws.String("/gatehouse/local/user-events/")}); pages.HasMorePages(); {
		for _, role := range must(pages.NextPage(t.Context()))(t).Roles {
			if strings.Contains(aws.ToString(role.RoleName), "DrainFunctionRole") {
				must(c.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: role.RoleName, PolicyName: aws.String("DrainFunctionRolePolicy0")}))(t)
			}
		}
	}
}

func unsubscribe(t *testing.T, s *system) {
	c := s.clients(t).sns
	topic := s.env["TOPIC_ARN"]
	for pages := sns.NewListSubscriptionsByTopicPaginator(c, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic}); pages.HasMorePages(); {
		for _, one := range must(pages.NextPage(t.Context()))(t).Subscriptions {
			if strings.HasSuffix(aws.ToString(one.Endpoint), ":gatehouse-local-user-events-metrics") {
				must(c.Unsubscribe(t.Context(), &sns.UnsubscribeInput{SubscriptionArn: one.SubscriptionArn}))(t)
			}
		}
	}
}

func stopFunction(t *testing.T, s *system) {
	s.reserve(t, "gatehouse-local-user-events-bridge")
}

func muteAlarm(t *testing.T, s *system) {
	must(s.clients(t).cloudwatch.DisableAlarmActions(t.Context(), &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{"gatehouse-local-user-events-outbox-old"}}))(t)
}

func removeTarget(t *testing.T, s *system) {
	must(s.clients(t).events.RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: aws.String("gatehouse-local-user-events-accounts"), Ids: []string{"queue"}}))(t)
}
