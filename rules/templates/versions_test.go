package templates

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

const (
	// maxDescription is the maximum length of a version's description.
	maxDescription = 256
	// roleID is the length of a role's id in IAM, such as AROA0123456789EXAMPLE.
	roleID = 21
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

// descriptions: a version's description is short enough for all values of its parameters.
func descriptions(all []*template.Template) []string {
	part := regexp.MustCompile(`\$\{[\w.]+\}`)
	var out []string
	for _, t := range all {
		for _, f := range t.Resources(repository.FunctionType) {
			text := template.Text(f.Prop("VersionDescription"))
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

// longest returns the length of the longest value of a parameter, or of a role's id.
func longest(t *template.Template, name string) int {
	if strings.HasSuffix(name, "Role.RoleId") {
		return roleID
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
	repository.Report(t, descriptions(repository.Templates(t)))
}

func TestVersionsPlanted(t *testing.T) {
	t.Parallel()
	const description = "VersionDescription: !Sub role ${PreSignUpFunctionRole.RoleId}"
	repository.Plant(t, descriptions, map[string]repository.Planted{
		"too_long":   {description, description + " " + strings.Repeat("x", 230), "may have 257 characters"},
		"any_length": {description, description + " ${DeploymentRoleArn}", "${DeploymentRoleArn}, whose length is not limited"},
		"by_values":  {description, description + " " + strings.Repeat("x", 207) + " ${DeploymentType}", "may have 258 characters"},
		"by_bounds":  {description, description + " " + strings.Repeat("x", 229) + " ${LogRetentionDays}", "may have 259 characters"},
	})
}
