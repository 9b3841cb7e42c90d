// Package envfile writes <dir>/env, the stable way into a local environment for
// any shell, SDK or test: one `export NAME=value` a line.
package envfile

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/platform/local/atomicfile"
	"gatehouse.example/platform/local/layout"
)

// fromSSM maps variables to the SSM names below /gatehouse/{environment}/.
func fromSSM() map[string]string {
	return map[string]string{
		"AUDIT_TABLE":      "signin-audit/audit-table-name",
		"BUS_NAME":         "user-events/bus-name",
		"HOSTED_UI_URL":    "platform/hosted-ui-url",
		"NATIVE_CLIENT_ID": "platform/native-client-id",
		"TOPIC_ARN":        "user-events/topic-arn",
		"TOPIC_KEY_ARN":    "user-events/topic-key-arn",
		"USER_POOL_ID":     "platform/user-pool-id",
		"WEB_CLIENT_ID":    "platform/web-client-id",
	}
}

// Parameters is what Write needs of SSM.
type Parameters interface {
	GetParametersByPath(context.Context, *ssm.GetParametersByPathInput, ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error)
}

// Write reads the names that exist so far and replaces the file at once.
func Write(ctx context.Context, client Parameters, l layout.Layout) error {
	known, err := parameters(ctx, client, "/gatehouse/"+l.Environment+"/")
	if err != nil {
		return err
	}
	values := map[string]string{
		"AWS_ACCESS_KEY_ID":     layout.AccessKeyID,
		"AWS_DEFAULT_REGION":    l.Region,
		"AWS_ENDPOINT_URL":      l.URL(),
		"AWS_REGION":            l.Region,
		"AWS_SECRET_ACCESS_KEY": layout.SecretAccessKey,
		"GATEHOUSE_ENVIRONMENT": l.Environment,
	}
	for variable, name := range fromSSM() {
		if value, ok := known[name]; ok {
			values[variable] = value
		}
	}
	if err := atomicfile.Write(l.EnvFile(), []byte(format(values))); err != nil {
		return fmt.Errorf("atomicfile.Write: %w", err)
	}
	return nil
}

func parameters(ctx context.Context, client Parameters, path string) (map[string]string, error) {
	known := map[string]string{}
	pages := ssm.NewGetParametersByPathPaginator(client, &ssm.GetParametersByPathInput{Path: &path, Recursive: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("ssm.GetParametersByPath: %w", err)
		}
		for _, p := range page.Parameters {
			known[strings.TrimPrefix(aws.ToString(p.Name), path)] = aws.ToString(p.Value)
		}
	}
	return known, nil
}

func format(values map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&b, "export %s=%s\n", name, quote(values[name]))
	}
	return b.String()
}

// quote makes a value safe for a shell; a plain one stays as it is.
func quote(value string) string {
	if plain := regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`); plain.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
