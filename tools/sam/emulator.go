// Package emulated is the one place that says what a stack of an environment
// must be told otherwise in the emulator than on AWS, for `gatehouse aws deploy
// --emulator` and for pipelines alike.
package emulated

import (
	"gatehouse.example/tools/internal/gobuild"
)

// Parameters are by name; a stack takes those that its template declares. The
// endpoint is everybody's, the edge.
func Parameters(endpoint, environment string) map[string]string {
	return map[string]string{
		"ApiUrl":            endpoint + "/" + environment + "/api", // the edge knows each environment's API by this path
		"Architecture":      gobuild.Architecture(),                // functions run natively
		"GradualDeployment": "false",                               // there is no CodeDeploy
		"HostedUiUrl":       endpoint,
		"OnAws":             "false", // leaves out what the emulator refuses
	}
}
