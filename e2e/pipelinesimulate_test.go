package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// request is what CloudFormation would do with its role, and with which condition keys.
type request struct {
	may              bool
	action, resource string
	context          map[string]string
}

// cloudFormationRole asks IAM's simulation, for the emulator's CloudFormation acts
// without its role and its IAM knows neither paths nor these conditions when called.
func (a account) cloudFormationRole(t *testing.T) {
	boundary := func(environment string) map[string]string {
		return map[string]string{"iam:PermissionsBoundary": "arn:aws:iam::" + emulated + ":policy/gatehouse/" + environment + "/gatehouse-" + environment + "-boundary"}
	}
	to := func(service string) map[string]string { return map[string]string{"iam:PassedToService": service} }
	function := func(name string) string {
		return "arn:aws:lambda:" + a.root.Region + ":" + emulated + ":function:" + name
	}
	parameter := func(name string) string { return "arn:aws:ssm:" + a.root.Region + ":" + emulated + ":parameter" + name }
	made := role("test/signup-guard", "gatehouse-test-signup-guard-made")
	for name, r := range map[string]request{
		"role_with_the_boundary":      {true, "iam:CreateRole", made, boundary("test")},
		"role_without":                {false, "iam:CreateRole", made, nil},
		"role_with_another":           {false, "iam:CreateRole", made, boundary("production")},
		"role_of_another_service":     {false, "iam:CreateRole", role("test/signin-audit", "made"), boundary("test")},
		"policy_of_a_role":            {true, "iam:PutRolePolicy", made, boundary("test")},
		"policy_of_itself":            {false, "iam:PutRolePolicy", role("test/pipeline", "gatehouse-test-signup-guard-cloudformation"), boundary("test")},
		"boundary_taken_away":         {false, "iam:DeleteRolePermissionsBoundary", made, boundary("test")},
		"boundary_edited":             {false, "iam:CreatePolicyVersion", "arn:aws:iam::" + emulated + ":policy/gatehouse/test/gatehouse-test-boundary", nil},
		"passed_to_lambda":            {true, "iam:PassRole", made, to("lambda.amazonaws.com")},
		"passed_to_ec2":               {false, "iam:PassRole", made, to("ec2.amazonaws.com")},
		"codedeploys_to_codedeploy":   {true, "iam:PassRole", role("test/pipeline", "gatehouse-test-codedeploy"), to("codedeploy.amazonaws.com")},
		"codedeploys_to_lambda":       {false, "iam:PassRole", role("test/pipeline", "gatehouse-test-codedeploy"), to("lambda.amazonaws.com")},
		"own_function":                {true, "lambda:UpdateFunctionCode", function("gatehouse-test-signup-guard-presignup"), nil},
		"function_of_another":         {false, "lambda:UpdateFunctionCode", function("gatehouse-test-user-events-drain"), nil},
		"function_of_another_account": {false, "lambda:UpdateFunctionCode", "arn:aws:lambda:" + a.root.Region + ":999999999999:function:gatehouse-test-signup-guard-presignup", nil},
		"calling_a_function":          {false, "lambda:InvokeFunction", function("gatehouse-test-signup-guard-presignup"), nil},
		"name_that_it_reads":          {true, "ssm:GetParameters", parameter("/gatehouse/test/user-events/topic-arn"), nil},
		"name_that_it_does_not":       {false, "ssm:GetParameters", parameter("/gatehouse/test/platform/user-pool-id"), nil},
		"name_of_its_own":             {true, "ssm:PutParameter", parameter("/gatehouse/test/signup-guard/presignup-arn"), nil},
		"name_of_another":             {false, "ssm:PutParameter", parameter("/gatehouse/test/user-events/topic-arn"), nil},
	} {
		in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String(role("test/pipeline", "gatehouse-test-signup-guard-cloudformation")),
			ActionNames: []string{r.action}, ResourceArns: []string{r.resource}}
		for key, value := range r.context {
			in.ContextEntries = append(in.ContextEntries, types.ContextEntry{ContextKeyName: aws.String(key), ContextKeyType: types.ContextKeyTypeEnumString, ContextKeyValues: []string{value}})
		}
		out := must(iam.NewFromConfig(a.root).SimulatePrincipalPolicy(t.Context(), in))(t)
		if got := out.EvaluationResults[0].EvalDecision; (got == types.PolicyEvaluationDecisionTypeAllowed) != r.may {
			t.Errorf("%s: %s on %s is %s, want it allowed: %t", name, r.action, r.resource, got, r.may)
		}
	}
}
