package triggers

import (
	"strings"
	"testing"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

func TestPolicyAllows(t *testing.T) {
	t.Parallel()
	statement := func(more string) string {
		return `{"Statement":[{"Effect":"Allow","Principal":{"Service":"cognito-idp.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + upstreamtest.Function + `"` + more + `}]}`
	}
	for name, tc := range map[string]struct {
		policy string
		want   bool
	}{
		"no_condition":     {statement(""), true},
		"arn_like":         {upstreamtest.Policy, true},
		"arn_equals":       {statement(`,"Condition":{"ArnEquals":{"aws:SourceArn":"` + upstreamtest.PoolARN + `"}}`), true},
		"string_equals":    {statement(`,"Condition":{"StringEquals":{"aws:SourceArn":["x","` + upstreamtest.PoolARN + `"]}}`), true},
		"string_like":      {statement(`,"Condition":{"StringLike":{"aws:SourceArn":"arn:aws:cognito-idp:*"}}`), true},
		"no_wildcard":      {statement(`,"Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:cognito-idp:*"}}`), false},
		"other_account":    {statement(`,"Condition":{"StringEquals":{"AWS:SourceAccount":"111111111111"}}`), false},
		"unknown_key":      {statement(`,"Condition":{"StringEquals":{"lambda:EventSourceToken":"x"}}`), false},
		"unknown_operator": {statement(`,"Condition":{"NumericLessThan":{"aws:SourceAccount":"1"}}`), false},
		"other_service":    {strings.Replace(statement(""), "cognito-idp.", "sns.", 1), false},
		"anybody":          {strings.Replace(statement(""), `{"Service":"cognito-idp.amazonaws.com"}`, `"*"`, 1), true},
		"other_action":     {strings.Replace(statement(""), "lambda:InvokeFunction", "lambda:GetFunction", 1), false},
		"action_case":      {strings.Replace(statement(""), "lambda:InvokeFunction", "lambda:invokeFunction", 1), true},
		"other_alias":      {strings.Replace(statement(""), ":live", ":old", 1), false},
		"unqualified":      {strings.Replace(statement(""), ":live", "", 1), false},
		"denied":           {strings.Replace(statement(""), `{"Statement":[`, `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"lambda:*","Resource":"*"},`, 1), false},
		"empty":            {`{"Statement":[]}`, false},
		"broken":           {`{`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := upstream.MayInvoke(tc.policy, cognitoService, upstreamtest.Function, upstreamtest.PoolARN); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func FuzzPolicyAllows(f *testing.F) {
	f.Add(upstreamtest.Policy)
	f.Fuzz(func(_ *testing.T, policy string) {
		upstream.MayInvoke(policy, cognitoService, upstreamtest.Function, upstreamtest.PoolARN)
	})
}
