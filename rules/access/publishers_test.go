package rules_test

import (
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules"
)

// grants are the resources on which a function's own policies allow an action.
func grants(f rules.Resource, action string) []string {
	var out []string
	for _, s := range statements(f.Prop("Policies")) {
		if slices.Contains(rules.Texts(rules.Get(s, "Action")), action) {
			out = append(out, rules.Texts(rules.Get(s, "Resource"))...)
		}
	}
	return out
}

func mention(resources []string, word string) bool {
	return slices.ContainsFunc(resources, func(r string) bool { return strings.Contains(strings.ToLower(r), word) })
}

// publishers: who publishes to the encrypted topic may also use its key, and has
// the second way. Without the key every publish fails, on AWS only.
func publishers(all []*rules.Template) []string {
	var out []string
	for _, t := range all {
		for _, f := range t.Resources(functionType) {
			if len(grants(f, "sns:Publish")) == 0 {
				continue
			}
			for _, action := range []string{"kms:GenerateDataKey*", "kms:Decrypt"} {
				if !mention(grants(f, action), "key") {
					out = append(out, f.String()+": publishes without "+action+" on the topic's key")
				}
			}
			// The drain reads the outbox: for it there is no second way.
			if !mention(grants(f, "sqs:ReceiveMessage"), "outbox") && !mention(grants(f, "sqs:SendMessage"), "outbox") {
				out = append(out, f.String()+": publishes without sqs:SendMessage on the outbox")
			}
		}
	}
	return out
}

func TestPublishers(t *testing.T) {
	t.Parallel()
	report(t, publishers(templates(t)))
}

func TestPublishersPlanted(t *testing.T) {
	t.Parallel()
	plant(t, publishers, map[string]planted{
		"no_data_key":     {`Action: ["kms:GenerateDataKey*", kms:Decrypt]`, "Action: [kms:Decrypt]", "GenerateDataKey"},
		"no_decrypt":      {`Action: ["kms:GenerateDataKey*", kms:Decrypt]`, `Action: ["kms:GenerateDataKey*"]`, "kms:Decrypt"},
		"other_resource":  {"kms:Decrypt], Resource: !GetAtt Key.Arn", "kms:Decrypt], Resource: !Ref Topic", "on the topic's key"},
		"no_second_way":   {"Action: sqs:SendMessage, Resource: !GetAtt Outbox.Arn", "Action: sqs:SendMessage, Resource: !GetAtt Dead.Arn", "on the outbox"},
		"denied_not_said": {"Action: sqs:SendMessage, Res", "Action: sqs:GetQueueUrl, Res", "on the outbox"},
	})
}
