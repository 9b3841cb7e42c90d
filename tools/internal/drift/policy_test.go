package drift

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestComparePolicies(t *testing.T) {
	t.Parallel()
	const allow = `{"Statement":[{"Sid":"S","Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":["q","d"],"Condition":{"ArnEquals":{"aws:SourceArn":"t"}}}]}`
	for name, tc := range map[string]struct {
		want, have string
		lines      []string
		denies     bool
	}{
		"equal": {allow, allow, nil, false},
		"written_otherwise": {allow, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":["sns.amazonaws.com"]},"Action":["SQS:SendMessage"],
			"Resource":["d","q","d"],"Condition":{"ArnEquals":{"AWS:SourceArn":["t"]}}}}`, nil, false},
		"everybody": {`{"Statement":[{"Effect":"Deny","Principal":"*","Action":"a"}]}`, `{"Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"a"}]}`, nil, false},
		"account":   {`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"}}]}`, `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"}}]}`, nil, false},
		"gone":      {allow, ``, []string{"policy: missing: S: Allow sqs:SendMessage by Service:sns.amazonaws.com on d,q if ArnEquals:aws:sourcearn:t"}, false},
		"without_condition": {allow, strings.Replace(allow, `,"Condition":{"ArnEquals":{"aws:SourceArn":"t"}}`, "", 1), []string{
			"policy: missing: S: Allow sqs:SendMessage by Service:sns.amazonaws.com on d,q if ArnEquals:aws:sourcearn:t",
			"policy: added by hand: S: Allow sqs:SendMessage by Service:sns.amazonaws.com on d,q",
		}, false},
		"deny_added": {``, `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"sqs:*"}]}`, []string{"policy: added by hand: Deny sqs:* by AWS:*"}, true},
		"not_action": {`{"Statement":[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}]}`, `{"Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}`, []string{
			"policy: missing: Allow everything but iam:* on *", "policy: added by hand: Allow iam:* on *",
		}, false},
	} {
		d, err := comparePolicies(tc.want, tc.have)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.lines, d.lines("policy")); diff != "" || d.denials() != tc.denies {
			t.Errorf("%s: denies %t, lines (-want +got)\n%s", name, d.denials(), diff)
		}
	}
	for _, broken := range []string{`[]`, `{`, `{"Statement":["x"]}`} {
		if _, err := comparePolicies(allow, broken); err == nil {
			t.Errorf("%s is taken for a policy", broken)
		}
	}
}

func FuzzStatements(f *testing.F) {
	f.Add(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":["1"]},"Action":"a","Condition":{"Bool":{"k":"true"}}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := statements(text)
		if err != nil {
			return
		}
		d, err := comparePolicies(text, text)
		if err != nil || len(d.missing)+len(d.added) > 0 {
			t.Errorf("%d statements differ from themselves: %v", len(all), err)
		}
	})
}
