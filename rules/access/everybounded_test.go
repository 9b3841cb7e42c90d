package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/policy"
	workspace "gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

// bounded: what a role of a service is allowed on its real resources, its boundary
// allows too, with the condition keys of the call. The resources of another environment
// are beyond the boundary, where their names tell.
func bounded(all []*template.Template, e estate) (findings []string, looked int) {
	for _, environment := range workspace.Environments {
		boundary, err := boundaryOf(all, environment)
		if err != nil {
			return []string{err.Error()}, looked
		}
		for _, service := range e[environment] {
			for _, d := range service {
				if d.Type != "AWS::IAM::Role" {
					continue
				}
				made, err := d.callsOf()
				if err != nil {
					findings = append(findings, fmt.Sprintf("%s: %v", d, err))
				}
				for _, r := range made {
					looked++
					if !r.Allowed(boundary) {
						findings = append(findings, fmt.Sprintf("%s may call %s on %s in %s with %v, and the boundary denies it", d, r.Action, r.Resource, environment, r.Keys))
					}
					for _, other := range workspace.Environments {
						moved := r
						moved.Resource = strings.Replace(r.Resource, "gatehouse-"+environment+"-", "gatehouse-"+other+"-", 1)
						if moved.Resource != r.Resource && !strings.HasPrefix(r.Action, "logs:") && moved.Allowed(boundary) {
							findings = append(findings, fmt.Sprintf("the boundary of %s allows %s on %s", environment, r.Action, moved.Resource))
						}
					}
				}
			}
		}
	}
	slices.Sort(findings)
	return slices.Compact(findings), looked
}

// boundaryOf is the boundary of the services in an environment.
func boundaryOf(all []*template.Template, environment string) (policy.Document, error) {
	for _, t := range all {
		for _, r := range t.Resources("AWS::IAM::ManagedPolicy") {
			if t.Path == "pipeline/environment.yaml" && r.ID == "Boundary" {
				return document(t.Evaluator(map[string]string{
					"AWS::AccountId": account, "AWS::Partition": partition, "AWS::Region": region, "Environment": environment,
				}, nil), r.Prop("PolicyDocument"))
			}
		}
	}
	return policy.Document{}, fmt.Errorf("pipeline/environment.yaml has no boundary")
}

// document evaluates a policy, as IAM gets it.
func document(values *template.Evaluator, n *yaml.Node) (policy.Document, error) {
	v, err := values.Value(context.Background(), n)
	if err != nil {
		return policy.Document{}, fmt.Errorf("template.Value: %w", err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return policy.Document{}, fmt.Errorf("json.Marshal: %w", err)
	}
	return policy.Parse(string(text))
}

// callsOf are calls that the policies of a role are there for: one for each action and
// resource, with the values that the conditions require. KMS is called by SNS, unless
// a condition names another service, the action only reads, or the key is the stack's own:
// the role calls that itself.
func (d deployed) callsOf() ([]policy.Request, error) {
	v, err := d.values.Value(context.Background(), d.Prop("Policies"))
	if err != nil {
		return nil, fmt.Errorf("template.Value: %w", err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("json.Marshal: %w", err)
	}
	var policies []struct{ PolicyDocument policy.Document }
	if err := json.Unmarshal(text, &policies); err != nil {
		return nil, fmt.Errorf("json.Unmarshal: %w", err)
	}
	var out []policy.Request
	for _, p := range policies {
		for _, s := range p.PolicyDocument.Statement {
			keys := map[string]string{}
			for _, names := range s.Condition {
				for name, values := range names {
					keys[strings.ToLower(name)] = strings.ReplaceAll(values[0], "*", "x")
				}
			}
			for _, action := range s.Action {
				if strings.HasPrefix(action, "kms:") && keys["kms:viaservice"] == "" && action != "kms:DescribeKey" {
					if tag := d.tagOfKey(s.Resource); tag != "" {
						keys["aws:resourcetag/"+ownTag] = tag
					} else {
						keys["kms:viaservice"] = "sns." + region + ".amazonaws.com"
					}
				}
				for _, resource := range s.Resource {
					out = append(out, policy.Request{
						Action: strings.TrimSuffix(action, "*"), Resource: strings.ReplaceAll(strings.Replace(resource, "arn:*:logs:*:*", arn("logs:"+region+":"+account), 1), "*", "x"), Keys: keys,
					})
				}
			}
		}
	}
	return out, nil
}

// tagOfKey is that of the role's stack, if the resources are a key of it.
func (d deployed) tagOfKey(resources []string) string {
	for _, key := range d.Resources("AWS::KMS::Key") {
		if len(resources) != 1 || !strings.Contains(resources[0], ":key/"+key.ID+"-") {
			continue
		}
		v, err := d.values.Value(context.Background(), key.Prop("Tags"))
		if tags, ok := v.([]any); err == nil && ok && len(tags) == 1 {
			if tag, ok := tags[0].(map[string]any); ok && tag["Key"] == ownTag {
				return fmt.Sprint(tag["Value"])
			}
		}
	}
	return ""
}

func TestEveryBoundedPermission(t *testing.T) {
	t.Parallel()
	all := repository.Templates(t)
	o := newOracle(t, all)
	findings, looked := bounded(all, o.estate)
	repository.Report(t, findings)
	t.Logf("decided %d calls", looked)
	if looked < 200 {
		t.Errorf("decided %d calls only; were the roles moved?", looked)
	}
	mutate(t, func(all []*template.Template) []string {
		findings, _ := bounded(all, o.estate)
		return findings
	}, map[string]mutation{
		"own_keys_lost":    {"environment.yaml", "gatehouse:stack: !Sub \"gatehouse-${Environment}-passwordless\"}}}", "gatehouse:stack: other}}}", "call kms:GenerateMac on"},
		"key_of_sns_lost":  {"environment.yaml", ", !Sub \"sns.${AWS::Region}.amazonaws.com\"]}}", "]}}", "call kms:GenerateDataKey on"},
		"names_of_another": {"environment.yaml", "table/gatehouse-${Environment}-*\n          - Sid: Buses", "table/gatehouse-tools-*\n          - Sid: Buses", "may call dynamodb:PutItem on"},
		"all_environments": {"environment.yaml", "# Reason: the environment's topics.\n            Resource: !Sub arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:gatehouse-${Environment}-*", "# Reason: the environment's topics.\n            Resource: !Sub arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:gatehouse-*", "the boundary of dev allows sns:Publish on"},
	})
}
