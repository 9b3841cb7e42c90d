package access

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatehouse.example/tools/template"
)

// call is what IAM decides on when CloudFormation's role calls a service.
type call struct {
	resource string
	keys     map[string]string
}

// unscoped are actions for which IAM supports no resources, or which look for something
// of which the name is not known.
func unscoped() []string {
	return []string{
		"cloudfront:updatedistribution", "cloudwatch:describealarms", "codedeploy:stopdeployment", "cognito-identity:createidentitypool",
		"cognito-identity:setidentitypoolroles", "cognito-idp:createuserpool", "cognito-idp:describeuserpooldomain", "kms:createkey", "kms:listaliases",
		"logs:describeindexpolicies", "logs:describeloggroups", "logs:describeresourcepolicies", "sns:getsubscriptionattributes",
		"sns:setsubscriptionattributes", "sns:unsubscribe", "xray:deleteresourcepolicy", "xray:listresourcepolicies", "xray:putresourcepolicy",
	}
}

// caller makes the calls of one role's handlers.
type caller struct {
	service, environment string
	// siblings are the resources of the stack that the called resource is in.
	siblings []deployed
}

// stackTagOf is the value of our tag on the resources of a service.
func stackTagOf(environment, service string) string {
	return "gatehouse-" + environment + "-" + service
}

// calls returns the calls that a handler of a resource makes for an action. It returns
// nil for an action that the resource's properties do not need, and an error for an
// action of which the resource is not known.
func (c caller) calls(d deployed, handler, action string) ([]call, error) {
	keys := map[string]string{}
	for name, value := range d.tags {
		keys["aws:resourcetag/"+name] = value
	}
	tagging := strings.HasSuffix(action, ":tagresource") || handler == "create" && c.owns(d)
	if tagging && (d.tags[ownTag] != "" || !c.owns(d)) {
		keys["aws:requesttag/"+ownTag] = stackTagOf(c.environment, c.service)
	}
	if slices.Contains(unscoped(), action) {
		return []call{{"*", keys}}, nil
	}
	prefix, _, _ := strings.Cut(action, ":")
	switch prefix {
	case "apigateway":
		return c.apiGateway(d, handler, action)
	case "iam":
		return c.iam(d, action)
	case "kms":
		return c.kms(d, handler, action, keys)
	case "lambda":
		return c.lambda(d, action, keys)
	case "s3":
		return []call{{arn("s3:::bucket/code/" + d.service + "/0a1b2c3d"), nil}, {arn("s3:::aws-sam-cli-managed-default-samclisourcebucket-0a1b2c3d/0a1b2c3d"), nil}}, nil
	case "route53":
		if action == "route53:getchange" {
			return []call{{arn("route53:::change/" + c.drawn(d)), nil}}, nil
		}
		return c.of(d, "HostedZoneId", func(id string) string { return arn("route53:::hostedzone/" + strings.Replace(id, zone, c.drawn(d), 1)) }, keys)
	case "codedeploy":
		return c.codeDeploy(d, action)
	case "secretsmanager": // a dynamic reference; the name of the secret is the administrator's
		return []call{{arn("secretsmanager:" + region + ":" + account + ":secret:" + strings.Join([]string{of(d), d.environment, d.service, "oidc-Ab1Cd2"}, "/")), nil}}, nil
	case "cognito-idp", "cognito-identity":
		if d.arn == "" {
			return c.pool(d)
		}
		if c.owns(d) && handler != "create" && !strings.HasSuffix(action, ":untagresource") {
			// Before the template had the tag, the pool had CloudFormation's only.
			return []call{{d.arn, keys}, {d.arn, map[string]string{"aws:resourcetag/" + stackTag: d.tags[stackTag]}}}, nil
		}
	case "sqs":
		return c.list(d, "Queues", "AWS::SQS::Queue", keys)
	case "sns":
		if d.Type == "AWS::SNS::Subscription" {
			return c.of(d, "TopicArn", func(of string) string { return of }, keys)
		}
		return c.list(d, "Topics", "AWS::SNS::Topic", keys)
	case "logs":
		if d.arn == "" {
			return c.of(d, "LogGroupName", func(name string) string { return arn("logs:" + region + ":" + account + ":log-group:" + name) }, keys)
		}
		return []call{{d.arn, keys}, {d.arn + ":*", keys}}, nil // the services write either form
	}
	if d.arn == "" {
		return nil, fmt.Errorf("the resource of %s for %s is not known; add it to rules/access/calls_test.go", action, d.Type)
	}
	return []call{{d.arn, keys}}, nil
}

// of is whose resources these are: ours, or those of a team with stacks like ours.
func of(d deployed) string {
	if d.service == "shop" {
		return "shop"
	}
	return "gatehouse"
}

// owns reports whether the resource is of the role's own stack.
func (c caller) owns(d deployed) bool {
	return d.service == c.service && d.environment == c.environment
}

// drawn is an id that a service draws, or that an administrator chooses: the role's own,
// or that of somebody else.
func (c caller) drawn(d deployed) string {
	if c.owns(d) {
		return zone
	}
	return "Z9876543210ZYXWVUTSRQ"
}

// of is a call on the resource that a property names.
func (c caller) of(d deployed, property string, form func(string) string, keys map[string]string) ([]call, error) {
	v, err := d.values.Value(context.Background(), d.Prop(property))
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", d, property, err)
	}
	return []call{{form(fmt.Sprint(v)), keys}}, nil
}

// list is the resource itself, or those that a list in it refers to, directly or by an
// output of a nested stack.
func (c caller) list(d deployed, property, typ string, keys map[string]string) ([]call, error) {
	if d.arn != "" {
		return []call{{d.arn, keys}}, nil
	}
	var out []call
	for _, id := range template.Texts(d.Prop(property)) {
		for _, s := range c.siblings {
			_, output, _ := strings.Cut(id, ".Outputs.")
			nested := template.Text(template.Get(s.Root, "Outputs", output, "Value"))
			if s.Type == typ && (s.stack == d.stack && "ref:"+s.ID == id || output != "" && "ref:"+s.ID == nested) {
				out = append(out, call{s.arn, keys})
			}
		}
	}
	if out == nil {
		return nil, fmt.Errorf("%s: %s is empty", d, property)
	}
	return out, nil
}

// pool is a call on the user pool or the identity pool that a resource belongs to.
func (c caller) pool(d deployed) ([]call, error) {
	typ := "AWS::Cognito::UserPool"
	if d.Type == "AWS::Cognito::IdentityPoolRoleAttachment" {
		typ = "AWS::Cognito::IdentityPool"
	}
	for _, s := range c.siblings {
		if s.Type == typ {
			keys := map[string]string{}
			for name, value := range s.tags {
				keys["aws:resourcetag/"+name] = value
			}
			return []call{{s.arn, keys}}, nil
		}
	}
	return nil, fmt.Errorf("%s has no %s", d, typ)
}

// lambda: a function's ARN with and without the alias, and the mappings of queues. For
// those IAM knows the function, except where it is about tags.
func (c caller) lambda(d deployed, action string, keys map[string]string) ([]call, error) {
	if d.Type == "AWS::Lambda::Function" {
		return []call{{d.arn, keys}, {d.arn + ":live", keys}}, nil
	}
	v, err := d.values.Value(context.Background(), d.Prop("FunctionName"))
	if err != nil {
		return nil, fmt.Errorf("%s: FunctionName: %w", d, err)
	}
	function := fmt.Sprint(v)
	if !strings.HasPrefix(function, "arn:") {
		function = arn("lambda:" + region + ":" + account + ":function:" + function)
	}
	if d.service == "shop" {
		function = strings.Replace(function, "gatehouse", "shop", 1)
	}
	if d.Type != "AWS::Lambda::EventSourceMapping" {
		function = strings.TrimSuffix(function, ":live")
		return []call{{function, nil}, {function + ":live", nil}}, nil
	}
	switch action {
	case "lambda:createeventsourcemapping":
		return []call{{"*", map[string]string{"lambda:functionarn": function}}}, nil
	case "lambda:listtags", "lambda:tagresource", "lambda:untagresource":
		return []call{{d.arn, keys}}, nil
	}
	return []call{{d.arn, map[string]string{"lambda:functionarn": function}}}, nil
}

// kms: keys, aliases, the key of a table, and the key of the code. While a key is made
// its tag is in the request only, and KMS may count it up to five minutes late:
// https://docs.aws.amazon.com/kms/latest/developerguide/abac.html
func (c caller) kms(d deployed, handler, action string, keys map[string]string) ([]call, error) {
	switch d.Type {
	case "AWS::KMS::Key":
		late := map[string]string{}
		if name := "aws:requesttag/" + ownTag; keys[name] != "" {
			late[name] = keys[name]
		}
		if action == "kms:untagresource" { // by a rollback of the update that set the tag, or another tag of the stack's
			late["aws:tagkeys"] = ownTag
			if c.owns(d) {
				return []call{{d.arn, keys}, {d.arn, late}}, nil
			}
			return []call{{d.arn, with(keys, "aws:tagkeys", "team")}}, nil
		}
		switch {
		case handler != "create" || action == "kms:disablekey": // a key is never made disabled
			return []call{{d.arn, keys}}, nil
		case c.owns(d):
			return []call{{d.arn, keys}, {d.arn, late}}, nil
		}
		return []call{{d.arn, keys}}, nil
	case "AWS::KMS::Alias":
		key := c.sibling(d, "TargetKeyId", "AWS::KMS::Key")
		return []call{{d.arn, nil}, {key.arn, resourceTags(key)}}, nil
	case "AWS::DynamoDB::Table":
		key := c.sibling(d, "SSESpecification.KMSMasterKeyId", "AWS::KMS::Key")
		if key.arn == "" {
			return nil, nil // the key of DynamoDB
		}
		via := resourceTags(key)
		via["kms:viaservice"] = "dynamodb." + region + ".amazonaws.com"
		late := map[string]string{"kms:viaservice": via["kms:viaservice"]}
		if !c.owns(d) {
			return []call{{key.arn, via}}, nil
		}
		return []call{{key.arn, via}, {key.arn, late}}, nil
	case "AWS::Lambda::Function", template.StackType:
		return []call{{artifactKey(), nil}}, nil
	}
	return nil, fmt.Errorf("the key of %s for %s is not known; add it to rules/access/calls_test.go", action, d.Type)
}

// with returns keys and one more.
func with(keys map[string]string, name, value string) map[string]string {
	out := maps.Clone(keys)
	out[name] = value
	return out
}

func artifactKey() string { return arn("kms:" + region + ":999999999999:key/artifacts") }

func resourceTags(d deployed) map[string]string {
	out := map[string]string{}
	for name, value := range d.tags {
		out["aws:resourcetag/"+name] = value
	}
	return out
}

// sibling is the resource of the same stack that a property refers to.
func (c caller) sibling(d deployed, property, typ string) deployed {
	text := template.Text(d.Prop(strings.Split(property, ".")...))
	id := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(text, "ref:"), "att:"), ".Arn")
	for _, s := range c.siblings {
		if s.Type == typ && s.ID == id && s.stack == d.stack {
			return s
		}
	}
	return deployed{}
}

// codeDeploy: AWS's configurations, or every application and group of the stack.
func (c caller) codeDeploy(d deployed, action string) ([]call, error) {
	if action == "codedeploy:getdeploymentconfig" {
		return []call{{arn("codedeploy:" + region + ":" + account + ":deploymentconfig:CodeDeployDefault.LambdaCanary10Percent5Minutes"), nil}}, nil
	}
	var out []call
	for _, s := range c.siblings {
		if s.Type == "AWS::CodeDeploy::Application" || s.Type == "AWS::CodeDeploy::DeploymentGroup" {
			out = append(out, call{s.arn, nil})
		}
	}
	return out, nil
}

// apiGateway: its ARNs are the paths of its API. What is below an API or a domain has
// its tags, for IAM only, and a new one has those of the request:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-supported-resources.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-iam-policy.html
func (c caller) apiGateway(d deployed, handler, action string) ([]call, error) {
	root := arn("apigateway:" + region + "::")
	typ, all, one, below := "AWS::ApiGateway::RestApi", "/restapis", "/restapis/"+c.drawn(d), "/stages/live"
	switch d.Type {
	case "AWS::ApiGateway::Account":
		return []call{{root + "/account", nil}}, nil
	case "AWS::ApiGateway::DomainName", "AWS::ApiGateway::BasePathMapping":
		typ, all, one, below = "AWS::ApiGateway::DomainName", "/domainnames", "/domainnames/"+c.drawn(d)+".example.com", "/basepathmappings"
	}
	if i := slices.IndexFunc(c.siblings, func(s deployed) bool { return s.Type == typ }); i >= 0 {
		d.tags = c.siblings[i].tags
	}
	mine := map[string]string{"aws:requesttag/" + ownTag: stackTagOf(c.environment, c.service)}
	if d.Type == typ && action == "apigateway:post" {
		return []call{{root + all, mine}}, nil
	}
	calls := []call{{root + one, resourceTags(d)}, {root + one + below, resourceTags(d)}}
	if c.owns(d) && (d.Type != typ || handler != "create") { // before the template had the tag
		former := map[string]string{"aws:resourcetag/" + stackTag: d.tags[stackTag]}
		calls = append(calls, call{root + one, former}, call{root + one + below, former})
	}
	taggable := d.Type == typ || d.Type == "AWS::ApiGateway::Stage"
	switch {
	case taggable && action == "apigateway:put":
		calls = append(calls, call{root + "/tags/" + one, mine})
	case taggable && (action == "apigateway:delete" || action == "apigateway:get"):
		calls = append(calls, call{root + "/tags/" + one, nil})
	}
	return calls, nil
}

// iam returns the calls for roles: with their boundary, what is attached to them, and the
// services that they are passed to.
func (c caller) iam(d deployed, action string) ([]call, error) {
	passed := func(role, to string) call { return call{role, map[string]string{"iam:passedtoservice": to}} }
	if action == "iam:createservicelinkedrole" {
		return []call{{arn("iam::" + account + ":role/aws-service-role/email.cognito-idp.amazonaws.com/AWSServiceRoleForAmazonCognitoIdpEmailService"),
			map[string]string{"iam:awsservicename": "email.cognito-idp.amazonaws.com"}}}, nil
	}
	switch d.Type {
	case "AWS::IAM::Role":
		if action != "iam:attachrolepolicy" && action != "iam:detachrolepolicy" {
			return []call{{d.arn, map[string]string{"iam:permissionsboundary": boundaryArn(c.environment)}}}, nil
		}
		v, err := d.values.Value(context.Background(), d.Prop("ManagedPolicyArns"))
		if err != nil {
			return nil, fmt.Errorf("%s: ManagedPolicyArns: %w", d, err)
		}
		var out []call
		attached, _ := v.([]any)
		for _, policy := range attached {
			out = append(out, call{d.arn, map[string]string{"iam:permissionsboundary": boundaryArn(c.environment), "iam:policyarn": fmt.Sprint(policy)}})
		}
		return out, nil
	case template.StackType:
		name := "gatehouse-" + d.environment + "-" + d.service + "-cloudformation"
		return []call{passed(arn("iam::"+account+":role/gatehouse/"+d.environment+"/pipeline/"+name), "cloudformation.amazonaws.com")}, nil
	case "AWS::CodeDeploy::DeploymentGroup":
		return []call{passed(codeDeployArn(d.environment), "codedeploy.amazonaws.com")}, nil
	case "AWS::Lambda::Function":
		return c.passes(d, "Role", "lambda.amazonaws.com")
	case "AWS::ApiGateway::Account":
		return c.passes(d, "CloudWatchRoleArn", "apigateway.amazonaws.com")
	case "AWS::Cognito::IdentityPoolRoleAttachment":
		return c.passes(d, "Roles.authenticated", "cognito-identity.amazonaws.com")
	}
	return nil, nil // its templates give the resource no role
}

// passes is the role that a property names.
func (c caller) passes(d deployed, property, to string) ([]call, error) {
	role := c.sibling(d, property, "AWS::IAM::Role")
	if role.arn == "" {
		return nil, fmt.Errorf("%s: %s is not a role of the stack", d, property)
	}
	return []call{{role.arn, map[string]string{"iam:passedtoservice": to}}}, nil
}
