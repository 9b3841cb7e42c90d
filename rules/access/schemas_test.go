package access

import (
	"os"
	"path/filepath"
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
		"A": {"create": {"S3:Put"}, "delete": {"s3:put"}, "list": {"s3:list"}},
		"B": {"read": {"s3:get", "s3:put"}},
		"C": {"read": {"s3:other"}},
	}
	if diff := cmp.Diff(map[string][]string{"s3:put": {"A", "B"}, "s3:get": {"B"}}, r.Needs([]string{"A", "B"})); diff != "" {
		t.Errorf("Needs (-want +got)\n%s", diff)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	venv := t.TempDir()
	schemas := filepath.Join(venv, "lib", "python3.11", "site-packages", "cfnlint", "data", "schemas")
	for name, text := range map[string]string{
		"providers/us-east-1.json": `{"A": "1f", "Legacy": "2e", "Broken": "3d", "Lost": "4c"}`,
		"resources/1f.json":        `{"typeName": "A", "handlers": {"create": {"permissions": ["s3:Put"]}}}`,
		"resources/2e.json":        `{"typeName": "Legacy"}`,
		"resources/3d.json":        `{`,
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(schemas, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(schemas, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(venv, []string{"A", "Legacy"})
	if diff := cmp.Diff(Registry{"A": {"create": {"s3:Put"}}, "Legacy": {}}, got); diff != "" || err != nil {
		t.Errorf("Read: %v (-want +got)\n%s", err, diff)
	}
	for _, name := range []string{"Broken", "Lost", "Unknown"} {
		if _, err := Read(venv, []string{name}); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if _, err := Read(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "make tools") {
		t.Errorf("without cfn-lint: %v", err)
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
