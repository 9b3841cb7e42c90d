package actors

import (
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Env has the names and credentials of a local system, by variable.
type Env map[string]string

// ReadEnv reads the env file of a local system. Every required name has to be in it.
func ReadEnv(path string, required ...string) (Env, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	env := Env{}
	for line := range strings.Lines(string(raw)) {
		name, value, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if found {
			env[name] = unquote(value)
		}
	}
	var missing []string
	for _, name := range required {
		if env[name] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the env file lacks %s", strings.Join(missing, ", "))
	}
	return env, nil
}

// Config is an SDK configuration with the credentials of the file.
func (e Env) Config() aws.Config {
	return aws.Config{
		Region: e["AWS_REGION"], BaseEndpoint: aws.String(e["AWS_ENDPOINT_URL"]),
		Credentials: credentials.NewStaticCredentialsProvider(e["AWS_ACCESS_KEY_ID"], e["AWS_SECRET_ACCESS_KEY"], e["AWS_SESSION_TOKEN"]),
	}
}

// unquote removes what a shell would: single quotes, and '\” within them.
func unquote(value string) string {
	if len(value) < 2 || value[0] != '\'' || value[len(value)-1] != '\'' {
		return value
	}
	return strings.ReplaceAll(value[1:len(value)-1], `'\''`, "'")
}
