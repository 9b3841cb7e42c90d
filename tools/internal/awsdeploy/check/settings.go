package check

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// Settings checks for values in samconfig.toml that must be replaced, and for the
// role of gradual deployments.
type Settings struct {
	Stack      string
	Parameters map[string]string
}

// Look implements Check.
func (c Settings) Look(context.Context) []Finding {
	var found []Finding
	for _, name := range slices.Sorted(maps.Keys(c.Parameters)) {
		if strings.Contains(c.Parameters[name], "example.com") {
			found = append(found, Finding{Warning, c.Stack, name + " is still the example value: " + c.Parameters[name], "set your own value in its samconfig.toml"})
		}
	}
	if c.Parameters["GradualDeployment"] == "true" && c.Parameters["DeploymentRoleArn"] == "" {
		found = append(found, Finding{Stop, c.Stack, "GradualDeployment=true needs a role in DeploymentRoleArn",
			"set CodeDeploy's role in its samconfig.toml, or GradualDeployment=false for the first deployment"})
	}
	return found
}
