// Package envfile writes <dir>/env, the stable way into a local environment for
// any shell, SDK or test: one `export NAME=value` a line.
package envfile

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/tools/internal/atomicfile"
	"gatehouse.example/tools/internal/layout"
)

// fromSSM maps variables to the SSM names below /gatehouse/{environment}/.
func fromSSM() map[string]string {
	return map[string]string{
		"API_URL":                       "api/url",
		"AUDIT_TABLE":                   "signin-audit/audit-table-name",
		"BUS_NAME":                      "user-events/bus-name",
		"CLIENT_EVENTS_GUEST_QUEUE_URL": "user-events/client-events-guest-queue-url",
		"CLIENT_EVENTS_USER_QUEUE_URL":  "user-events/client-events-user-queue-url",
		"HOSTED_UI_URL":                 "platform/hosted-ui-url",
		"IDENTITY_POOL_ID":              "platform/identity-pool-id",
		"MACHINE_CLIENT_ID":             "platform/machine-client-id",
		"NATIVE_CLIENT_ID":              "platform/native-client-id",
		"TOPIC_ARN":                     "user-events/topic-arn",
		"TOPIC_KEY_ARN":                 "user-events/topic-key-arn",
		"USER_POOL_ID":                  "platform/user-pool-id",
		"WEB_CLIENT_ID":                 "platform/web-client-id",
	}
}

// Parameters is what Write needs of SSM.
type Parameters interface {
	GetParametersByPath(context.Context, *ssm.GetParametersByPathInput, ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error)
}

// Clients is what Write needs of Cognito: the machine client's secret is in no
// parameter, where everybody who reads names would see it.
type Clients interface {
	DescribeUserPoolClient(context.Context, *cognitoidentityprovider.DescribeUserPoolClientInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DescribeUserPoolClientOutput, error)
}

// Write reads the names that exist so far and replaces the file at once. Only
// its owner may read it, for a secret is in it.
func Write(ctx context.Context, names Parameters, clients Clients, l layout.Layout) error {
	known, err := parameters(ctx, names, "/gatehouse/"+l.Environment+"/")
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
			if strings.HasSuffix(name, "-queue-url") {
				value = l.URL() + pathOf(value)
			}
			values[variable] = value
		}
	}
	if pool, id := values["USER_POOL_ID"], values["MACHINE_CLIENT_ID"]; pool != "" && id != "" {
		if values["MACHINE_CLIENT_SECRET"], err = secret(ctx, clients, pool, id); err != nil {
			return err
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

// pathOf is a queue's URL without its origin: the emulator names itself there,
// and everybody else's way is the edge.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "/"
	}
	return u.Path
}

// secret of an app client; an answer without one is an error.
func secret(ctx context.Context, clients Clients, pool, id string) (string, error) {
	out, err := clients.DescribeUserPoolClient(ctx, &cognitoidentityprovider.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: &id})
	if err != nil {
		return "", fmt.Errorf("cognitoidentityprovider.DescribeUserPoolClient: %w", err)
	}
	if out.UserPoolClient == nil || aws.ToString(out.UserPoolClient.ClientSecret) == "" {
		return "", fmt.Errorf("envfile: the app client %s has no secret", id)
	}
	return *out.UserPoolClient.ClientSecret, nil
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
