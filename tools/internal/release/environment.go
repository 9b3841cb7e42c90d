package release

import (
	"path/filepath"
	"strings"

	"gatehouse.example/tools/stacks"
)

// variable is the last value of a variable, or empty.
func (b Builder) variable(name string) string {
	value := ""
	for _, e := range b.Environ {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// region is where the artifact bucket is: as CodeBuild or the shell says it.
func (b Builder) region() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if v := b.variable(name); v != "" {
			return v
		}
	}
	return stacks.DefaultRegion
}

// access are the AWS settings of the shell or of CodeBuild's container, which
// the SAM CLI gets for its one purpose, to upload code. The local system keeps
// them from it.
func (b Builder) access() []string {
	var kept []string
	if home := b.variable("HOME"); home != "" {
		kept = append(kept, "AWS_CONFIG_FILE="+filepath.Join(home, ".aws", "config"),
			"AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(home, ".aws", "credentials"))
	}
	for _, e := range b.Environ {
		if strings.HasPrefix(e, "AWS_") {
			kept = append(kept, e)
		}
	}
	return kept
}
