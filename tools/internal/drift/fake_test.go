package drift

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	inAccount = ":eu-central-1:111122223333:"
	functionA = "arn:aws:lambda" + inAccount + "function:f"
)

// in makes a resource of a stack of the environment test.
func in(typ, physical string, props map[string]any) resource {
	s := &stack{Name: "gatehouse-test-signin-audit", Path: "signin-audit", id: arn.ARN{Partition: "aws", Service: "cloudformation", Region: "eu-central-1", AccountID: "111122223333", Resource: "stack/s/1"}}
	r := resource{stack: s, ID: "R", Type: typ, Physical: physical, props: props, unresolved: map[string]error{}}
	s.resources = []resource{r}
	return r
}

// cloud is the services with one resource of each kind. It is as AWS's, as far as the
// comparisons use it.
type cloud struct {
	function lambda.GetFunctionConfigurationOutput
	reserved *int32
	alias    lambda.GetAliasOutput
	policy   []map[string]any // of the alias
	mapping  *lambda.GetEventSourceMappingOutput
	queue    map[string]string
	topic    map[string]string
	filter   map[string]string // the subscription's attributes; nil if it is gone
	inline   map[string]string
	attached []string
	trust    string
	boundary string
	key      kmstypes.KeyState
	keys     string // the key's policy
	rotates  bool
	pool     idp.UserPoolType
	alarm    *cwtypes.MetricAlarm
	rule     eventbridge.DescribeRuleOutput
	sends    []ebtypes.Target // the rule's
	refuses  bool             // targets
	calls    []string
}

func (c *cloud) did(call string) { c.calls = append(c.calls, call) }

func (c *cloud) GetFunctionConfiguration(context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	out := c.function
	return &out, nil
}

func (c *cloud) GetFunctionConcurrency(context.Context, *lambda.GetFunctionConcurrencyInput, ...func(*lambda.Options)) (*lambda.GetFunctionConcurrencyOutput, error) {
	return &lambda.GetFunctionConcurrencyOutput{ReservedConcurrentExecutions: c.reserved}, nil
}

func (c *cloud) PutFunctionConcurrency(_ context.Context, in *lambda.PutFunctionConcurrencyInput, _ ...func(*lambda.Options)) (*lambda.PutFunctionConcurrencyOutput, error) {
	c.did("PutFunctionConcurrency")
	c.reserved = in.ReservedConcurrentExecutions
	return &lambda.PutFunctionConcurrencyOutput{}, nil
}

func (c *cloud) DeleteFunctionConcurrency(context.Context, *lambda.DeleteFunctionConcurrencyInput, ...func(*lambda.Options)) (*lambda.DeleteFunctionConcurrencyOutput, error) {
	c.did("DeleteFunctionConcurrency")
	c.reserved = nil
	return &lambda.DeleteFunctionConcurrencyOutput{}, nil
}

func (c *cloud) UpdateFunctionConfiguration(_ context.Context, in *lambda.UpdateFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionConfigurationOutput, error) {
	c.did("UpdateFunctionConfiguration")
	if in.Timeout != nil {
		c.function.Timeout = in.Timeout
	}
	if in.Environment != nil {
		c.function.Environment = &types.EnvironmentResponse{Variables: in.Environment.Variables}
	}
	if in.TracingConfig != nil {
		c.function.TracingConfig = &types.TracingConfigResponse{Mode: in.TracingConfig.Mode}
	}
	return &lambda.UpdateFunctionConfigurationOutput{}, nil
}

func (c *cloud) GetAlias(context.Context, *lambda.GetAliasInput, ...func(*lambda.Options)) (*lambda.GetAliasOutput, error) {
	out := c.alias
	return &out, nil
}

func (c *cloud) UpdateAlias(_ context.Context, in *lambda.UpdateAliasInput, _ ...func(*lambda.Options)) (*lambda.UpdateAliasOutput, error) {
	c.did("UpdateAlias")
	c.alias.FunctionVersion, c.alias.RoutingConfig = in.FunctionVersion, nil
	return &lambda.UpdateAliasOutput{}, nil
}

func (c *cloud) GetPolicy(context.Context, *lambda.GetPolicyInput, ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error) {
	if len(c.policy) == 0 {
		return nil, &types.ResourceNotFoundException{}
	}
	text, err := attribute(map[string]any{"Statement": anys(c.policy)})
	return &lambda.GetPolicyOutput{Policy: &text}, err
}

func anys(of []map[string]any) []any {
	var out []any
	for _, one := range of {
		out = append(out, one)
	}
	return out
}

func (c *cloud) AddPermission(_ context.Context, in *lambda.AddPermissionInput, _ ...func(*lambda.Options)) (*lambda.AddPermissionOutput, error) {
	c.did("AddPermission")
	c.policy = append(c.policy, map[string]any{
		"Sid": *in.StatementId, "Effect": "Allow", "Action": *in.Action, "Principal": map[string]any{"Service": *in.Principal},
		"Resource":  "arn:aws:lambda" + inAccount + "function:" + *in.FunctionName + ":" + *in.Qualifier,
		"Condition": map[string]any{"ArnLike": map[string]any{"AWS:SourceArn": aws.ToString(in.SourceArn)}, "StringEquals": map[string]any{"AWS:SourceAccount": aws.ToString(in.SourceAccount)}},
	})
	return &lambda.AddPermissionOutput{}, nil
}

func (c *cloud) RemovePermission(_ context.Context, in *lambda.RemovePermissionInput, _ ...func(*lambda.Options)) (*lambda.RemovePermissionOutput, error) {
	c.did("RemovePermission")
	c.policy = slices.DeleteFunc(c.policy, func(s map[string]any) bool { return s["Sid"] == *in.StatementId })
	return &lambda.RemovePermissionOutput{}, nil
}

func (c *cloud) GetEventSourceMapping(context.Context, *lambda.GetEventSourceMappingInput, ...func(*lambda.Options)) (*lambda.GetEventSourceMappingOutput, error) {
	if c.mapping == nil {
		return nil, &types.ResourceNotFoundException{}
	}
	out := *c.mapping
	return &out, nil
}

func (c *cloud) UpdateEventSourceMapping(_ context.Context, in *lambda.UpdateEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error) {
	c.did("UpdateEventSourceMapping")
	if in.Enabled != nil && *in.Enabled {
		c.mapping.State = aws.String("Enabling")
	}
	if in.BatchSize != nil {
		c.mapping.BatchSize = in.BatchSize
	}
	if in.FilterCriteria != nil {
		c.mapping.FilterCriteria = in.FilterCriteria
	}
	return &lambda.UpdateEventSourceMappingOutput{}, nil
}

func (c *cloud) GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	if c.queue == nil {
		return nil, &sqstypes.QueueDoesNotExist{}
	}
	return &sqs.GetQueueAttributesOutput{Attributes: c.queue}, nil
}

func (c *cloud) SetQueueAttributes(_ context.Context, in *sqs.SetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.SetQueueAttributesOutput, error) {
	c.did("SetQueueAttributes")
	for name, value := range in.Attributes {
		c.queue[name] = value
	}
	return &sqs.SetQueueAttributesOutput{}, nil
}

func (c *cloud) GetTopicAttributes(context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error) {
	return &sns.GetTopicAttributesOutput{Attributes: c.topic}, nil
}

func (c *cloud) SetTopicAttributes(_ context.Context, in *sns.SetTopicAttributesInput, _ ...func(*sns.Options)) (*sns.SetTopicAttributesOutput, error) {
	c.did("SetTopicAttributes")
	c.topic[*in.AttributeName] = *in.AttributeValue
	return &sns.SetTopicAttributesOutput{}, nil
}

func (c *cloud) ListSubscriptionsByTopic(context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options)) (*sns.ListSubscriptionsByTopicOutput, error) {
	out := &sns.ListSubscriptionsByTopicOutput{}
	if c.filter != nil {
		out.Subscriptions = []snstypes.Subscription{{Endpoint: aws.String("queue"), Protocol: aws.String("sqs"), SubscriptionArn: aws.String("arn:s")}}
	}
	return out, nil
}

func (c *cloud) GetSubscriptionAttributes(context.Context, *sns.GetSubscriptionAttributesInput, ...func(*sns.Options)) (*sns.GetSubscriptionAttributesOutput, error) {
	return &sns.GetSubscriptionAttributesOutput{Attributes: c.filter}, nil
}

func (c *cloud) SetSubscriptionAttributes(_ context.Context, in *sns.SetSubscriptionAttributesInput, _ ...func(*sns.Options)) (*sns.SetSubscriptionAttributesOutput, error) {
	c.did("SetSubscriptionAttributes")
	c.filter[*in.AttributeName] = *in.AttributeValue
	return &sns.SetSubscriptionAttributesOutput{}, nil
}

func (c *cloud) Subscribe(_ context.Context, in *sns.SubscribeInput, _ ...func(*sns.Options)) (*sns.SubscribeOutput, error) {
	c.did("Subscribe")
	c.filter = in.Attributes
	return &sns.SubscribeOutput{}, nil
}

func (c *cloud) GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	role := &iamtypes.Role{AssumeRolePolicyDocument: aws.String(url.QueryEscape(c.trust))}
	if c.boundary != "" {
		role.PermissionsBoundary = &iamtypes.AttachedPermissionsBoundary{PermissionsBoundaryArn: &c.boundary}
	}
	return &iam.GetRoleOutput{Role: role}, nil
}

func (c *cloud) ListRolePolicies(context.Context, *iam.ListRolePoliciesInput, ...func(*iam.Options)) (*iam.ListRolePoliciesOutput, error) {
	out := &iam.ListRolePoliciesOutput{}
	for name := range c.inline {
		out.PolicyNames = append(out.PolicyNames, name)
	}
	return out, nil
}

func (c *cloud) GetRolePolicy(_ context.Context, in *iam.GetRolePolicyInput, _ ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error) {
	return &iam.GetRolePolicyOutput{PolicyDocument: aws.String(url.QueryEscape(c.inline[*in.PolicyName]))}, nil
}

func (c *cloud) PutRolePolicy(_ context.Context, in *iam.PutRolePolicyInput, _ ...func(*iam.Options)) (*iam.PutRolePolicyOutput, error) {
	c.did("PutRolePolicy")
	c.inline[*in.PolicyName] = *in.PolicyDocument
	return &iam.PutRolePolicyOutput{}, nil
}

func (c *cloud) DeleteRolePolicy(_ context.Context, in *iam.DeleteRolePolicyInput, _ ...func(*iam.Options)) (*iam.DeleteRolePolicyOutput, error) {
	c.did("DeleteRolePolicy")
	delete(c.inline, *in.PolicyName)
	return &iam.DeleteRolePolicyOutput{}, nil
}

func (c *cloud) ListAttachedRolePolicies(context.Context, *iam.ListAttachedRolePoliciesInput, ...func(*iam.Options)) (*iam.ListAttachedRolePoliciesOutput, error) {
	out := &iam.ListAttachedRolePoliciesOutput{}
	for _, arn := range c.attached {
		out.AttachedPolicies = append(out.AttachedPolicies, iamtypes.AttachedPolicy{PolicyArn: &arn})
	}
	return out, nil
}

func (c *cloud) AttachRolePolicy(_ context.Context, in *iam.AttachRolePolicyInput, _ ...func(*iam.Options)) (*iam.AttachRolePolicyOutput, error) {
	c.did("AttachRolePolicy")
	c.attached = append(c.attached, *in.PolicyArn)
	return &iam.AttachRolePolicyOutput{}, nil
}

func (c *cloud) DetachRolePolicy(_ context.Context, in *iam.DetachRolePolicyInput, _ ...func(*iam.Options)) (*iam.DetachRolePolicyOutput, error) {
	c.did("DetachRolePolicy")
	c.attached = slices.DeleteFunc(c.attached, func(arn string) bool { return arn == *in.PolicyArn })
	return &iam.DetachRolePolicyOutput{}, nil
}

func (c *cloud) UpdateAssumeRolePolicy(_ context.Context, in *iam.UpdateAssumeRolePolicyInput, _ ...func(*iam.Options)) (*iam.UpdateAssumeRolePolicyOutput, error) {
	c.did("UpdateAssumeRolePolicy")
	c.trust = *in.PolicyDocument
	return &iam.UpdateAssumeRolePolicyOutput{}, nil
}

func (c *cloud) PutRolePermissionsBoundary(_ context.Context, in *iam.PutRolePermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.PutRolePermissionsBoundaryOutput, error) {
	c.did("PutRolePermissionsBoundary")
	c.boundary = *in.PermissionsBoundary
	return &iam.PutRolePermissionsBoundaryOutput{}, nil
}

func (c *cloud) DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	return &kms.DescribeKeyOutput{KeyMetadata: &kmstypes.KeyMetadata{KeyState: c.key}}, nil
}

func (c *cloud) EnableKey(context.Context, *kms.EnableKeyInput, ...func(*kms.Options)) (*kms.EnableKeyOutput, error) {
	c.did("EnableKey")
	if c.key == kmstypes.KeyStatePendingDeletion {
		return nil, &kmstypes.KMSInvalidStateException{}
	}
	c.key = kmstypes.KeyStateEnabled
	return &kms.EnableKeyOutput{}, nil
}

func (c *cloud) DisableKey(context.Context, *kms.DisableKeyInput, ...func(*kms.Options)) (*kms.DisableKeyOutput, error) {
	c.did("DisableKey")
	c.key = kmstypes.KeyStateDisabled
	return &kms.DisableKeyOutput{}, nil
}

func (c *cloud) CancelKeyDeletion(context.Context, *kms.CancelKeyDeletionInput, ...func(*kms.Options)) (*kms.CancelKeyDeletionOutput, error) {
	c.did("CancelKeyDeletion")
	c.key = kmstypes.KeyStateDisabled
	return &kms.CancelKeyDeletionOutput{}, nil
}

func (c *cloud) GetKeyPolicy(context.Context, *kms.GetKeyPolicyInput, ...func(*kms.Options)) (*kms.GetKeyPolicyOutput, error) {
	return &kms.GetKeyPolicyOutput{Policy: &c.keys}, nil
}

func (c *cloud) PutKeyPolicy(_ context.Context, in *kms.PutKeyPolicyInput, _ ...func(*kms.Options)) (*kms.PutKeyPolicyOutput, error) {
	c.did("PutKeyPolicy")
	c.keys = *in.Policy
	return &kms.PutKeyPolicyOutput{}, nil
}

func (c *cloud) GetKeyRotationStatus(context.Context, *kms.GetKeyRotationStatusInput, ...func(*kms.Options)) (*kms.GetKeyRotationStatusOutput, error) {
	return &kms.GetKeyRotationStatusOutput{KeyRotationEnabled: c.rotates}, nil
}

func (c *cloud) EnableKeyRotation(context.Context, *kms.EnableKeyRotationInput, ...func(*kms.Options)) (*kms.EnableKeyRotationOutput, error) {
	c.did("EnableKeyRotation")
	c.rotates = true
	return &kms.EnableKeyRotationOutput{}, nil
}

func (c *cloud) DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error) {
	pool := c.pool
	return &cognito.DescribeUserPoolOutput{UserPool: &pool}, nil
}

// UpdateUserPool resets what it is not given, as Cognito does.
func (c *cloud) UpdateUserPool(_ context.Context, in *cognito.UpdateUserPoolInput, _ ...func(*cognito.Options)) (*cognito.UpdateUserPoolOutput, error) {
	c.did("UpdateUserPool")
	c.pool.LambdaConfig, c.pool.DeletionProtection, c.pool.AutoVerifiedAttributes = in.LambdaConfig, in.DeletionProtection, in.AutoVerifiedAttributes
	return &cognito.UpdateUserPoolOutput{}, nil
}

func (c *cloud) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	out := &cloudwatch.DescribeAlarmsOutput{}
	if c.alarm != nil && (in.AlarmNamePrefix == nil || strings.HasPrefix(aws.ToString(c.alarm.AlarmName), *in.AlarmNamePrefix)) {
		out.MetricAlarms = []cwtypes.MetricAlarm{*c.alarm}
	}
	return out, nil
}

func (c *cloud) PutMetricAlarm(_ context.Context, in *cloudwatch.PutMetricAlarmInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricAlarmOutput, error) {
	c.did("PutMetricAlarm")
	enabled := in.ActionsEnabled
	if enabled == nil {
		enabled = aws.Bool(true)
	}
	c.alarm = &cwtypes.MetricAlarm{AlarmName: in.AlarmName, AlarmActions: in.AlarmActions, ActionsEnabled: enabled, Threshold: in.Threshold, Metrics: in.Metrics}
	return &cloudwatch.PutMetricAlarmOutput{}, nil
}

func (c *cloud) PutCompositeAlarm(context.Context, *cloudwatch.PutCompositeAlarmInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutCompositeAlarmOutput, error) {
	c.did("PutCompositeAlarm")
	return &cloudwatch.PutCompositeAlarmOutput{}, nil
}

func (c *cloud) DescribeRule(context.Context, *eventbridge.DescribeRuleInput, ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error) {
	out := c.rule
	return &out, nil
}

func (c *cloud) PutRule(_ context.Context, in *eventbridge.PutRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutRuleOutput, error) {
	c.did("PutRule")
	c.rule = eventbridge.DescribeRuleOutput{State: in.State, EventPattern: in.EventPattern, Description: in.Description}
	return &eventbridge.PutRuleOutput{}, nil
}

// ListTargetsByRule has pages of one target.
func (c *cloud) ListTargetsByRule(_ context.Context, in *eventbridge.ListTargetsByRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error) {
	at := len(aws.ToString(in.NextToken))
	out := &eventbridge.ListTargetsByRuleOutput{Targets: c.sends[at:min(at+1, len(c.sends))]}
	if at+1 < len(c.sends) {
		out.NextToken = aws.String(strings.Repeat("x", at+1))
	}
	return out, nil
}

func (c *cloud) PutTargets(_ context.Context, in *eventbridge.PutTargetsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutTargetsOutput, error) {
	if c.refuses {
		return &eventbridge.PutTargetsOutput{FailedEntryCount: 1, FailedEntries: []ebtypes.PutTargetsResultEntry{{TargetId: in.Targets[0].Id, ErrorMessage: aws.String("no")}}}, nil
	}
	c.did("PutTargets")
	c.sends = in.Targets
	return &eventbridge.PutTargetsOutput{}, nil
}

func (c *cloud) RemoveTargets(_ context.Context, in *eventbridge.RemoveTargetsInput, _ ...func(*eventbridge.Options)) (*eventbridge.RemoveTargetsOutput, error) {
	if c.refuses {
		return &eventbridge.RemoveTargetsOutput{FailedEntryCount: 1, FailedEntries: []ebtypes.RemoveTargetsResultEntry{{TargetId: &in.Ids[0], ErrorMessage: aws.String("no")}}}, nil
	}
	c.did("RemoveTargets")
	c.sends = slices.DeleteFunc(c.sends, func(t ebtypes.Target) bool { return slices.Contains(in.Ids, aws.ToString(t.Id)) })
	return &eventbridge.RemoveTargetsOutput{}, nil
}
