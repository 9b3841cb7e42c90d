package templates

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/services/user-events/usereventstest"
	"gatehouse.example/tools/template"
)

// maxPattern is EventBridge's quota for the size of a pattern, in characters
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html).
const maxPattern = 2048

// recordsTemplate has the rules that send records to account-records.
const recordsTemplate = "services/user-events/records.yaml"

// recordRules: the patterns of the rules have the operations of the function's table, so
// that each record arrives, and unknown records arrive too. No operation that only reads
// is asked for: the function's own calls must not feed its queue.
func recordRules(all []*template.Template) []string {
	i := slices.IndexFunc(all, func(t *template.Template) bool { return t.Path == recordsTemplate })
	if i < 0 {
		return []string{recordsTemplate + " is missing"}
	}
	rows := usereventstest.AccountRows()
	var out, calls []string
	for _, r := range all[i].Resources("AWS::Events::Rule") {
		pattern := r.Prop("EventPattern")
		if size := patternSize(pattern); size > maxPattern {
			out = append(out, fmt.Sprintf("%s: the pattern has %d characters, and EventBridge admits %d: leave out of it what people do not do often", r, size, maxPattern))
		}
		names, others := template.Texts(template.Get(pattern, "detail", "eventName")), template.Get(pattern, "detail", "eventName")
		page := template.Texts(template.Get(pattern, "detail", "eventType"))[0] == "AwsServiceEvent"
		if others != nil && len(others.Content) == 1 && others.Content[0].Kind == yaml.MappingNode {
			names = template.Texts(template.Get(others.Content[0], "anything-but"))
			out = append(out, lacking(r, names, rows, func(row usereventstest.AccountRow) bool { return row.Page == page && (page || row.Type != "") })...)
			for _, name := range names {
				if !slices.ContainsFunc(rows, func(row usereventstest.AccountRow) bool { return row.Operation == name && row.Page == page }) {
					out = append(out, fmt.Sprintf("%s: it leaves out %s, which the table does not have, so nobody would see it", r, name))
				}
			}
			if got := template.Texts(template.Get(pattern, "detail", "readOnly")); !slices.Equal(got, []string{"false"}) {
				out = append(out, fmt.Sprintf("%s: readOnly is %v, want [false]", r, got))
			}
			continue
		}
		for _, name := range names {
			if !slices.ContainsFunc(rows, func(row usereventstest.AccountRow) bool {
				return row.Operation == name && row.Page == page && row.Type != ""
			}) {
				out = append(out, fmt.Sprintf("%s: the table makes no event of %s", r, name))
			}
		}
		if page {
			out = append(out, lacking(r, names, rows, func(row usereventstest.AccountRow) bool { return row.Page && row.Type != "" })...)
			continue
		}
		calls = append(calls, names...)
	}
	return append(out, lacking(recordsTemplate, calls, rows, func(row usereventstest.AccountRow) bool { return !row.Page && row.Type != "" })...)
}

// lacking are the operations of some rows that a pattern does not have.
func lacking(where any, names []string, rows []usereventstest.AccountRow, of func(usereventstest.AccountRow) bool) []string {
	var out []string
	for _, row := range rows {
		if of(row) && !slices.Contains(names, row.Operation) {
			out = append(out, fmt.Sprintf("%v: %s is missing", where, row.Operation))
		}
	}
	return out
}

// patternSize is the size of a pattern as CloudFormation sends it, in JSON.
func patternSize(pattern *yaml.Node) int {
	var value any
	if pattern == nil || pattern.Decode(&value) != nil {
		return 0
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return 0
	}
	return len(raw)
}

func TestRecordRules(t *testing.T) {
	t.Parallel()
	repository.Report(t, recordRules(repository.Templates(t)))
}

func TestRecordRulesPlanted(t *testing.T) {
	t.Parallel()
	repository.PlantIn(t, recordsTemplate, recordRules, map[string]repository.Planted{
		"missing":         {"AdminAddUserToGroup, AdminCreateUser,", "AdminCreateUser,", "records.yaml: AdminAddUserToGroup is missing"},
		"missing_page":    {"[Beta_Token_POST, Token_POST]", "[Token_POST]", "TokensRule: Beta_Token_POST is missing"},
		"read":            {"AdminAddUserToGroup, AdminCreateUser,", "AdminAddUserToGroup, AdminCreateUser, ListUsers,", "AccountsRule: the table makes no event of ListUsers"},
		"page_as_call":    {"AdminAddUserToGroup, AdminCreateUser,", "AdminAddUserToGroup, AdminCreateUser, Token_POST,", "AccountsRule: the table makes no event of Token_POST"},
		"unseen":          {"AddCustomAttributes, AddUserPoolClientSecret, AdminAddUserToGroup", "AddCustomAttributes, Magic, AddUserPoolClientSecret, AdminAddUserToGroup", "UnknownCallsRule: it leaves out Magic"},
		"delivered_twice": {"AddCustomAttributes, AddUserPoolClientSecret, AdminAddUserToGroup", "AddUserPoolClientSecret, AdminAddUserToGroup", "UnknownCallsRule: AddCustomAttributes is missing"},
		"reads_too":       {"readOnly: [false]", "readOnly: [true]", "readOnly is [true]"},
		"too_long":        {"source: [aws.cognito-idp]", "source: [aws.cognito-idp, " + strings.Repeat("x", maxPattern) + "]", "EventBridge admits 2048"},
	})
}
