package signinrecords

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
)

const readme = "../../README.md"

// tables are the tables of the README: what gives which reason, and what a page's name and
// status mean.
func tables() string {
	var b strings.Builder
	b.WriteString("\n| reason | `errorCode` | with | source |\n|---|---|---|---|\n")
	for _, reason := range contracts.FailureReasons() {
		for _, line := range Refusals() {
			if line.Reason != reason {
				continue
			}
			with := "–"
			if line.Text != "" {
				with = "“" + line.Text + "”"
			}
			fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", reason, line.Code, with, line.Source)
		}
	}
	b.WriteString("\n| record | kind | a failure, if it has no `errorCode` | source |\n|---|---|---|---|\n")
	for _, name := range Names() {
		kind, fails := "call", "never"
		if name.Page {
			kind, fails = "page", "status "+strings.Join(texts(name.Fails), ", ")
		}
		if name.Counted {
			fails = "not judged"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name.EventName, kind, fails, name.Source)
	}
	return b.String() + "\n"
}

func texts(all []int) []string {
	var out []string
	for _, n := range all {
		out = append(out, fmt.Sprint(n))
	}
	return out
}

// TestReadme: the README says of each line where it comes from.
func TestReadme(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	const from, to = "-run TestReadme -->\n", "<!-- end of records -->"
	before, rest, found := strings.Cut(string(raw), from)
	got, after, ended := strings.Cut(rest, to)
	if !found || !ended {
		t.Fatalf("%s has no place for the tables", readme)
	}
	if os.Getenv("UPDATE") == "readme" {
		if err := os.WriteFile(readme, []byte(before+from+tables()+to+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(tables(), got); diff != "" {
		t.Errorf("UPDATE=readme go test ./internal/signinrecords -run TestReadme\n(-tables +README)\n%s", diff)
	}
}

// TestRuleSelectsTheNames: what the table knows is what EventBridge sends. Login_Error_POST
// is read-only in EventBridge's list, so the rule has to ask for such records.
func TestRuleSelectsTheNames(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../records.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "eventName: [")
	list, _, _ := strings.Cut(rest, "]")
	var got []string
	for name := range strings.SplitSeq(list, ",") {
		got = append(got, strings.TrimSpace(name))
	}
	var want []string
	for _, name := range Names() {
		want = append(want, name.EventName)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-table +records.yaml):\n%s", diff)
	}
	for _, part := range []string{
		"source: [aws.cognito-idp]", "detail-type: [AWS API Call via CloudTrail, AWS Service Event via CloudTrail]",
		"State: ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
	} {
		if !strings.Contains(string(raw), part) {
			t.Errorf("the rule does not have %s", part)
		}
	}
}
