package teardown

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatehouse.example/tools/internal/awsdeploy/retained"
	"gatehouse.example/tools/stacks"
)

// fakePools are the pools of an account.
type fakePools map[string]*types.LambdaConfigType

func (f fakePools) ListUserPools(context.Context, *cognitoidentityprovider.ListUserPoolsInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.ListUserPoolsOutput, error) {
	out := &cognitoidentityprovider.ListUserPoolsOutput{}
	for id := range f {
		out.UserPools = append(out.UserPools, types.UserPoolDescriptionType{Id: &id, Name: aws.String("name of " + id)})
	}
	return out, nil
}

func (f fakePools) DescribeUserPool(_ context.Context, in *cognitoidentityprovider.DescribeUserPoolInput, _ ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DescribeUserPoolOutput, error) {
	return &cognitoidentityprovider.DescribeUserPoolOutput{UserPool: &types.UserPoolType{LambdaConfig: f[*in.UserPoolId]}}, nil
}

func TestAttached(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:lambda:eu-central-1:111122223333:function:"
	pools := fakePools{
		"none":  nil,
		"other": {PreSignUp: aws.String(arn + "somebody-elses")},
		"ours": {
			PreSignUp:        aws.String(arn + "guard:live"),
			PostConfirmation: aws.String(arn + "guard-not"),
			// A newer trigger is an object.
			PreTokenGenerationConfig: &types.PreTokenGenerationVersionConfigType{LambdaArn: aws.String(arn + "audit"), LambdaVersion: types.PreTokenGenerationLambdaVersionTypeV20},
		},
	}
	got, err := Attached(t.Context(), pools, []string{"guard", "audit"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Attachment{
		{"ours", "name of ours", "PreSignUp", "guard"},
		{"ours", "name of ours", "PreTokenGenerationConfig", "audit"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attachments (-want +got):\n%s", diff)
	}
}

// fakeStacks is a stack "s" that nests another.
type fakeStacks struct{}

func (fakeStacks) DescribeStacks(_ context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	if *in.StackName != "s" {
		return nil, &smithy.GenericAPIError{Code: "ValidationError", Message: "Stack with id x does not exist"}
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []cftypes.Stack{{Parameters: []cftypes.Parameter{
		{ParameterKey: aws.String("PreSignUpTrigger"), ParameterValue: aws.String("on")},
		{ParameterKey: aws.String("PostConfirmationTrigger"), ParameterValue: aws.String("off")},
		{ParameterKey: aws.String("Environment"), ParameterValue: aws.String("on")},
	}}}}, nil
}

func (fakeStacks) GetTemplate(_ context.Context, in *cloudformation.GetTemplateInput, _ ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error) {
	return &cloudformation.GetTemplateOutput{TemplateBody: aws.String(map[string]string{
		"s":      "Resources: {Pool: {Type: P, DeletionPolicy: Retain}, Unmade: {Type: P, DeletionPolicy: Retain}}",
		"nested": "Resources: {Key: {Type: K, DeletionPolicy: RetainExceptOnCreate}}",
	}[*in.StackName])}, nil
}

func (fakeStacks) ListStackResources(_ context.Context, in *cloudformation.ListStackResourcesInput, _ ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error) {
	resource := func(id, typ, physical string) cftypes.StackResourceSummary {
		return cftypes.StackResourceSummary{LogicalResourceId: &id, ResourceType: &typ, PhysicalResourceId: &physical}
	}
	return &cloudformation.ListStackResourcesOutput{StackResourceSummaries: map[string][]cftypes.StackResourceSummary{
		"s":      {resource("Pool", "AWS::Cognito::UserPool", "p-1"), resource("Below", "AWS::CloudFormation::Stack", "nested"), resource("F", "AWS::Lambda::Function", "f-1"), resource("Unmade", "P", "")},
		"nested": {resource("Key", "K", "k-1")},
	}[*in.StackName]}, nil
}

func TestRead(t *testing.T) {
	t.Parallel()
	got, err := Read(t.Context(), fakeStacks{}, "short", "s")
	if err != nil {
		t.Fatal(err)
	}
	want := &Stack{Name: "short", FullName: "s", Switches: []string{"PreSignUpTrigger"}, Resources: []Resource{
		{"Pool", "AWS::Cognito::UserPool", "p-1", true}, {"Below", "AWS::CloudFormation::Stack", "nested", false}, {"Key", "K", "k-1", true}, {"F", "AWS::Lambda::Function", "f-1", false},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Stack{})); diff != "" {
		t.Errorf("stack (-want +got):\n%s", diff)
	}
	if ids := Of([]*Stack{got}, "AWS::Lambda::Function"); len(ids) != 1 || ids[0] != "f-1" {
		t.Errorf("functions %v", ids)
	}
	if got, err := Read(t.Context(), fakeStacks{}, "short", "missing"); err != nil || got != nil {
		t.Errorf("got %v, %v, want nothing", got, err)
	}
}

// Whoever is told that something stays is told what it costs.
func TestWhatTemplatesRetainHasAPrice(t *testing.T) {
	t.Parallel()
	all, err := stacks.Discover("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		kept, err := retained.InFolder(s.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for id, typ := range kept {
			if p, _ := priceOf(typ); p.typ == "" {
				t.Errorf("%s: %s (%s) is retained, but prices() does not know what that costs", s.Name, id, typ)
			}
		}
	}
}

func TestPrintKept(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	some := PrintKept(&out, []*Stack{
		{Name: "user-events", Resources: []Resource{{"TopicKey", "AWS::KMS::Key", "key-1", true}, {"Queue", "AWS::SQS::Queue", "q", false}}},
		{Name: "platform", Resources: []Resource{{"UserPool", "AWS::Cognito::UserPool", "pool-1", true}, {"New", "AWS::New::Type", "new-1", true}}},
	})
	want := `  platform: UserPool  AWS::Cognito::UserPool
    is      pool-1
    costs   nothing while nobody signs in; then by active users a month
    delete  aws cognito-idp update-user-pool --user-pool-id pool-1 --deletion-protection INACTIVE && aws cognito-idp delete-user-pool --user-pool-id pool-1
  platform: New  AWS::New::Type
    is      new-1
    costs   look it up
    delete  by hand: new-1
  user-events: TopicKey  AWS::KMS::Key
    is      key-1
    costs   $1.00 a month, and up to $2.00 more once its material was rotated
    delete  aws kms schedule-key-deletion --key-id key-1 --pending-window-in-days 30   (free from then on; what it encrypted is lost for ever)
  For having them at all: $1.00 a month. List prices of us-east-1 as of 2026-11-22; yours are on
    https://aws.amazon.com/cognito/pricing/
    https://aws.amazon.com/pricing/
    https://aws.amazon.com/kms/pricing/
  A later deployment makes new ones and does not find these again.
`
	if diff := cmp.Diff(want, out.String()); diff != "" || !some {
		t.Errorf("%v, output (-want +got):\n%s", some, diff)
	}
	if PrintKept(&out, nil) {
		t.Error("nothing is kept, and yet something is")
	}
}
