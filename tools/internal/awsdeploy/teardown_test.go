package awsdeploy

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
	got, err := attachments(t.Context(), pools, []string{"guard", "audit"})
	if err != nil {
		t.Fatal(err)
	}
	want := []attachment{
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

func TestReadDeployed(t *testing.T) {
	t.Parallel()
	got, err := readDeployed(t.Context(), fakeStacks{}, "short", "s")
	if err != nil {
		t.Fatal(err)
	}
	want := &deployedStack{Name: "short", FullName: "s", Switches: []string{"PreSignUpTrigger"}, Resources: []resource{
		{"Pool", "AWS::Cognito::UserPool", "p-1", true}, {"Below", "AWS::CloudFormation::Stack", "nested", false}, {"Key", "K", "k-1", true}, {"F", "AWS::Lambda::Function", "f-1", false},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(deployedStack{})); diff != "" {
		t.Errorf("stack (-want +got):\n%s", diff)
	}
	if ids := physicalIDs([]*deployedStack{got}, "AWS::Lambda::Function"); len(ids) != 1 || ids[0] != "f-1" {
		t.Errorf("functions %v", ids)
	}
	if got, err := readDeployed(t.Context(), fakeStacks{}, "short", "missing"); err != nil || got != nil {
		t.Errorf("got %v, %v, want nothing", got, err)
	}
}

func TestEveryRetainedTypeHasADeletion(t *testing.T) {
	t.Parallel()
	all, err := stacks.Discover("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for id, typ := range retainedInFolder(t, s.Dir) {
			if _, known := deletion(typ); !known {
				t.Errorf("%s: %s (%s) is retained, but the list of deletions has no entry for it", s.Name, id, typ)
			}
		}
	}
}

func TestPrintKept(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	some := printKept(&out, []*deployedStack{
		{Name: "user-events", Resources: []resource{{"TopicKey", "AWS::KMS::Key", "key-1", true}, {"Queue", "AWS::SQS::Queue", "q", false}}},
		{Name: "platform", Resources: []resource{{"UserPool", "AWS::Cognito::UserPool", "pool-1", true}, {"New", "AWS::New::Type", "new-1", true}}},
	}, "dev")
	want := `  platform: UserPool  AWS::Cognito::UserPool
    id      pool-1
    costs   by active users
    delete  gatehouse aws delete-retained --environment dev pool-1
  platform: New  AWS::New::Type
    id      new-1
    costs   unknown
    delete  by hand
  user-events: TopicKey  AWS::KMS::Key
    id      key-1
    costs   a fee for every month, until it is deleted
    delete  gatehouse aws delete-retained --environment dev key-1   (free from then on; after 30 days what it encrypted can never be read again)
  A later deployment creates new resources and does not use these.
`
	if diff := cmp.Diff(want, out.String()); diff != "" || !some {
		t.Errorf("%v, output (-want +got):\n%s", some, diff)
	}
	if printKept(&out, nil, "dev") {
		t.Error("an empty list has resources")
	}
}
