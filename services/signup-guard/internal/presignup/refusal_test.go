package presignup

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	rules := map[string]bool{}
	for _, e := range refusals() {
		if e.Rule == "" || e.Code == "" || e.When == "" || rules[e.Rule] {
			t.Errorf("entry %+v is incomplete or repeated", e)
		}
		rules[e.Rule] = true
		// The person reads "PreSignUp failed with error TEXT." with Cognito's full stop.
		if len(e.Text) > 80 || e.Text == "" || strings.HasSuffix(e.Text, ".") {
			t.Errorf("%s: text %q is too long or ends with a full stop", e.Rule, e.Text)
		}
		for _, word := range []string{"list", "disposable", "error", "rule", "domain", "Gatehouse", e.Code, e.Rule} {
			if strings.Contains(strings.ToLower(e.Text), strings.ToLower(word)) {
				t.Errorf("%s: text %q says %q", e.Rule, e.Text, word)
			}
		}
		if r := e.err(); r.Error() != e.Text || r.Code != e.Code {
			t.Errorf("%s: refusal %+v", e.Rule, r)
		}
		if found, ok := refusalOf(e.Rule); !ok || found != e {
			t.Errorf("refusalOf(%q) = %+v, %v", e.Rule, found, ok)
		}
	}
	if _, ok := refusalOf(""); ok {
		t.Error("an empty rule has an entry")
	}
}

// TestReadme: the table in the README is the one in the code.
func TestReadme(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("| code | rule | when | what the person reads |\n|---|---|---|---|\n")
	for _, e := range refusals() {
		fmt.Fprintf(&want, "| `%s` | `%s` | %s | %s |\n", e.Code, e.Rule, e.When, e.Text)
	}
	if !strings.Contains(string(raw), want.String()) {
		t.Errorf("the README does not hold this table:\n%s", want.String())
	}
}

// TestSchema: the schema of the event, from which the catalogue is written, lists the
// codes and the rules of the table.
func TestSchema(t *testing.T) {
	t.Parallel()
	raw, err := schemas.Of(contracts.TypeSignupRejected)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties struct {
			Data struct {
				Properties struct{ Reason, Rule struct{ Enum []string } }
			}
		}
	}
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	var codes, rules []string
	for _, e := range refusals() {
		codes, rules = append(codes, e.Code), append(rules, e.Rule)
	}
	slices.Sort(codes)
	slices.Sort(rules)
	described := schema.Properties.Data.Properties
	if diff := cmp.Diff(slices.Compact(codes), described.Reason.Enum); diff != "" {
		t.Errorf("codes (-table +schema):\n%s", diff)
	}
	if diff := cmp.Diff(rules, described.Rule.Enum); diff != "" {
		t.Errorf("rules (-table +schema):\n%s", diff)
	}
}
