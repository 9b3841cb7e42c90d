package presignup

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
	"gatehouse.example/lambdakit/language"
	"gatehouse.example/lambdakit/trigger"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	rules, codes := map[string]bool{}, map[string]bool{}
	for _, e := range refusals() {
		if e.Rule == "" || e.Code == "" || e.When == "" || rules[e.Rule] {
			t.Errorf("entry %+v is incomplete or repeated", e)
		}
		rules[e.Rule], codes[e.Said] = true, true
		if text := said()[e.Said]["de"] + " (" + e.Said + ")"; e.err("de") != (trigger.Refusal{Code: e.Code, Text: text}) {
			t.Errorf("%s: refusal %+v", e.Rule, e.err("de"))
		}
		if strings.HasPrefix(e.Code, "domain-") && e.Said != saidRefused {
			t.Errorf("%s: the person is told %s", e.Rule, e.Said)
		}
		if found, ok := refusalOf(e.Rule); !ok || found != e {
			t.Errorf("refusalOf(%q) = %+v, %v", e.Rule, found, ok)
		}
	}
	if _, ok := refusalOf(""); ok {
		t.Error("an empty rule has an entry")
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(codes)), slices.Sorted(maps.Keys(said()))); diff != "" {
		t.Errorf("codes with texts (-of refusals +of texts):\n%s", diff)
	}
}

// TestTexts: each code has a text in each language that fits into Cognito's, and says
// nothing of how the service works.
func TestTexts(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for code, texts := range said() {
		if diff := cmp.Diff(language.All(), slices.Sorted(maps.Keys(texts))); diff != "" {
			t.Errorf("%s: languages (-want +got):\n%s", code, diff)
		}
		for lang, text := range texts {
			if n := utf8.RuneCountInString(text); n == 0 || n > 110 || strings.ContainsAny(text, "()<>{}\n") || strings.HasSuffix(text, ".") || strings.HasSuffix(text, "。") || seen[text] {
				t.Errorf("%s in %s: %q is empty, long, repeated, or ends with a full stop", code, lang, text)
			}
			seen[text] = true
			for _, word := range []string{"list", "disposable", "error", "rule", "domain", "domän", "domaine", "dominio", "ドメイン", "Gatehouse", code} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
					t.Errorf("%s in %s: %q says %q", code, lang, text, word)
				}
			}
		}
	}
}

// TestReadme: the tables in the README are those in the code.
func TestReadme(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var rules, texts strings.Builder
	rules.WriteString("| code | rule | when | the person is told |\n|---|---|---|---|\n")
	for _, e := range refusals() {
		fmt.Fprintf(&rules, "| `%s` | `%s` | %s | `%s` |\n", e.Code, e.Rule, e.When, e.Said)
	}
	texts.WriteString("| what the person is told | in English |\n|---|---|\n")
	for _, code := range slices.Sorted(maps.Keys(said())) {
		fmt.Fprintf(&texts, "| `%s` | %s |\n", code, said()[code]["en"])
	}
	for _, want := range []string{rules.String(), texts.String()} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the README does not hold this table:\n%s", want)
		}
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
