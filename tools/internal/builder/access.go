package builder

import (
	"cmp"
	"path/filepath"
	"strings"

	"gatehouse.example/tools/stacks"
)

// variable returns the last value of an environment variable, or an empty string.
func (b Build) variable(name string) string {
	value := ""
	for _, e := range b.Environ {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// region returns the region of the artifact bucket.
func (b Build) region() string {
	return cmp.Or(b.variable("AWS_REGION"), b.variable("AWS_DEFAULT_REGION"), stacks.DefaultRegion)
}

// access returns the AWS settings of the shell or of CodeBuild. The SAM CLI gets
// them only to upload code; for the local system it does not get them.
func (b Build) access() []string {
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
