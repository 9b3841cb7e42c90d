package builds

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// acceptedFile lists the accepted findings of checkov, with reasons.
const acceptedFile = "accepted.txt"

// finding is one of checkov's: a check that a resource of a template did not pass.
type finding struct {
	check, template, resource, text string
}

func (f finding) String() string {
	return fmt.Sprintf("%s  %s  %s: %s", f.check, f.template, f.resource, f.text)
}

// accepted is a check, a pattern of templates and a pattern of resources in the list.
type accepted struct {
	check, template, resource string
}

func (a accepted) matches(f finding) bool {
	template, err := path.Match(a.template, f.template)
	resource, err2 := path.Match(a.resource, f.resource)
	return err == nil && err2 == nil && a.check == f.check && template && resource
}

// parseAccepted reads the list: blocks of a reason, and below it lines of a check, a
// template and resources.
func parseAccepted(text string) ([]accepted, error) {
	var all []accepted
	for block := range strings.SplitSeq(text, "\n\n") {
		explained := false
		for line := range strings.Lines(strings.TrimSpace(block)) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "#") {
				explained = true
				continue
			}
			fields := strings.Split(line, "  ")
			if len(fields) != 3 || !explained {
				return nil, fmt.Errorf("%q is not a finding below its reason", line)
			}
			for _, resource := range strings.Fields(fields[2]) {
				all = append(all, accepted{fields[0], fields[1], resource})
			}
		}
	}
	return all, nil
}

// differences are the findings that are not accepted, and the entries without a finding.
func differences(findings []finding, list []accepted) []string {
	var out []string
	for _, f := range findings {
		if !slices.ContainsFunc(list, func(a accepted) bool { return a.matches(f) }) {
			out = append(out, fmt.Sprintf("checkov: %s; fix it, or list it in e2e/builds/%s with a reason", f, acceptedFile))
		}
	}
	for _, a := range list {
		if !slices.ContainsFunc(findings, a.matches) {
			out = append(out, fmt.Sprintf("e2e/builds/%s: %s  %s  %s is no longer found; remove it", acceptedFile, a.check, a.template, a.resource))
		}
	}
	return out
}

// checkov returns the findings in templates, by path: as CloudFormation gets them, so
// those of SAM are JSON.
func checkov(t *testing.T, templates map[string]string) []finding {
	t.Helper()
	python, err := filepath.Abs("../../.local/venv-checkov/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(python); err != nil {
		t.Fatalf("checkov is not installed; `make test` does that: %v", err)
	}
	dir := t.TempDir()
	for name, text := range templates {
		file := filepath.Join(dir, filepath.FromSlash(name))
		// checkov knows the format by the name.
		if strings.HasPrefix(text, "{") {
			file = strings.TrimSuffix(file, ".yaml") + ".json"
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var output, problems bytes.Buffer
	cmd := exec.CommandContext(t.Context(), python, "runcheckov.py", dir)
	cmd.Stdout, cmd.Stderr = &output, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("runcheckov.py: %v\n%s", err, problems.String())
	}
	var all []finding
	for line := range strings.Lines(output.String()) {
		fields := strings.SplitN(strings.TrimSpace(line), "  ", 4)
		if len(fields) != 4 {
			t.Fatalf("runcheckov.py: unexpected line %q", line)
		}
		all = append(all, finding{fields[0], strings.TrimSuffix(fields[1], path.Ext(fields[1])) + ".yaml", fields[2], fields[3]})
	}
	return all
}

func TestCheckov(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	var sam []repository.Untranslated
	for _, one := range repository.Templates(t) {
		text := strings.Join(one.Lines, "\n")
		if repository.IsSAM(one) {
			sam = append(sam, repository.Untranslated{Path: one.Path, Template: text, Parameters: repository.Release("true")})
		} else {
			texts[one.Path] = text
		}
	}
	for _, one := range repository.Translate(t, sam) {
		texts[one.Path] = strings.Join(one.Lines, "\n")
	}
	list, err := parseAccepted(repository.Read(t, acceptedFile))
	if err != nil {
		t.Fatalf("%s: %v", acceptedFile, err)
	}
	repository.Report(t, differences(checkov(t, texts), list))
}

func TestCheckovPlanted(t *testing.T) {
	t.Parallel()
	const good = `
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {KmsMasterKeyId: alias/a}}
  Topic: {Type: AWS::SNS::Topic, Properties: {KmsMasterKeyId: alias/a}}
  Key: {Type: AWS::KMS::Key, Properties: {EnableKeyRotation: true, KeyPolicy: {Version: "2012-10-17", Statement: []}}}
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      LoggingConfiguration: {DestinationBucketName: b}
      PublicAccessBlockConfiguration: {BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true}
      VersioningConfiguration: {Status: Enabled}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
`
	errs := map[string]struct{ old, new, want string }{
		"good":              {},
		"unencrypted_queue": {", Properties: {KmsMasterKeyId: alias/a}}\n  Topic", "}\n  Topic", "CKV_AWS_27  Queue"},
		"unencrypted_topic": {"AWS::SNS::Topic, Properties: {KmsMasterKeyId: alias/a}", "AWS::SNS::Topic", "CKV_AWS_26  Topic"},
		"old_key":           {"EnableKeyRotation: true", "EnableKeyRotation: false", "CKV_AWS_7  Key"},
		"public_bucket":     {"RestrictPublicBuckets: true", "RestrictPublicBuckets: false", "CKV_AWS_56  Bucket"},
		"readable_by_all":   {"      LoggingConfiguration", "      AccessControl: PublicRead\n      LoggingConfiguration", "CKV_AWS_20  Bucket"},
		"role_of_anyone":    {"Service: lambda.amazonaws.com", `AWS: "*"`, "CKV_AWS_60  Role"},
	}
	texts := map[string]string{}
	for name, e := range errs {
		if !strings.Contains(good, e.old) {
			t.Fatalf("%s: the text to replace is missing", name)
		}
		texts[name+".yaml"] = strings.Replace(good, e.old, e.new, 1)
	}
	found := map[string]string{}
	for _, f := range checkov(t, texts) {
		found[strings.TrimSuffix(f.template, ".yaml")] += f.check + "  " + f.resource + "\n"
	}
	for name, e := range errs {
		if e.want == "" && found[name] != "" || !strings.Contains(found[name], e.want) {
			t.Errorf("%s: findings %q, want %q", name, found[name], e.want)
		}
	}
}

func TestCheckovAccepted(t *testing.T) {
	t.Parallel()
	list, err := parseAccepted("# The list.\n\n# Why.\nCKV_1  services/*/template.yaml  Queue *Dlq\n")
	if err != nil {
		t.Fatal(err)
	}
	queue, dlq := finding{"CKV_1", "services/a/template.yaml", "Queue", ""}, finding{"CKV_1", "services/b/template.yaml", "ADlq", ""}
	for name, c := range map[string]struct {
		findings []finding
		want     string
	}{
		"accepted":         {[]finding{queue, dlq}, ""},
		"no_longer_found":  {[]finding{queue}, "*Dlq is no longer found"},
		"another_resource": {[]finding{queue, dlq, {"CKV_1", "services/a/template.yaml", "Queue2", "text"}}, "Queue2: text; fix it"},
		"another_template": {[]finding{queue, dlq, {"CKV_1", "services/a/nested/template.yaml", "Queue", "text"}}, "nested/template.yaml  Queue: text; fix it"},
		"another_check":    {[]finding{queue, dlq, {"CKV_2", "services/a/template.yaml", "Queue", "text"}}, "CKV_2"},
	} {
		got := strings.Join(differences(c.findings, list), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for _, text := range []string{"CKV_1  a.yaml  Queue", "# Why.\n\nCKV_1  a.yaml  Queue", "# Why.\nCKV_1 a.yaml Queue"} {
		if _, err := parseAccepted(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
