package check

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// Settings: samconfig.toml comes with addresses that are nobody's, and without the
// role that a pipeline hands to a gradual deployment.
type Settings struct {
	Stack      string
	Parameters map[string]string
}

// Look implements Check.
func (c Settings) Look(context.Context) []Finding {
	var found []Finding
	for _, name := range slices.Sorted(maps.Keys(c.Parameters)) {
		if strings.Contains(c.Parameters[name], "example.com") {
			found = append(found, Finding{Warning, c.Stack, name + " is still the example's: " + c.Parameters[name], "put your own into its samconfig.toml"})
		}
	}
	if c.Parameters["GradualDeployment"] == "true" && c.Parameters["DeploymentRoleArn"] == "" {
		found = append(found, Finding{Stop, c.Stack, "GradualDeployment=true needs a role in DeploymentRoleArn",
			"put the role of CodeDeploy into its samconfig.toml, or GradualDeployment=false for the first deployment"})
	}
	return found
}
