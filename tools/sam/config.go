// Package sam runs the SAM CLI: `sam build` and `sam deploy`, the same for the
// local endpoint and for AWS. Its builds, the fingerprint of a stack's inputs and
// watch compile functions with the same flags, so they agree about what changed.
package sam

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// LocalBlock is the block of samconfig.toml for the local system.
const LocalBlock = "local"

// Config are the settings of one environment in a stack's samconfig.toml.
type Config struct {
	StackName    string
	Capabilities []string
	Parameters   map[string]string
}

// ReadConfig reads one environment's block; a missing file or block is empty.
func ReadConfig(path, block string) (Config, error) {
	var file map[string]any
	_, err := toml.DecodeFile(path, &file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Config{}, fmt.Errorf("toml.DecodeFile: %w", err)
	}
	settings := map[string]any{}
	for _, command := range []string{"global", "deploy"} {
		maps.Copy(settings, table(file, block, command, "parameters"))
	}
	c := Config{}
	c.StackName, _ = settings["stack_name"].(string)
	c.Capabilities = strings.Fields(strings.Join(texts(settings["capabilities"]), " "))
	c.Parameters, err = parameters(texts(settings["parameter_overrides"]))
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func table(t map[string]any, path ...string) map[string]any {
	for _, name := range path {
		t, _ = t[name].(map[string]any)
	}
	return t
}

// texts accepts a string or a list of strings, as SAM does.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// parameters reads Name=value pairs as SAM does: separated by spaces, a value
// in quotes may hold spaces.
func parameters(lists []string) (map[string]string, error) {
	out := map[string]string{}
	for _, list := range lists {
		for rest := strings.TrimSpace(list); rest != ""; rest = strings.TrimSpace(rest) {
			name, after, ok := strings.Cut(rest, "=")
			if !ok || name == "" || strings.ContainsAny(name, " \"'") {
				return nil, fmt.Errorf("parameter_overrides: no Name=value at %q", rest)
			}
			var err error
			if out[name], rest, err = oneValue(after); err != nil {
				return nil, fmt.Errorf("parameter_overrides: %s: %w", name, err)
			}
		}
	}
	return out, nil
}

func oneValue(s string) (value, rest string, err error) {
	if s == "" || (s[0] != '"' && s[0] != '\'') {
		value, rest, _ = strings.Cut(s, " ")
		return value, rest, nil
	}
	quote := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == quote:
			return b.String(), s[i+1:], nil
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", errors.New("a quote is not closed")
}

// Merge returns the file's parameters with the overrides that the template declares.
// With overrides on its command line SAM would ignore all parameters of the file
// (https://github.com/aws/aws-sam-cli/issues/2380).
func Merge(file, overrides map[string]string, declared []string) map[string]string {
	merged := map[string]string{}
	maps.Copy(merged, file)
	for name, value := range overrides {
		if slices.Contains(declared, name) {
			merged[name] = value
		}
	}
	return merged
}

// Tags are the tags of a stack and of its resources. Every way to deploy gives the same:
// otherwise a deployment would change all resources only to remove the tags of the last.
func Tags(environment, stack string) map[string]string {
	return map[string]string{"Application": "gatehouse", "Environment": environment, "Service": stack}
}

// Arguments writes parameters for --parameter-overrides, or tags for --tags, in order.
func Arguments(parameters map[string]string) []string {
	var args []string
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		value := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(parameters[name])
		args = append(args, name+`="`+value+`"`)
	}
	return args
}

// EmulatorParameters are the parameters, by name, that have other values on the
// emulator than on AWS. A stack takes those that its template declares. The
// endpoint is the proxy's.
func EmulatorParameters(endpoint, environment string) map[string]string {
	return map[string]string{
		"ApiUrl":            endpoint + "/" + environment + "/api", // the proxy's path for the API of the environment
		"Architecture":      Architecture(),                        // functions run without virtualization
		"GradualDeployment": "false",                               // the emulator has no CodeDeploy
		"HostedUiUrl":       endpoint,
		"LinkUrl":           endpoint + "/app/signin", // the proxy's page for sign-ins by mail
		"OnAws":             "false",                  // omits what the emulator refuses
	}
}
