package pipelines

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatehouse.example/tools/policy"
	"gatehouse.example/tools/template"
)

// role is an IAM role as AWS would have it.
type role struct {
	arn string
	// trust is its trust policy, and policies are its own.
	trust    policy.Document
	policies []policy.Document
}

// account returns the account in an ARN.
func account(arn string) string { return strings.Split(arn, ":")[4] }

// mayAssume reports whether the role's policies let it assume another. The other one's
// trust is not asked: each of the two must be enough.
func (r role) mayAssume(other role) bool {
	return policy.Request{Action: "sts:AssumeRole", Resource: other.arn}.Allowed(r.policies...)
}

// trusts reports whether the role's trust policy lets another role assume it. The other
// one's own policies are not asked.
func (r role) trusts(other role) bool {
	d := policy.Document{}
	for _, s := range r.trust.Statement {
		var by struct{ AWS policy.Strings }
		if err := json.Unmarshal(s.Principal, &by); err != nil {
			by.AWS = policy.Strings{"*"}
		}
		if slices.ContainsFunc(by.AWS, func(p string) bool {
			return p == "*" || p == other.arn || p == "arn:aws:iam::"+account(other.arn)+":root"
		}) {
			s.Resource = policy.Strings{"*"}
			d.Statement = append(d.Statement, s)
		}
	}
	return policy.Request{Action: "sts:AssumeRole", Keys: map[string]string{"aws:principalarn": other.arn}}.Allowed(d)
}

// roles returns every role that a pipeline's stages can use: of the tools account and of
// each environment.
func (m pipelineModel) roles() ([]role, error) {
	out, err := m.rolesIn(servicePipeline, toolsAccount, nil)
	if err != nil {
		return nil, err
	}
	for _, file := range []string{checksFile, pipelinePipeline} {
		more, err := m.rolesIn(file, toolsAccount, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	for environment, id := range environmentAccounts() {
		more, err := m.rolesIn(canaryFile, toolsAccount, map[string]string{"Environment": environment, "EnvironmentAccount": id})
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
		for _, file := range []string{"environment.yaml", "roles/deploy.yaml", "roles/" + m.service + ".yaml"} {
			more, err := m.rolesIn("pipeline/"+file, id, map[string]string{
				"AWS::AccountId": id, "Environment": environment, "ToolsAccount": toolsAccount, "ArtifactBucket": "artifacts", "OnAws": "true",
				"ArtifactKeyArn": "arn:aws:kms:eu-central-1:" + toolsAccount + ":key/1", "BoundaryArn": "boundary", "HostedZoneId": "Z1",
			})
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
	}
	return out, nil
}

// rolesIn evaluates the roles of a template.
func (m pipelineModel) rolesIn(file, id string, more map[string]string) ([]role, error) {
	text, err := m.sources.read(file)
	if err != nil {
		return nil, err
	}
	t, err := template.Parse(file, []byte(text))
	if err != nil {
		return nil, err
	}
	parameters := maps.Clone(m.parameters)
	maps.Copy(parameters, more)
	in := t.Evaluator(parameters, resolver{t, parameters})
	var out []role
	for _, r := range t.Resources("AWS::IAM::Role") {
		var properties struct {
			RoleName, Path           string
			AssumeRolePolicyDocument policy.Document
			Policies                 []struct{ PolicyDocument policy.Document }
		}
		values := map[string]any{}
		for _, name := range []string{"RoleName", "Path", "AssumeRolePolicyDocument", "Policies"} {
			if values[name], err = in.Value(context.Background(), r.Prop(name)); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", r, name, err)
			}
		}
		raw, err := json.Marshal(values)
		if err != nil {
			return nil, fmt.Errorf("json.Marshal: %w", err)
		}
		if err := json.Unmarshal(raw, &properties); err != nil {
			return nil, fmt.Errorf("%s: json.Unmarshal: %w", r, err)
		}
		one := role{arn: "arn:aws:iam::" + id + ":role" + properties.Path + properties.RoleName, trust: properties.AssumeRolePolicyDocument}
		for _, p := range properties.Policies {
			one.policies = append(one.policies, p.PolicyDocument)
		}
		out = append(out, one)
	}
	return out, nil
}

// bucketDenials returns what the artifact bucket's policy denies everyone.
func (m pipelineModel) bucketDenials() (policy.Document, error) {
	const file = "pipeline/bootstrap.yaml"
	text, err := m.sources.read(file)
	if err != nil {
		return policy.Document{}, err
	}
	t, err := template.Parse(file, []byte(text))
	if err != nil {
		return policy.Document{}, err
	}
	in := t.Evaluator(map[string]string{"AWS::AccountId": toolsAccount, "AWS::Partition": "aws", "AWS::Region": "eu-central-1"}, artifactNames{})
	var all policy.Document
	for _, r := range t.Resources("AWS::S3::BucketPolicy") {
		value, err := in.Value(context.Background(), r.Prop("PolicyDocument"))
		if err != nil {
			return policy.Document{}, fmt.Errorf("%s: %w", r, err)
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return policy.Document{}, fmt.Errorf("json.Marshal: %w", err)
		}
		if err := json.Unmarshal(raw, &all); err != nil {
			return policy.Document{}, fmt.Errorf("%s: json.Unmarshal: %w", r, err)
		}
	}
	all.Statement = slices.DeleteFunc(all.Statement, func(s policy.Statement) bool { return s.Effect != "Deny" || string(s.Principal) != `"*"` })
	return all, nil
}

// artifactNames resolves the artifact bucket and its key.
type artifactNames struct{}

func (artifactNames) Parameter(_ context.Context, name string) (string, error) { return name, nil }

func (artifactNames) Attribute(_ context.Context, id, attribute string) (string, error) {
	if id == "ArtifactBucket" && attribute == "Arn" {
		return "arn:aws:s3:::artifacts", nil
	}
	return id + "." + attribute, nil
}
