package registry

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		want []Exception
		err  string
	}{
		"two_actions": {"# why\n\n- api AWS::Lambda::* ec2:*,s3:x : no VPC\n", []Exception{
			{Service: "api", Type: "AWS::Lambda::*", Action: "ec2:*", Reason: "no VPC", Line: 3},
			{Service: "api", Type: "AWS::Lambda::*", Action: "s3:x", Reason: "no VPC", Line: 3},
		}, ""},
		"given":     {"+ * A b:c : reason", []Exception{{Given: true, Service: "*", Type: "A", Action: "b:c", Reason: "reason", Line: 1}}, ""},
		"no_reason": {"+ * A b:c :  ", nil, "exceptions.txt:1"},
		"no_sign":   {"* A b:c : reason", nil, "exceptions.txt:1"},
		"no_action": {"\n+ * A : reason", nil, "exceptions.txt:2"},
		"pattern":   {"+ * [ b:c : reason", nil, "syntax error"},
	} {
		got, err := parse(tc.text)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
		if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: error %v, want %q", name, err, tc.err)
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	e := Exception{Service: "a*", Type: "AWS::Lambda::*", Action: "kms:*"}
	for name, tc := range map[string]struct {
		service, typ, action string
		want                 bool
	}{
		"all":     {"api", "AWS::Lambda::Alias", "KMS:Encrypt", true},
		"service": {"user-events", "AWS::Lambda::Alias", "kms:Encrypt", false},
		"type":    {"api", "AWS::SQS::Queue", "kms:Encrypt", false},
		"action":  {"api", "AWS::Lambda::Alias", "sqs:SendMessage", false},
	} {
		if got := e.Covers(tc.service, tc.typ, tc.action); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	r := Registry{
		Templates: map[string]Template{
			"services/x/template.yaml": {Types: []string{"B", "A"}, Trusted: []string{"lambda"}},
			"services/x/nested.yaml":   {Types: []string{"A"}},
			"services/x/apart.yaml":    {Types: []string{"C"}},
			"services/y/template.yaml": {Types: []string{"D"}},
		},
		Handlers: map[string]map[string][]string{
			"A": {"create": {"S3:Put"}, "delete": {"s3:put"}, "list": {"s3:list"}},
			"B": {"read": {"s3:get", "s3:put"}},
		},
	}
	stack := r.Stack("services/x", "apart.yaml")
	if diff := cmp.Diff(Template{Types: []string{"A", "B"}, Trusted: []string{"lambda"}}, stack); diff != "" {
		t.Errorf("Stack (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"s3:put": {"A", "B"}, "s3:get": {"B"}}, r.Needs(stack.Types)); diff != "" {
		t.Errorf("Needs (-want +got)\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(exceptions)
	f.Fuzz(func(t *testing.T, text string) {
		found, err := parse(text)
		for _, e := range found {
			if err == nil && e.Reason == "" {
				t.Errorf("no reason: %+v", e)
			}
		}
	})
}
