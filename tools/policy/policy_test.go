package policy_test

import (
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gatehouse.example/tools/policy"
)

const (
	function = "arn:aws:lambda:us-east-1:000000000000:function:guard:live"
	pool     = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_a"
)

var request = policy.Request{
	Service: "cognito-idp.amazonaws.com", Action: "lambda:InvokeFunction", Resource: function,
	Keys: map[string]string{"aws:sourcearn": pool, "aws:sourceaccount": "000000000000"},
}

func TestAllowedBy(t *testing.T) {
	t.Parallel()
	statement := func(more string) string {
		return `{"Statement":[{"Effect":"Allow","Principal":{"Service":"cognito-idp.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + function + `"` + more + `}]}`
	}
	condition := func(c string) string { return statement(`,"Condition":{` + c + `}`) }
	for name, tc := range map[string]struct {
		policy string
		want   bool
	}{
		"no_condition":     {statement(""), true},
		"arn_like":         {condition(`"ArnLike":{"AWS:SourceArn":"arn:aws:cognito-idp:*:userpool/*"}`), true},
		"arn_equals":       {condition(`"ArnEquals":{"aws:SourceArn":"` + pool + `"}`), true},
		"string_equals":    {condition(`"StringEquals":{"aws:SourceArn":["x","` + pool + `"]}`), true},
		"string_like":      {condition(`"StringLike":{"aws:SourceArn":"arn:aws:cognito-idp:*"}`), true},
		"no_wildcard":      {condition(`"StringEquals":{"aws:SourceArn":"arn:aws:cognito-idp:*"}`), false},
		"ignore_case":      {condition(`"StringEqualsIgnoreCase":{"aws:SourceArn":"` + strings.ToUpper(pool) + `"}`), true},
		"other_account":    {condition(`"StringEquals":{"AWS:SourceAccount":"111111111111"}`), false},
		"all_must_hold":    {condition(`"StringEquals":{"aws:SourceAccount":"000000000000"},"ArnLike":{"aws:SourceArn":"arn:aws:sns:*"}`), false},
		"key_not_sent":     {condition(`"StringEquals":{"lambda:EventSourceToken":"x"}`), false},
		"optional":         {condition(`"StringEqualsIfExists":{"lambda:EventSourceToken":"x"}`), true},
		"optional_differs": {condition(`"StringEqualsIfExists":{"aws:SourceAccount":"1"}`), false},
		"unknown_operator": {condition(`"NumericLessThan":{"aws:SourceAccount":"1"}`), false},
		"not_equal":        {condition(`"StringNotEquals":{"aws:SourceAccount":["1","2"]}`), true},
		"not_equal_is":     {condition(`"StringNotEquals":{"aws:SourceAccount":["1","000000000000"]}`), false},
		"not_equal_unsent": {condition(`"StringNotEquals":{"aws:ResourceTag/a":"1"}`), true},
		"not_like":         {condition(`"ArnNotLike":{"aws:SourceArn":"arn:aws:cognito-idp:*"}`), false},
		"all_values":       {condition(`"ForAllValues:StringEquals":{"aws:SourceAccount":["1","000000000000"],"aws:TagKeys":"a"}`), true},
		"all_values_other": {condition(`"ForAllValues:StringEquals":{"aws:SourceAccount":"1"}`), false},
		"missing":          {condition(`"Null":{"aws:ResourceTag/a":"true"}`), true},
		"not_missing":      {condition(`"Null":{"aws:SourceArn":"true"}`), false},
		"sent":             {condition(`"Null":{"aws:SourceArn":"false"}`), true},
		"other_service":    {strings.Replace(statement(""), "cognito-idp.", "sns.", 1), false},
		"anyone":           {strings.Replace(statement(""), `{"Service":"cognito-idp.amazonaws.com"}`, `"*"`, 1), true},
		"an_account":       {strings.Replace(statement(""), `{"Service":"cognito-idp.amazonaws.com"}`, `{"AWS":"*"}`, 1), false},
		"no_principal":     {strings.Replace(statement(""), `{"Service":"cognito-idp.amazonaws.com"}`, `[]`, 1), false},
		"other_action":     {strings.Replace(statement(""), "lambda:InvokeFunction", "lambda:GetFunction", 1), false},
		"action_case":      {strings.Replace(statement(""), "lambda:InvokeFunction", "lambda:invokeFunction", 1), true},
		"other_alias":      {strings.Replace(statement(""), ":live", ":old", 1), false},
		"unqualified":      {strings.Replace(statement(""), ":live", "", 1), false},
		"denied":           {strings.Replace(statement(""), `[{`, `[{"Effect":"Deny","Principal":"*","Action":"lambda:*","Resource":"*"},{`, 1), false},
		"denied_later":     {strings.Replace(statement(""), `}]}`, `},{"Effect":"Deny","Principal":"*","Action":["lambda:*"],"Resource":["*"]}]}`, 1), false},
		"empty":            {`{"Statement":[]}`, false},
		"broken":           {`{`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := request.AllowedBy(tc.policy); got != tc.want {
				t.Errorf("got %v, want %v for %s", got, tc.want, tc.policy)
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	read := func(text string) policy.Document {
		d, err := policy.Parse(`{"Statement":` + text + `}`)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	allow := read(`[{"Effect":"Allow","Action":"lambda:*","Resource":"*","Condition":{"StringEqualsIfExists":{"aws:ResourceTag/a":"b"}}}]`)
	deny := read(`[{"Effect":"Deny","Action":"lambda:Inv*","Resource":"*","Condition":{"NumericLessThanIfExists":{"a":"1"},"Bool":{"b":"true"}}},
		{"Effect":"Deny","Action":"lambda:InvokeFunction","Resource":"*","Condition":{"StringNotEquals":{"AWS:SourceArn":"` + pool + `"}}}]`)
	other := request
	other.Keys = map[string]string{"aws:resourcetag/a": "c"}
	if !request.Allowed(allow) || !request.Allowed(allow, deny) || other.Allowed(allow) || request.Allowed() {
		t.Error("the role's policies are not combined as IAM does")
	}
	other.Keys = nil
	if !other.Allowed(allow) || other.Allowed(deny, allow) {
		t.Error("a denial does not take precedence")
	}
	if got := deny.Operators(); !slices.Equal(got, []string{"NumericLessThanIfExists"}) {
		t.Errorf("Operators: %q", got)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, value string
		want           bool
	}{
		{"sns:publish", "sns:publish", true},
		{"sns:publish", "sns:subscribe", false},
		{"arn:aws:sqs:x", "arn:aws:sqs:xy", false},
		{"*", "", true},
		{"*", "arn:aws:sqs:x", true},
		{"a*", "a/b/c", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"a?", "aä", true},
		{"a.c", "abc", false},
		{"a[b]", "a[b]", true},
		{"a[b]", "ab", false},
		{`a\*`, `a\b`, true},
		{"a*b*c", "a-b-c", true},
		{"a*b*c", "a-c", false},
		{"a*bc", "abc", true},
		{"ab*bc", "abc", false},
		{"a*ab", "aaab", true},
		{"role/x/*", "role/xy", false},
		{"arn:*:userpool/*", "arn:aws:cognito-idp:r:1:userpool/p", true},
		{"", "", true},
		{"", "a", false},
	} {
		if got := policy.Match(tc.pattern, tc.value); got != tc.want {
			t.Errorf("Match(%q, %q) = %v", tc.pattern, tc.value, got)
		}
	}
	if !policy.MatchFold("sqs:Send*", "SQS:sendmessage") {
		t.Error("MatchFold does not ignore case")
	}
}

// FuzzMatch compares with path.Match, which differs only in slashes, brackets and
// backslashes.
func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "aXbYc")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if strings.ContainsAny(pattern+value, `/[\`) || !utf8.ValidString(pattern) || !utf8.ValidString(value) {
			t.Skip()
		}
		want, err := path.Match(pattern, value)
		if err != nil {
			t.Fatal(err)
		}
		if got := policy.Match(pattern, value); got != want {
			t.Errorf("Match(%q, %q) = %v", pattern, value, got)
		}
	})
}

func FuzzAllowedBy(f *testing.F) {
	f.Add(`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"lambda:*","Resource":["*"]}]}`)
	f.Fuzz(func(_ *testing.T, document string) {
		request.AllowedBy(document) // must not panic
	})
}
