package access

import (
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// publishers: a function that publishes to the encrypted topic may also use the key
// and the outbox. Without the key every publish fails, but only on AWS.
func publishers(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, f := range t.Resources(repository.FunctionType) {
			if len(repository.Grants(f, "sns:Publish")) == 0 {
				continue
			}
			for _, action := range []string{"kms:GenerateDataKey*", "kms:Decrypt"} {
				if !repository.Mention(repository.Grants(f, action), "key") {
					out = append(out, f.String()+": publishes without "+action+" on the topic's key")
				}
			}
			// The drain reads the outbox, so it does not need to send to it. The reconciler finds
			// again in its next run what it could not publish (docs/adr/0046).
			if template.Text(f.Prop("CodeUri")) != "cmd/reconciler" && !repository.Outbox(repository.Grants(f, "sqs:ReceiveMessage")) && !repository.Outbox(repository.Grants(f, "sqs:SendMessage")) {
				out = append(out, f.String()+": publishes without sqs:SendMessage on the outbox")
			}
		}
	}
	return out
}

func TestPublishers(t *testing.T) {
	t.Parallel()
	repository.Report(t, publishers(repository.Templates(t)))
}

func TestPublishersPlanted(t *testing.T) {
	t.Parallel()
	repository.Plant(t, publishers, map[string]repository.Planted{
		"no_data_key":     {`Action: ["kms:GenerateDataKey*", kms:Decrypt]`, "Action: [kms:Decrypt]", "GenerateDataKey"},
		"no_decrypt":      {`Action: ["kms:GenerateDataKey*", kms:Decrypt]`, `Action: ["kms:GenerateDataKey*"]`, "kms:Decrypt"},
		"other_resource":  {"kms:Decrypt], Resource: !GetAtt Key.Arn", "kms:Decrypt], Resource: !Ref Topic", "on the topic's key"},
		"no_second_way":   {"Action: sqs:SendMessage, Resource: !GetAtt Outbox.Arn", "Action: sqs:SendMessage, Resource: !GetAtt Dead.Arn", "on the outbox"},
		"denied_not_said": {"Action: sqs:SendMessage, Res", "Action: sqs:GetQueueUrl, Res", "on the outbox"},
	})
}
