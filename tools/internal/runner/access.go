// Package access takes roles as AWS takes them: a service by its trust policy, a
// role by another one's leave. Nothing that a pipeline does locally is done with
// rights that it would not have on AWS, as far as the emulator enforces them.
package access

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// The services that a pipeline's roles trust.
const (
	CodeBuild      = "codebuild.amazonaws.com"
	CloudFormation = "cloudformation.amazonaws.com"
	CodePipeline   = "codepipeline.amazonaws.com"
)

// Account is the emulator, with the account's root.
type Account struct {
	Config aws.Config
	ID     string
}

// AsService takes a role as a service does for one of its resources.
func (a Account) AsService(ctx context.Context, service, source, role string) (aws.Config, error) {
	cfg, err := assume(ctx, a.Config, role, &sts.AssumeRoleInput{
		// The form that the emulator's start wrapper reads.
		RoleSessionName: aws.String(service + "@gatehouse"), ExternalId: &source,
	})
	if err != nil {
		return aws.Config{}, fmt.Errorf("%s cannot take the role %s for %s: %w", service, role, source, err)
	}
	return cfg, nil
}

// AsRole takes a role with the rights of another.
func AsRole(ctx context.Context, from aws.Config, role, session string) (aws.Config, error) {
	cfg, err := assume(ctx, from, role, &sts.AssumeRoleInput{RoleSessionName: &session})
	if err != nil {
		return aws.Config{}, fmt.Errorf("cannot take the role %s: %w", role, err)
	}
	return cfg, nil
}

func assume(ctx context.Context, from aws.Config, role string, in *sts.AssumeRoleInput) (aws.Config, error) {
	in.RoleArn = &role
	out, err := sts.NewFromConfig(from).AssumeRole(ctx, in)
	if err != nil {
		return aws.Config{}, fmt.Errorf("sts.AssumeRole: %w", err)
	}
	cfg := from.Copy()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	return cfg, nil
}

// Request is what a role would do.
type Request struct {
	Role     string
	Actions  []string
	Resource string
	// Context are the condition keys that AWS would fill in.
	Context map[string]string
}

// May asks IAM about what is never really called, because the emulator lacks the
// service, or acts there without the role.
func (a Account) May(ctx context.Context, r Request) error {
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &r.Role, ActionNames: r.Actions, ResourceArns: []string{r.Resource}}
	for key, value := range r.Context {
		in.ContextEntries = append(in.ContextEntries, types.ContextEntry{
			ContextKeyName: aws.String(key), ContextKeyType: types.ContextKeyTypeEnumString, ContextKeyValues: []string{value},
		})
	}
	out, err := iam.NewFromConfig(a.Config).SimulatePrincipalPolicy(ctx, in)
	if err != nil {
		return fmt.Errorf("iam.SimulatePrincipalPolicy: %w", err)
	}
	var denied []string
	for _, e := range out.EvaluationResults {
		if e.EvalDecision != types.PolicyEvaluationDecisionTypeAllowed {
			denied = append(denied, aws.ToString(e.EvalActionName))
		}
	}
	if slices.Sort(denied); len(denied) > 0 {
		return fmt.Errorf("AccessDenied: %s is not authorized to perform %s on %s", r.Role, strings.Join(denied, ", "), r.Resource)
	}
	return nil
}

// Local makes the account of an emulator.
func Local(ctx context.Context, cfg aws.Config) (Account, error) {
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Account{}, fmt.Errorf("sts.GetCallerIdentity: %w", err)
	}
	return Account{Config: cfg, ID: aws.ToString(who.Account)}, nil
}
