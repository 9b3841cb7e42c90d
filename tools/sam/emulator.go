package sam

import ()

// EmulatorParameters are the parameters, by name, that have other values on the
// emulator than on AWS. A stack takes those that its template declares. The
// endpoint is the proxy's.
func EmulatorParameters(endpoint, environment string) map[string]string {
	return map[string]string{
		"ApiUrl":            endpoint + "/" + environment + "/api", // the proxy's path for the API of the environment
		"Architecture":      Architecture(),                        // functions run without virtualization
		"GradualDeployment": "false",                               // the emulator has no CodeDeploy
		"HostedUiUrl":       endpoint,
		"OnAws":             "false", // omits what the emulator refuses
	}
}
