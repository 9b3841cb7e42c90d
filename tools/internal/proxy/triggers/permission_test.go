package proxy

import (
	"strings"
	"testing"
)

func TestPolicyAllows(t *testing.T) {
	t.Parallel()
	statement := func(more string) string {
		return `{"Statement":[{"Effect":"Allow","Principal":{"Service":"cognito-idp.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + testFunction + `"` + more + `}]}`
	}
	for name, tc := range map[string]struct {
		policy string
		want   bool
	}{
		"no_condition":     {statement(""), true},
		"arn_like":         {testPolicy, true},
		"arn_equals":       {statement(`,"Condition":{"ArnEquals":{"aws:SourceArn":"` + testPoolARN + `"}}`), true},
		"string_equals":    {statement(`,"Condition":{"StringEquals":{"aws:SourceArn":["x","` + testPoolARN + `"]}}`), true},
		"string_like":      {statement(`,"Condition":{"StringLike":{"aws:SourceArn":"arn:aws:cognito-idp:*"}}`), true},
		"no_wildcard":      {statement(`,"Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:cognito-idp:*"}}`), false},
		"other_account":    {statement(`,"Condition":{"StringEquals":{"AWS:SourceAccount":"111111111111"}}`), false},
		"unknown_key":      {statement(`,"Condition":{"StringEquals":{"lambda:EventSourceToken":"x"}}`), false},
		"unknown_operator": {statement(`,"Condition":{"StringNotEquals":{"aws:SourceAccount":"1"}}`), false},
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
			if got := policyAllows(tc.policy, testFunction, testPoolARN); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestWildcard(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"a*", "a/b/c", true}, {"a?c", "abc", true}, {"a[b]", "a[b]", true}, {"a[b]", "ab", false}, {`a\*`, `a\b`, true}, {"", "", true},
	} {
		if got := wildcard(tc.pattern, tc.s); got != tc.want {
			t.Errorf("wildcard(%q, %q) = %v", tc.pattern, tc.s, got)
		}
	}
}

func FuzzPolicyAllows(f *testing.F) {
	f.Add(testPolicy)
	f.Fuzz(func(_ *testing.T, policy string) { policyAllows(policy, testFunction, testPoolARN) })
}
