package drift

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/tools/template"
)

// values are those that templates refer to and that CloudFormation does not return.
type values struct {
	parameters interface {
		GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	}
	roles interface {
		GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	}
	read memory
}

// memory keeps what was read, so that it is read once. Stacks are evaluated one after the other.
type memory map[string]string

// get returns what is kept under the key, or reads it.
func (m memory) get(key string, read func() (string, error)) (string, error) {
	if value, is := m[key]; is {
		return value, nil
	}
	value, err := read()
	if err == nil {
		m[key] = value
	}
	return value, err
}

// resolver resolves what the template of one stack refers to.
type resolver struct {
	values values
	stack  *stack
	all    []*stack
}

// Parameter returns the value of an SSM parameter.
func (r *resolver) Parameter(ctx context.Context, name string) (string, error) {
	return r.values.read.get("ssm "+name, func() (string, error) {
		out, err := r.values.parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
		if err != nil {
			return "", fmt.Errorf("ssm.GetParameter %s: %w", name, err)
		}
		return aws.ToString(out.Parameter.Value), nil
	})
}

var reference = regexp.MustCompile(`^\{\{resolve:ssm:([^}]+)\}\}$`)

// dynamic resolves a value that is a dynamic reference.
func (r *resolver) dynamic(ctx context.Context, text string) (string, error) {
	if m := reference.FindStringSubmatch(text); m != nil {
		return r.Parameter(ctx, m[1])
	}
	return text, nil
}

// Attribute returns an attribute of a resource. Most ARNs follow from the physical id.
func (r *resolver) Attribute(ctx context.Context, name, attribute string) (string, error) {
	listed, is := r.stack.listed[name]
	if !is {
		return "", fmt.Errorf("the stack has no resource %s: %w", name, template.ErrUnresolved)
	}
	typ, id := aws.ToString(listed.ResourceType), aws.ToString(listed.PhysicalResourceId)
	if attribute == "Ref" {
		return id, nil
	}
	if output, ok := strings.CutPrefix(attribute, "Outputs."); ok && typ == template.StackType {
		return r.output(id, output)
	}
	if typ == "AWS::IAM::Role" {
		return r.role(ctx, id, attribute)
	}
	if value := r.derived(typ, id, attribute); value != "" {
		return value, nil
	}
	return "", fmt.Errorf("%s of %s (%s): %w", attribute, name, typ, template.ErrUnresolved)
}

// output returns an output of a nested stack.
func (r *resolver) output(id, name string) (string, error) {
	nested := named(r.all, id)
	if nested == nil {
		return "", fmt.Errorf("the nested stack %s: %w", id, template.ErrUnresolved)
	}
	for _, o := range nested.deployed.Outputs {
		if aws.ToString(o.OutputKey) == name {
			return aws.ToString(o.OutputValue), nil
		}
	}
	return "", fmt.Errorf("the output %s of %s: %w", name, nested.Name, template.ErrUnresolved)
}

// role returns an attribute of a role, whose ARN has its path.
func (r *resolver) role(ctx context.Context, name, attribute string) (string, error) {
	return r.values.read.get("role "+name+" "+attribute, func() (string, error) {
		out, err := r.values.roles.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
		switch {
		case err != nil:
			return "", fmt.Errorf("iam.GetRole %s: %w", name, err)
		case attribute == "Arn":
			return aws.ToString(out.Role.Arn), nil
		case attribute == "RoleId":
			return aws.ToString(out.Role.RoleId), nil
		}
		return "", fmt.Errorf("%s of the role %s: %w", attribute, name, template.ErrUnresolved)
	})
}

// derived returns an attribute that follows from the type and the physical id, or
// nothing. The forms are those of the Service Authorization Reference.
func (r *resolver) derived(typ, id, attribute string) string {
	last := id[strings.LastIndex(id, "/")+1:]
	switch typ + "." + attribute {
	case "AWS::SQS::Queue.Arn":
		return r.arn("sqs", last)
	case "AWS::SQS::Queue.QueueName":
		return last
	case "AWS::SNS::Topic.TopicArn", "AWS::Lambda::Alias.AliasArn":
		return id
	case "AWS::SNS::Topic.TopicName", "AWS::Lambda::Version.Version":
		return id[strings.LastIndex(id, ":")+1:]
	case "AWS::KMS::Key.Arn":
		return r.arn("kms", "key/"+last)
	case "AWS::KMS::Key.KeyId", "AWS::Events::EventBus.Name", "AWS::Cognito::UserPool.UserPoolId":
		return last
	case "AWS::DynamoDB::Table.Arn":
		return r.arn("dynamodb", "table/"+last)
	case "AWS::Logs::LogGroup.Arn":
		return r.arn("logs", "log-group:"+id+":*")
	case "AWS::Lambda::Function.Arn":
		return r.arn("lambda", "function:"+last)
	case "AWS::Events::EventBus.Arn":
		return r.arn("events", "event-bus/"+last)
	case "AWS::Events::Rule.Arn":
		return r.arn("events", "rule/"+strings.ReplaceAll(id, "|", "/"))
	case "AWS::Cognito::UserPool.Arn":
		return r.arn("cognito-idp", "userpool/"+last)
	case "AWS::Cognito::UserPool.ProviderName":
		return "cognito-idp." + r.stack.id.Region + ".amazonaws.com/" + last
	case "AWS::S3::Bucket.Arn":
		return "arn:" + r.stack.id.Partition + ":s3:::" + id
	}
	return ""
}

// arn is the ARN of something in the stack's region and account.
func (r *resolver) arn(service, resource string) string {
	if strings.HasPrefix(resource, "arn:") {
		return resource
	}
	return strings.Join([]string{"arn", r.stack.id.Partition, service, r.stack.id.Region, r.stack.id.AccountID, resource}, ":")
}
