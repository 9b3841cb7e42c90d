package access

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
// White space does not count.
const (
	maxInlinePolicies = 10240 // all of a role's together
	maxManagedPolicy  = 6144
)

// policySize returns the number of characters of a value as JSON, with the longest
// values of its variables. A reference counts as a long ARN.
func policySize(n *yaml.Node) int {
	total := 0
	switch {
	case n == nil:
	case n.Kind == yaml.MappingNode:
		for key, value := range template.Pairs(n) {
			total += len(key.Value) + len(`"":,`) + policySize(value)
		}
		total += len("{}")
	case n.Kind == yaml.SequenceNode && n.Tag == "!Sub":
		return policySize(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!Sub", Value: template.Text(n)})
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			total += policySize(item) + len(",")
		}
		total += len("[]")
	case n.Tag == "!Ref" || n.Tag == "!GetAtt":
		return 120
	default:
		text := strings.NewReplacer("${AWS::Partition}", "aws", "${AWS::Region}", "ap-southeast-2", "${AWS::AccountId}", "111122223333",
			"${Environment}", "production", "${Service}", "log-encryptor", "${ArtifactBucket}", "gatehouse-tools-pipeline-artifactbucket-abcdefghijkl").Replace(n.Value)
		return len(text) + len(`""`)
	}
	return total
}

// policySizes: no policy is longer than IAM allows. AWS would refuse it only during a
// deployment.
func policySizes(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("") {
			total, most := 0, maxInlinePolicies
			switch r.Type {
			case "AWS::IAM::Role", repository.FunctionType:
				if list := r.Prop("Policies"); list != nil {
					for _, policy := range list.Content {
						total += policySize(template.Get(policy, "PolicyDocument"))
					}
				}
			case "AWS::IAM::ManagedPolicy":
				total, most = policySize(r.Prop("PolicyDocument")), maxManagedPolicy
			}
			if total > most {
				out = append(out, fmt.Sprintf("%s: its policies have up to %d characters, more than IAM's %d", r, total, most))
			}
		}
	}
	return out
}

func TestPolicySizes(t *testing.T) {
	t.Parallel()
	repository.Report(t, policySizes(repository.Templates(t)))
}

func TestPolicySizesPlanted(t *testing.T) {
	t.Parallel()
	mutate(t, policySizes, map[string]mutation{
		"role":     {"roles/user-events.yaml", "sqs:CreateQueue\n", "sqs:CreateQueue" + strings.Repeat("x", 5000) + "\n", "CloudFormationRole: its policies have up to"},
		"boundary": {"environment.yaml", "Action: sns:Publish", "Action: sns:" + strings.Repeat("x", 6000), "Boundary: its policies have up to"},
	})
}
