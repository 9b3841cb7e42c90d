package runner

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
	codeBuild      = "codebuild.amazonaws.com"
	cloudFormation = "cloudformation.amazonaws.com"
	codePipeline   = "codepipeline.amazonaws.com"
)

// Account is the account of an emulator, with root credentials.
type Account struct {
	Config aws.Config
	ID     string
}

// LocalAccount returns the account of an emulator.
func LocalAccount(ctx context.Context, cfg aws.Config) (Account, error) {
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Account{}, fmt.Errorf("sts.GetCallerIdentity: %w", err)
	}
	return Account{Config: cfg, ID: aws.ToString(who.Account)}, nil
}

// arn returns the ARN of a resource in the account.
func (a Account) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, a.Config.Region, a.ID, resource)
}

// asService assumes a role as a service does for one of its resources: the role's
// trust policy decides.
func (a Account) asService(ctx context.Context, service, source, role string) (aws.Config, error) {
	cfg, err := assume(ctx, a.Config, role, &sts.AssumeRoleInput{
		// The emulator recognizes a service by this form of the session's name.
		RoleSessionName: aws.String(service + "@gatehouse"), ExternalId: &source,
	})
	if err != nil {
		return aws.Config{}, fmt.Errorf("%s cannot assume the role %s for %s: %w", service, role, source, err)
	}
	return cfg, nil
}

// assume assumes a role with the permissions of from.
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

// request is a set of calls that a role would make.
type request struct {
	role     string
	actions  []string
	resource string
	// context are the condition keys that AWS would set.
	context map[string]string
}

// check asks IAM whether a role may make calls that are not really made, because
// the emulator does not have the service or does not use the role.
func (a Account) check(ctx context.Context, r request) error {
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &r.role, ActionNames: r.actions, ResourceArns: []string{r.resource}}
	for key, value := range r.context {
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
		return fmt.Errorf("AccessDenied: %s is not authorized to perform %s on %s", r.role, strings.Join(denied, ", "), r.resource)
	}
	return nil
}
