package drift

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
)

const policyOfTheTest = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"q"}]}`

// properties are those of the deployed template, by type.
func properties() map[string]map[string]any {
	policy := object(policyOfTheTest)
	return map[string]map[string]any{
		"AWS::Lambda::Function": {"Timeout": 4, "MemorySize": 128, "Role": "r", "TracingConfig": map[string]any{"Mode": "Active"}, "Environment": map[string]any{"Variables": map[string]any{"A": "1"}}},
		"AWS::Lambda::Alias":    {"FunctionName": "f", "Name": "live", "FunctionVersion": "7"},
		permissionType: {
			"FunctionName": functionA + ":live", "Action": "lambda:InvokeFunction", "Principal": "cognito-idp.amazonaws.com", "SourceAccount": "111122223333", "SourceArn": "arn:aws:cognito-idp" + inAccount + "userpool/*",
		},
		mappingType:              {"FunctionName": functionA + ":live", "EventSourceArn": "q", "BatchSize": 10},
		queueType:                {"VisibilityTimeout": 60, "RedrivePolicy": map[string]any{"deadLetterTargetArn": "d", "maxReceiveCount": 1000}},
		"AWS::SQS::QueuePolicy":  {"Queues": []any{"https://sqs/1/q"}, "PolicyDocument": policy},
		"AWS::SNS::Topic":        {"KmsMasterKeyId": "k", "TracingConfig": "Active"},
		"AWS::SNS::TopicPolicy":  {"Topics": []any{"arn:t"}, "PolicyDocument": policy},
		"AWS::SNS::Subscription": {"TopicArn": "arn:t", "Endpoint": "queue", "Protocol": "sqs", "RawMessageDelivery": true, "FilterPolicy": map[string]any{"type": []any{"a"}}, "RedrivePolicy": map[string]any{"deadLetterTargetArn": "d"}},
		"AWS::IAM::Role":         {"AssumeRolePolicyDocument": policy, "Policies": []any{map[string]any{"PolicyName": "own", "PolicyDocument": policy}}, "ManagedPolicyArns": []any{"arn:m"}, "PermissionsBoundary": "arn:b"},
		keyType:                  {"KeyPolicy": policy, "EnableKeyRotation": true},
		poolType:                 {"LambdaConfig": map[string]any{"PreSignUp": functionA + ":live"}},
		alarmType:                {"AlarmName": "P", "AlarmActions": []any{"arn:t"}, "Threshold": 1, "Metrics": []any{map[string]any{"Id": "m", "Expression": "x"}}},
		ruleType:                 {"EventPattern": map[string]any{"source": []any{"aws.logs"}}, "Targets": []any{map[string]any{"Id": "queue", "Arn": "q", "DeadLetterConfig": map[string]any{"Arn": "d"}}}},
	}
}

// asDeployed is the cloud without drift.
func asDeployed() *cloud {
	return &cloud{
		function: lambda.GetFunctionConfigurationOutput{
			Timeout: aws.Int32(4), MemorySize: aws.Int32(128), Role: aws.String("r"), TracingConfig: &types.TracingConfigResponse{Mode: types.TracingModeActive},
			Environment: &types.EnvironmentResponse{Variables: map[string]string{"A": "1"}},
		},
		alias: lambda.GetAliasOutput{FunctionVersion: aws.String("7")},
		policy: []map[string]any{{
			"Sid": "P", "Effect": "Allow", "Principal": map[string]any{"Service": "cognito-idp.amazonaws.com"}, "Action": "lambda:InvokeFunction", "Resource": functionA + ":live",
			"Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceAccount": "111122223333"}, "ArnLike": map[string]any{"AWS:SourceArn": "arn:aws:cognito-idp" + inAccount + "userpool/*"}},
		}},
		mapping:  &lambda.GetEventSourceMappingOutput{State: aws.String("Enabled"), BatchSize: aws.Int32(10), EventSourceArn: aws.String("q"), FunctionArn: aws.String(functionA + ":live")},
		queue:    map[string]string{"VisibilityTimeout": "60", "DelaySeconds": "0", "RedrivePolicy": `{"deadLetterTargetArn":"d","maxReceiveCount":"1000"}`, "Policy": policyOfTheTest},
		topic:    map[string]string{"KmsMasterKeyId": "k", "TracingConfig": "Active", "Policy": policyOfTheTest},
		filter:   map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"type":["a"]}`, "RedrivePolicy": `{"deadLetterTargetArn":"d"}`, "FilterPolicyScope": "MessageAttributes"},
		inline:   map[string]string{"own": policyOfTheTest},
		attached: []string{"arn:m"}, trust: policyOfTheTest, boundary: "arn:b",
		key: kmstypes.KeyStateEnabled, keys: policyOfTheTest, rotates: true,
		pool: idp.UserPoolType{
			Id: aws.String("p"), Arn: aws.String("arn:aws:cognito-idp" + inAccount + "userpool/p"), LambdaConfig: &idp.LambdaConfigType{PreSignUp: aws.String(functionA + ":live")},
			DeletionProtection: idp.DeletionProtectionTypeActive, AutoVerifiedAttributes: []idp.VerifiedAttributeType{"email"},
		},
		alarm: &cwtypes.MetricAlarm{AlarmName: aws.String("P"), AlarmActions: []string{"arn:t"}, ActionsEnabled: aws.Bool(true), Threshold: aws.Float64(1), Metrics: []cwtypes.MetricDataQuery{{Id: aws.String("m"), Expression: aws.String("x")}}},
		rule:  eventbridge.DescribeRuleOutput{State: ebtypes.RuleStateEnabled, EventPattern: aws.String(`{"source":["aws.logs"]}`), Description: aws.String("d")},
		sends: []ebtypes.Target{{Id: aws.String("queue"), Arn: aws.String("q"), DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: aws.String("d")}}},
	}
}

// kindsOf are the comparisons with the fake services.
func kindsOf(c *cloud, s *stack) map[string]kind {
	known := newGranted([]*stack{s})
	return map[string]kind{
		"AWS::Lambda::Function": functions{c, &cloud{}, known}, "AWS::Lambda::Alias": aliases{c, c, known}, permissionType: permissions{c}, mappingType: mappings{c},
		queueType: queues{c}, "AWS::SQS::QueuePolicy": queuePolicies{c}, "AWS::SNS::Topic": topics{c, nil}, "AWS::SNS::TopicPolicy": topicPolicies{c}, "AWS::SNS::Subscription": subscriptions{c},
		"AWS::IAM::Role": roles{c}, keyType: keys{c}, poolType: pools{c}, alarmType: alarms{c}, ruleType: rules{c},
	}
}

// environmentOf is a stack with one resource of each type.
func environmentOf() *stack {
	s := in("", "", nil).stack
	s.resources = nil
	for typ, props := range properties() {
		r := in(typ, "P", props)
		r.ID, r.stack = typ[strings.LastIndex(typ, ":")+1:], s
		s.resources = append(s.resources, r)
	}
	return s
}

func TestNothingDiffers(t *testing.T) {
	t.Parallel()
	c, s := asDeployed(), environmentOf()
	r := compare(t.Context(), kindsOf(c, s), []*stack{s})
	if len(r.findings) > 0 || len(r.unknown) > 0 || r.compared != len(properties()) || r.err() != nil {
		t.Errorf("%d compared, unknown %q, findings %+v", r.compared, r.unknown, r.findings)
	}
}

// planted is one difference, what is printed, and the calls of its repair.
type planted struct {
	plant func(*cloud)
	line  string
	calls string
}

// plantedInFunctions are differences of functions, and of who and what calls them.
func plantedInFunctions() map[string]planted {
	return map[string]planted{
		"timeout":          {func(c *cloud) { c.function.Timeout = aws.Int32(1) }, "Timeout: expected 4, is 1", "UpdateFunctionConfiguration"},
		"no_tracing":       {func(c *cloud) { c.function.TracingConfig = nil }, `TracingConfig: expected {"Mode":"Active"}, is nothing`, "UpdateFunctionConfiguration"},
		"another_variable": {func(c *cloud) { c.function.Environment.Variables["A"] = "secret" }, "Environment: A has another value than in the template", "UpdateFunctionConfiguration"},
		"variable_added":   {func(c *cloud) { c.function.Environment.Variables["B"] = "secret" }, "Environment: B was added by hand", "UpdateFunctionConfiguration"},
		"variable_gone":    {func(c *cloud) { c.function.Environment = nil }, "Environment: A is missing", "UpdateFunctionConfiguration"},
		"stopped":          {func(c *cloud) { c.reserved = aws.Int32(0) }, "ReservedConcurrentExecutions: expected nothing, is 0", "DeleteFunctionConcurrency"},
		"old_version":      {func(c *cloud) { c.alias.FunctionVersion = aws.String("6") }, "FunctionVersion: expected 7, is 6", "UpdateAlias"},
		"two_versions": {func(c *cloud) {
			c.alias.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"6": 0.5}}
		}, `RoutingConfig: expected nothing, is {"6":0.5}`, "UpdateAlias"},
		"permission_gone":      {func(c *cloud) { c.policy = nil }, "permission: missing: Allow lambda:InvokeFunction by Service:cognito-idp.amazonaws.com", "AddPermission"},
		"permission_of_a_pool": {func(c *cloud) { object(c.policy[0]["Condition"])["ArnLike"] = map[string]any{"AWS:SourceArn": "other"} }, "permission: expected Allow", "RemovePermission AddPermission"},
		"permission_added": {func(c *cloud) {
			c.policy = append(c.policy, map[string]any{"Sid": "x", "Effect": "Allow", "Principal": "*", "Action": "lambda:*"})
		}, "permission: added by hand: x: Allow lambda:* by AWS:*", "RemovePermission"},
		"mapping_disabled": {func(c *cloud) { c.mapping.State = aws.String("Disabled") }, "Enabled: expected true, is false", "UpdateEventSourceMapping"},
		"batch":            {func(c *cloud) { c.mapping.BatchSize = aws.Int32(1) }, "BatchSize: expected 10, is 1", "UpdateEventSourceMapping"},
		"mapping_filter": {func(c *cloud) {
			c.mapping.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"a":["b"]}`)}}}
		}, `FilterCriteria: expected nothing, is {"Filters":[{"a":["b"]}]}`, "UpdateEventSourceMapping"},
	}
}

// plantedInMessages are differences of queues, topics and subscriptions.
func plantedInMessages() map[string]planted {
	return map[string]planted{
		"visibility":           {func(c *cloud) { c.queue["VisibilityTimeout"] = "30" }, "VisibilityTimeout: expected 60, is 30", "SetQueueAttributes"},
		"no_redrive":           {func(c *cloud) { delete(c.queue, "RedrivePolicy") }, `RedrivePolicy: expected {"deadLetterTargetArn":"d","maxReceiveCount":1000}, is nothing`, "SetQueueAttributes"},
		"queue_policy_gone":    {func(c *cloud) { delete(c.queue, "Policy") }, "policy of q: missing: Allow sqs:SendMessage by AWS:* on q", "SetQueueAttributes"},
		"topic_key":            {func(c *cloud) { c.topic["KmsMasterKeyId"] = "" }, "KmsMasterKeyId: expected k, is nothing", "SetTopicAttributes"},
		"topic_policy_gone":    {func(c *cloud) { delete(c.topic, "Policy") }, "policy of t: missing: Allow sqs:SendMessage by AWS:* on q", "SetTopicAttributes"},
		"subscription_gone":    {func(c *cloud) { c.filter = nil }, "it does not exist: queue gets nothing of arn:t", "Subscribe"},
		"not_raw":              {func(c *cloud) { c.filter["RawMessageDelivery"] = "false" }, "RawMessageDelivery: expected true, is false", "SetSubscriptionAttributes"},
		"subscription_filter":  {func(c *cloud) { c.filter["FilterPolicy"] = `{"type":["b"]}` }, `FilterPolicy: expected {"type":["a"]}, is {"type":["b"]}`, "SetSubscriptionAttributes"},
		"no_dead_letter_queue": {func(c *cloud) { delete(c.filter, "RedrivePolicy") }, `RedrivePolicy: expected {"deadLetterTargetArn":"d"}, is nothing`, "SetSubscriptionAttributes"},
	}
}

// plantedElsewhere are differences of roles, keys, the pool, alarms and rules.
func plantedElsewhere() map[string]planted {
	return map[string]planted{
		"role_policy_gone":     {func(c *cloud) { delete(c.inline, "own") }, "policy own: missing: Allow sqs:SendMessage by AWS:* on q", "PutRolePolicy"},
		"role_policy_added":    {func(c *cloud) { c.inline["mine"] = `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}` }, "policy mine: added by hand: Allow * on *", "DeleteRolePolicy"},
		"role_policy_changed":  {func(c *cloud) { c.inline["own"] = `{"Statement":[]}` }, "policy own: missing: Allow", "PutRolePolicy"},
		"trust":                {func(c *cloud) { c.trust = `{"Statement":[]}` }, "trust: missing: Allow", "UpdateAssumeRolePolicy"},
		"managed_policy_gone":  {func(c *cloud) { c.attached = nil }, "policy arn:m: not attached", "AttachRolePolicy"},
		"boundary_gone":        {func(c *cloud) { c.boundary = "" }, "PermissionsBoundary: expected arn:b, is nothing", "PutRolePermissionsBoundary"},
		"key_disabled":         {func(c *cloud) { c.key = kmstypes.KeyStateDisabled }, "state: expected Enabled, is Disabled", "EnableKey"},
		"key_pending_deletion": {func(c *cloud) { c.key, c.rotates = kmstypes.KeyStatePendingDeletion, true }, "state: expected Enabled, is PendingDeletion", "CancelKeyDeletion EnableKey"},
		"key_policy":           {func(c *cloud) { c.keys = `{"Statement":[]}` }, "policy: missing: Allow", "PutKeyPolicy"},
		"no_rotation":          {func(c *cloud) { c.rotates = false }, "EnableKeyRotation: expected true, is false", "EnableKeyRotation"},
		"trigger_gone":         {func(c *cloud) { c.pool.LambdaConfig = nil }, "trigger PreSignUp: expected " + functionA + ":live, is nothing", "UpdateUserPool"},
		"trigger_added":        {func(c *cloud) { c.pool.LambdaConfig.CustomMessage = aws.String("arn:x") }, "trigger CustomMessage: expected nothing, is arn:x", "UpdateUserPool"},
		"alarm_gone":           {func(c *cloud) { c.alarm = nil }, "it does not exist", "PutMetricAlarm"},
		"alarm_muted":          {func(c *cloud) { c.alarm.ActionsEnabled = aws.Bool(false) }, "ActionsEnabled: expected true, is false", "PutMetricAlarm"},
		"alarm_tells_nobody":   {func(c *cloud) { c.alarm.AlarmActions = nil }, `AlarmActions: expected ["arn:t"], is nothing`, "PutMetricAlarm"},
		"threshold":            {func(c *cloud) { c.alarm.Threshold = aws.Float64(100) }, "Threshold: expected 1, is 100", "PutMetricAlarm"},
		"rule_off":             {func(c *cloud) { c.rule.State = ebtypes.RuleStateDisabled }, "State: expected ENABLED, is DISABLED", "PutRule"},
		"target_gone":          {func(c *cloud) { c.sends = nil }, `target queue: expected {"Arn":"q","DeadLetterConfig":{"Arn":"d"},"Id":"queue"}, is nothing`, "PutTargets"},
		"target_elsewhere":     {func(c *cloud) { c.sends[0].Arn = aws.String("x") }, "target queue: expected", "PutTargets"},
		"target_input":         {func(c *cloud) { c.sends[0].Input = aws.String("{}") }, "target queue: expected", "PutTargets"},
		"target_dead_letters":  {func(c *cloud) { c.sends[0].DeadLetterConfig = nil }, "target queue: expected", "PutTargets"},
		"target_added": {func(c *cloud) {
			c.sends = append(c.sends, ebtypes.Target{Id: aws.String("mine"), Arn: aws.String("x")})
		}, `target mine: added by hand: {"Arn":"x","Id":"mine"}`, "RemoveTargets"},
		"rule_pattern": {func(c *cloud) { c.rule.EventPattern = aws.String(`{"source":["x"]}`) }, `EventPattern: expected {"source":["aws.logs"]}`, "PutRule"},
	}
}

// TestEachDifferenceIsNamedAndRepaired causes each difference, alone.
func TestEachDifferenceIsNamedAndRepaired(t *testing.T) {
	t.Parallel()
	all := plantedInFunctions()
	maps.Copy(all, plantedInMessages())
	maps.Copy(all, plantedElsewhere())
	for name, tc := range all {
		c, s := asDeployed(), environmentOf()
		tc.plant(c)
		r := compare(t.Context(), kindsOf(c, s), []*stack{s})
		if len(r.findings) != 1 || len(r.findings[0].Differences) != 1 || !strings.HasPrefix(r.findings[0].Differences[0], tc.line) || len(r.unknown) > 0 || r.err() == nil {
			t.Errorf("%s: unknown %q, findings %+v, want one with %q", name, r.unknown, r.findings, tc.line)
			continue
		}
		f := r.findings[0]
		if f.fix == nil || f.denies {
			t.Errorf("%s: no repair", name)
			continue
		}
		if err := f.fix(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := strings.Join(c.calls, " "); got != tc.calls {
			t.Errorf("%s: calls %s, want %s", name, got, tc.calls)
		}
		var told []string
		for _, call := range strings.Split(f.Repair, ", ") {
			told = append(told, call[strings.Index(call, ".")+1:])
		}
		if diff := cmp.Diff(c.calls, told); diff != "" {
			t.Errorf("%s: the plan does not name the calls that were made (-made +told)\n%s", name, diff)
		}
		if again := compare(t.Context(), kindsOf(c, s), []*stack{s}); len(again.findings) > 0 {
			t.Errorf("%s: after the repair: %+v", name, again.findings)
		}
		if c.pool.DeletionProtection != idp.DeletionProtectionTypeActive || !slices.Equal(c.pool.AutoVerifiedAttributes, []idp.VerifiedAttributeType{"email"}) {
			t.Errorf("%s: the pool is %+v", name, c.pool)
		}
	}
}

// TestARepairNeverWeakens: what was added to stop somebody stays, unless a person says so.
func TestARepairNeverWeakens(t *testing.T) {
	t.Parallel()
	const deny = `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`
	for name, plant := range map[string]func(*cloud){
		"queue": func(c *cloud) { c.queue["Policy"] = deny },
		"topic": func(c *cloud) { c.topic["Policy"] = deny },
		"role":  func(c *cloud) { c.inline["quarantine"] = deny },
		"policy": func(c *cloud) {
			c.attached = append(c.attached, "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3")
		},
		"key":   func(c *cloud) { c.keys = deny },
		"trust": func(c *cloud) { c.trust = deny },
	} {
		c, s := asDeployed(), environmentOf()
		plant(c)
		var out strings.Builder
		e := &environment{name: "test", out: &out, stacks: []*stack{s}, kinds: func([]*stack) map[string]kind { return kindsOf(c, s) }}
		if err := e.drift(t.Context(), e.stacks, options{repair: true, yes: true}); err == nil || len(c.calls) > 0 || !strings.Contains(out.String(), "--remove-denies") {
			t.Errorf("%s: error %v, calls %v\n%s", name, err, c.calls, out.String())
		}
		if err := e.drift(t.Context(), e.stacks, options{repair: true, yes: true, denies: true}); err != nil || len(c.calls) != 1 {
			t.Errorf("%s: with --remove-denies: error %v, calls %v\n%s", name, err, c.calls, out.String())
		}
	}
	c, s := asDeployed(), environmentOf()
	for i, r := range s.resources {
		if r.Type == "AWS::IAM::Role" {
			delete(s.resources[i].props, "PermissionsBoundary")
		}
	}
	r := compare(t.Context(), kindsOf(c, s), []*stack{s})
	if len(r.findings) != 1 || r.findings[0].fix != nil || !strings.Contains(r.findings[0].Hint, "delete-role-permissions-boundary") {
		t.Errorf("a boundary that was added: %+v", r.findings)
	}
}

// TestThePoolIsLast: people would be refused until the permission is back.
func TestThePoolIsLast(t *testing.T) {
	t.Parallel()
	c, s := asDeployed(), environmentOf()
	c.pool.LambdaConfig, c.policy, c.queue["VisibilityTimeout"] = nil, nil, "1"
	e := &environment{name: "test", out: &strings.Builder{}, stacks: []*stack{s}, kinds: func([]*stack) map[string]kind { return kindsOf(c, s) }}
	err := e.drift(t.Context(), e.stacks, options{repair: true, yes: true})
	if diff := cmp.Diff([]string{"AddPermission", "SetQueueAttributes", "UpdateUserPool"}, c.calls); err != nil || diff != "" {
		t.Errorf("error %v, calls (-want +got)\n%s", err, diff)
	}
}

func TestQuestion(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer   string
		terminal bool
		calls    int
		err      string
	}{
		"yes":         {"yes\n", true, 1, ""},
		"no":          {"no\n", true, 0, "nothing was changed"},
		"no_answer":   {"", true, 0, "add --yes"},
		"no_terminal": {"yes\n", false, 0, "no terminal"},
	} {
		c, s := asDeployed(), environmentOf()
		c.mapping.State = aws.String("Disabled")
		var out strings.Builder
		e := &environment{name: "test", out: &out, in: strings.NewReader(tc.answer), terminal: tc.terminal, stacks: []*stack{s}, kinds: func([]*stack) map[string]kind { return kindsOf(c, s) }}
		err := e.drift(t.Context(), e.stacks, options{repair: true})
		if len(c.calls) != tc.calls || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: error %v, calls %v\n%s", name, err, c.calls, out.String())
		}
		if !strings.Contains(out.String(), "lambda.UpdateEventSourceMapping") {
			t.Errorf("%s: the plan does not name the call\n%s", name, out.String())
		}
	}
}

// TestWhatIsGone: what CloudFormation has to make again names the command for that.
func TestWhatIsGone(t *testing.T) {
	t.Parallel()
	c, s := asDeployed(), environmentOf()
	c.mapping, c.queue = nil, nil
	r := compare(t.Context(), kindsOf(c, s), []*stack{s})
	if len(r.findings) != 2 {
		t.Errorf("findings %+v, want the mapping and the queue", r.findings)
	}
	for _, f := range r.findings {
		if f.fix != nil || !strings.Contains(f.Hint, "--deployment-mode REVERT_DRIFT") {
			t.Errorf("%+v", f)
		}
	}
}

// TestRefusedTargets: EventBridge answers 200 and says in it what it refused.
func TestRefusedTargets(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(*cloud){
		"put": func(c *cloud) { c.sends = nil },
		"remove": func(c *cloud) {
			c.sends = append(c.sends, ebtypes.Target{Id: aws.String("mine"), Arn: aws.String("x")})
		},
	} {
		c, s := asDeployed(), environmentOf()
		plant(c)
		c.refuses = true
		r := compare(t.Context(), kindsOf(c, s), []*stack{s})
		if len(r.findings) != 1 {
			t.Fatalf("%s: %+v", name, r.findings)
		}
		if err := r.findings[0].fix(t.Context()); !errors.Is(err, errRefused) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
