package templates

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/template"
)

const (
	// maxDescription is the maximum length of a version's description.
	maxDescription = 256
	// roleID is the length of a role's id in IAM, such as AROA0123456789EXAMPLE.
	roleID = 21
	// clientID is the length of an app client's id in every example of Cognito's documents.
	clientID = 26
	// generated is the length of the random end of a physical name:
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
	generated = 13
)

// versions: a version keeps the role that it was created with. When CloudFormation
// replaces only the role, SAM creates no new version, and the alias keeps using a role
// that no longer exists. A version whose description contains the role's id is
// replaced together with the role.
func versions(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, v := range t.Resources("AWS::Lambda::Version") {
			id := "${" + strings.TrimPrefix(template.Text(v.Prop("FunctionName")), "ref:") + "Role.RoleId}"
			if !strings.Contains(template.Text(v.Prop("Description")), id) {
				out = append(out, v.String()+": VersionDescription does not name "+id)
			}
		}
	}
	return out
}

// unpublished: the alias of a function gets the new values of its settings. SAM creates a
// new version when the text of the function's properties changes: it hashes them before
// CloudFormation puts in the values (samtranslator/model/sam_resources.py,
// _construct_version, resolves the parameters of CodeUri only). So the new value of a
// parameter reaches only $LATEST, unless it is in the version's description:
// CloudFormation replaces a version whose description changes (createOnlyProperties in
// the registry's schema of AWS::Lambda::Version).
func unpublished(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		v := &values{Template: t, all: all}
		globals := template.Get(t.Root, "Globals", "Function")
		for _, f := range t.Resources(repository.FunctionType) {
			described := v.of(setting(f, "VersionDescription"))
			for _, properties := range []*yaml.Node{globals, f.Prop()} {
				for key, value := range template.Pairs(properties) {
					if slices.Contains(sam.Unversioned, key.Value) {
						continue
					}
					for _, name := range v.of(value) {
						if !slices.Contains(described, name) {
							out = append(out, fmt.Sprintf("%s: VersionDescription does not contain %s, so a new value in %s does not reach the alias", f, name, key.Value))
						}
					}
				}
			}
		}
	}
	return out
}

// descriptions: a version's description is short enough for all values of its parameters.
func descriptions(all []*template.Template) []string {
	ssm := regexp.MustCompile(`\{\{resolve:ssm:[^}]*\}[^}]*-client-id\}\}`)
	part := regexp.MustCompile(`\$\{[\w.]+\}`)
	var out []string
	for _, t := range all {
		for _, f := range t.Resources(repository.FunctionType) {
			text := ssm.ReplaceAllString(template.Text(f.Prop("VersionDescription")), strings.Repeat("x", clientID))
			length := len(part.ReplaceAllString(text, ""))
			for _, name := range part.FindAllString(text, -1) {
				n := longest(t, strings.Trim(name, "${}"))
				if n == 0 {
					out = append(out, fmt.Sprintf("%s: VersionDescription contains %s, whose length is not limited", f, name))
				}
				length += n
			}
			if length > maxDescription {
				out = append(out, fmt.Sprintf("%s: VersionDescription may have %d characters, more than Lambda's %d", f, length, maxDescription))
			}
		}
	}
	return out
}

// longest returns the length of the longest value of a parameter, of a role's id, or of
// the generated id of a resource.
func longest(t *template.Template, name string) int {
	if strings.HasSuffix(name, "Role.RoleId") {
		return roleID
	}
	for _, r := range t.Resources("") {
		switch {
		case r.ID != name:
		case r.Type == "AWS::KMS::Key":
			return len("1234abcd-12ab-34cd-56ef-1234567890ab")
		case r.Type == "AWS::DynamoDB::Table":
			return len("gatehouse-production-"+path.Base(repository.Dir(t))+"-"+name+"-") + generated
		}
	}
	p := template.Get(t.Root, "Parameters", name)
	if n, err := strconv.Atoi(template.Text(template.Get(p, "MaxLength"))); err == nil {
		return n
	}
	values := append(template.Texts(template.Get(p, "AllowedValues")), template.Text(template.Get(p, "MaxValue")))
	most := 0
	for _, value := range values {
		most = max(most, len(value))
	}
	return most
}

func TestVersions(t *testing.T) {
	t.Parallel()
	all := repository.Templates(t)
	repository.Report(t, descriptions(all))
	repository.Report(t, unpublished(all))
}

func TestVersionsPlanted(t *testing.T) {
	t.Parallel()
	const description = "VersionDescription: !Sub ${Architecture} role ${PreSignUpFunctionRole.RoleId}"
	repository.Plant(t, descriptions, map[string]repository.Planted{
		"too_long":   {description, description + " " + strings.Repeat("x", 223), "may have 257 characters"},
		"any_length": {description, description + " ${DeploymentRoleArn}", "${DeploymentRoleArn}, whose length is not limited"},
		"by_values":  {description, description + " " + strings.Repeat("x", 200) + " ${DeploymentType}", "may have 258 characters"},
		"by_bounds":  {description, description + " " + strings.Repeat("x", 222) + " ${LogRetentionDays}", "may have 259 characters"},
	})
}

// placed: functions and versions do not depend on where the code was uploaded to, except
// for the place itself. Lambda refuses to publish a version of a function that
// has not changed since the last one ("A version for this Lambda function exists"):
// https://github.com/aws/serverless-application-model/issues/1375. An environment that
// was first deployed by hand and later by its pipelines has its code in two buckets.
func placed(here, there []*template.Template) []string {
	var out []string
	for _, v := range versionPairs(here, there) {
		if !v.sameID || !v.sameDescription {
			out = append(out, v.String()+": equal code in another bucket makes another version")
		}
	}
	return out
}

// renewed: other code or another setting makes another version of each function, and
// changes the function, so that Lambda does not refuse the version.
func renewed(before, after []*template.Template) []string {
	var out []string
	for _, v := range versionPairs(before, after) {
		if v.sameID || v.sameDescription {
			out = append(out, v.String()+": a change makes no new version")
		}
	}
	return out
}

// versionPair is a version, and what another translation of its template has, too.
type versionPair struct {
	template.Resource
	sameID, sameDescription bool // of the version, and of its function
}

func versionPairs(one, other []*template.Template) []versionPair {
	var out []versionPair
	for i, t := range one {
		for _, v := range t.Resources("AWS::Lambda::Version") {
			function := strings.TrimPrefix(template.Text(v.Prop("FunctionName")), "ref:")
			out = append(out, versionPair{
				v, slices.ContainsFunc(other[i].Resources("AWS::Lambda::Version"), func(o template.Resource) bool { return o.ID == v.ID }),
				description(t, function) == description(other[i], function),
			})
		}
	}
	return out
}

func description(t *template.Template, function string) string {
	return template.Text(template.Get(t.Root, "Resources", function, "Properties", "Description"))
}

// marked is a template as `sam build` and sam.MarkVersions leave it, with some code in
// each function. Of a template without functions it is an empty list.
func marked(t *testing.T, one *template.Template, text, code string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "template.yaml")
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(path, text)
	for _, f := range one.Resources(repository.FunctionType) {
		write(filepath.Join(dir, template.Text(f.Prop("CodeUri")), "bootstrap"), code)
	}
	if err := sam.MarkVersions(path, path, ""); err != nil {
		t.Fatal(err)
	}
	return repository.Read(t, path)
}

func TestVersionsOfEqualCode(t *testing.T) {
	t.Parallel()
	const here, there = "s3://gatehouse-artifacts/code/service/0123", "s3://aws-sam-cli-managed-default/4567"
	runtime := regexp.MustCompile(`(?m)^( +Handler: ).+$`)
	var of [5][]repository.Untranslated
	for _, one := range repository.Templates(t) {
		if !repository.IsSAM(one) {
			continue
		}
		text := strings.Join(one.Lines, "\n")
		now := marked(t, one, text, "code")
		for i, variant := range []repository.Untranslated{
			{Template: now, Code: here},
			{Template: now, Code: there},
			{Template: marked(t, one, text, "other code"), Code: here},
			{Template: marked(t, one, runtime.ReplaceAllString(text, "${1}other"), "code"), Code: here},
			{Template: text, Code: there}, // the error
		} {
			variant.Path, variant.Parameters = one.Path, repository.Release("false")
			of[i] = append(of[i], variant)
		}
	}
	all := repository.Translate(t, slices.Concat(of[:]...))
	var part [5][]*template.Template
	for i := range part {
		part[i] = all[i*len(of[0]) : (i+1)*len(of[0])]
	}
	repository.Report(t, placed(part[0], part[1]))
	repository.Report(t, renewed(part[0], part[2]))
	repository.Report(t, renewed(part[0], part[3]))
	versions := 0
	for _, one := range part[0] {
		versions += len(one.Resources("AWS::Lambda::Version"))
	}
	t.Logf("%d versions compared at two places", versions)
	if found := placed(part[4], part[0]); versions < 10 || len(found) != versions {
		t.Errorf("%d findings without marks, want one for each of %d versions", len(found), versions)
	}
	if found := renewed(part[0], part[1]); len(found) != versions {
		t.Errorf("%d findings for equal code, want one for each of %d versions", len(found), versions)
	}
}

func TestUnpublishedPlanted(t *testing.T) {
	t.Parallel()
	const description, checkIt = "VersionDescription: !Sub ${Architecture} role ${PreSignUpFunctionRole.RoleId}", "CHECK_IT: yes"
	repository.Plant(t, unpublished, map[string]repository.Planted{
		"parameter":       {checkIt, "CHECK_IT: !Ref LogRetentionDays", "does not contain LogRetentionDays, so a new value in Environment"},
		"global":          {`GOMAXPROCS: "1"`, "GOMAXPROCS: !Ref LogRetentionDays", "does not contain LogRetentionDays"},
		"in_a_text":       {checkIt, `CHECK_IT: !Sub "a ${LogRetentionDays}"`, "does not contain LogRetentionDays"},
		"in_a_list":       {checkIt, `CHECK_IT: !Join [",", [a, !Ref LogRetentionDays]]`, "does not contain LogRetentionDays"},
		"by_a_variable":   {checkIt, `CHECK_IT: !Sub ["${A}", {A: !Ref LogRetentionDays}]`, "does not contain LogRetentionDays"},
		"by_a_condition":  {checkIt, "CHECK_IT: !If [Long, a, b]", "does not contain LogRetentionDays"},
		"another_setting": {"    Timeout: 10\n", "    Timeout: 10\n    MemorySize: !Ref LogRetentionDays\n", "so a new value in MemorySize"},
		"generated_name":  {checkIt, "CHECK_IT: !GetAtt Key.Arn", "does not contain Key,"},
		"name_by_value":   {"      TopicName: !Sub gatehouse-${Environment}-good\n", "      TopicName: !Ref DeploymentType\n", "does not contain DeploymentType"},
		"ssm_unknown":     {"/other/some-arn", "/other/another-arn", "does not contain /gatehouse/${Environment}/other/another-arn"},
		"undescribed":     {description, "VersionDescription: x", "does not contain Architecture"},
	})
	const nested = "services/good/nested.yaml"
	parent := repository.MustParse(t, "services/good/template.yaml", `
Parameters: {Size: {Type: Number}}
Resources:
  N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: nested.yaml, Parameters: {Environment: !Ref Environment, Given: !Ref Size}}}
  F: {Type: AWS::Serverless::Function, Properties: {Environment: {Variables: {A: !GetAtt N.Outputs.A}}}}
`)
	for output, want := range map[string]int{
		"!Ref Given": 1, "!Ref Key": 1, "!GetAtt Queue.Arn": 0, "!Ref AWS::Region": 0, `"text"`: 0,
	} {
		text := "Parameters: {Environment: {Type: String}, Given: {Type: Number}}\nOutputs: {A: {Value: " + output + "}}\nResources:\n" +
			"  Key: {Type: AWS::KMS::Key}\n  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub \"${Environment}-q\"}}\n"
		if got := unpublished([]*template.Template{parent, repository.MustParse(t, nested, text)}); len(got) != want {
			t.Errorf("%s: findings %q, want %d", output, got, want)
		}
	}
}
