package templates

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

const (
	// maxDescription is what Lambda takes for a version's description.
	maxDescription = 256
	// roleID is how long IAM's id of a role is, such as AROA0123456789EXAMPLE.
	roleID = 21
)

// versions: a version keeps the role that it was made with. When CloudFormation
// replaces the role and nothing else changes, SAM makes no new version, and the alias
// goes on with a role that is gone. A version that describes itself by the role's id
// is replaced with it.
func versions(all []*repository.Template) []string {
	var out []string
	for _, t := range all {
		for _, v := range t.Resources("AWS::Lambda::Version") {
			id := "${" + strings.TrimPrefix(repository.Text(v.Prop("FunctionName")), "ref:") + "Role.RoleId}"
			if !strings.Contains(repository.Text(v.Prop("Description")), id) {
				out = append(out, v.String()+": VersionDescription does not name "+id)
			}
		}
	}
	return out
}

// descriptions: a version's description fits, whatever the parameters in it are.
func descriptions(all []*repository.Template) []string {
	part := regexp.MustCompile(`\$\{[\w.]+\}`)
	var out []string
	for _, t := range all {
		for _, f := range t.Resources(repository.FunctionType) {
			text := repository.Text(f.Prop("VersionDescription"))
			length := len(part.ReplaceAllString(text, ""))
			for _, name := range part.FindAllString(text, -1) {
				n := longest(t, strings.Trim(name, "${}"))
				if n == 0 {
					out = append(out, fmt.Sprintf("%s: VersionDescription holds %s, which may be of any length", f, name))
				}
				length += n
			}
			if length > maxDescription {
				out = append(out, fmt.Sprintf("%s: VersionDescription may have %d characters, and Lambda takes %d", f, length, maxDescription))
			}
		}
	}
	return out
}

// longest is the length of the longest value of a parameter, or of a role's id.
func longest(t *repository.Template, name string) int {
	if strings.HasSuffix(name, "Role.RoleId") {
		return roleID
	}
	p := repository.Get(t.Root, "Parameters", name)
	if n, err := strconv.Atoi(repository.Text(repository.Get(p, "MaxLength"))); err == nil {
		return n
	}
	values := append(repository.Texts(repository.Get(p, "AllowedValues")), repository.Text(repository.Get(p, "MaxValue")))
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
		"any_length": {description, description + " ${DeploymentRoleArn}", "${DeploymentRoleArn}, which may be of any length"},
		"by_values":  {description, description + " " + strings.Repeat("x", 207) + " ${DeploymentType}", "may have 258 characters"},
		"by_bounds":  {description, description + " " + strings.Repeat("x", 229) + " ${LogRetentionDays}", "may have 259 characters"},
	})
}
