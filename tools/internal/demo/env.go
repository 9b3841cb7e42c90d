package demo

import (
	"fmt"
	"os"
	"strings"
)

// environment is what the demo reads from the env file.
type environment struct {
	accessKeyID, secretAccessKey, region, endpoint            string
	environment, auditTable, nativeClientID, poolID, topicARN string
	apiURL, guestQueueURL, hostedUIURL, identityPoolID        string
	machineClientID, machineClientSecret                      string
}

func readEnv(path string) (environment, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return environment{}, fmt.Errorf("os.ReadFile: %w", err)
	}
	return parseEnv(string(raw))
}

// parseEnv reads `export NAME=value` lines and names what is missing.
func parseEnv(text string) (environment, error) {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if found {
			values[name] = unquote(value)
		}
	}
	var env environment
	var missing []string
	for _, field := range []struct {
		name string
		to   *string
	}{
		{"API_URL", &env.apiURL},
		{"AUDIT_TABLE", &env.auditTable},
		{"AWS_ACCESS_KEY_ID", &env.accessKeyID},
		{"AWS_ENDPOINT_URL", &env.endpoint},
		{"AWS_REGION", &env.region},
		{"AWS_SECRET_ACCESS_KEY", &env.secretAccessKey},
		{"CLIENT_EVENTS_GUEST_QUEUE_URL", &env.guestQueueURL},
		{"GATEHOUSE_ENVIRONMENT", &env.environment},
		{"HOSTED_UI_URL", &env.hostedUIURL},
		{"IDENTITY_POOL_ID", &env.identityPoolID},
		{"MACHINE_CLIENT_ID", &env.machineClientID},
		{"MACHINE_CLIENT_SECRET", &env.machineClientSecret},
		{"NATIVE_CLIENT_ID", &env.nativeClientID},
		{"TOPIC_ARN", &env.topicARN},
		{"USER_POOL_ID", &env.poolID},
	} {
		if *field.to = values[field.name]; *field.to == "" {
			missing = append(missing, field.name)
		}
	}
	if len(missing) > 0 {
		return environment{}, fmt.Errorf("the env file lacks %s", strings.Join(missing, ", "))
	}
	return env, nil
}

// unquote takes off what a shell would: single quotes, and '\” within them.
func unquote(value string) string {
	if len(value) < 2 || value[0] != '\'' || value[len(value)-1] != '\'' {
		return value
	}
	return strings.ReplaceAll(value[1:len(value)-1], `'\''`, "'")
}
