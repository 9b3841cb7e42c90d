package local

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

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/supervisor"
)

// fromSSM maps variables to the SSM names below /gatehouse/{environment}/.
var fromSSM = map[string]string{
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

// appClients is the call of Cognito that writeEnvFile needs. The machine client's
// secret is not in a parameter, where everyone who reads names would see it.
type appClients interface {
	DescribeUserPoolClient(context.Context, *cognitoidentityprovider.DescribeUserPoolClientInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DescribeUserPoolClientOutput, error)
}

// writeEnvFile writes <dir>/env, which gives any shell, SDK or test access to a
// local system: one `export NAME=value` a line, for the names that exist so far.
// Only its owner may read it, because it holds a secret.
func writeEnvFile(ctx context.Context, parameters ssm.GetParametersByPathAPIClient, clients appClients, l supervisor.Layout) error {
	known, err := allParameters(ctx, parameters, "/gatehouse/"+l.Environment+"/")
	if err != nil {
		return err
	}
	values := map[string]string{
		"AWS_ACCESS_KEY_ID":     supervisor.AccessKeyID,
		"AWS_DEFAULT_REGION":    l.Region,
		"AWS_ENDPOINT_URL":      l.URL(),
		"AWS_REGION":            l.Region,
		"AWS_SECRET_ACCESS_KEY": supervisor.SecretAccessKey,
		"GATEHOUSE_ENVIRONMENT": l.Environment,
	}
	for variable, name := range fromSSM {
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
	if pool, id := values["USER_POOL_ID"], values["WEB_CLIENT_ID"]; pool != "" && id != "" {
		if err := openID(ctx, clients, l, values); err != nil {
			return err
		}
	}
	return files.Replace(l.EnvFile(), []byte(format(values)))
}

// openID adds what an OpenID Connect library asks for: see docs/connect.md.
func openID(ctx context.Context, clients appClients, l supervisor.Layout, values map[string]string) error {
	pool := values["USER_POOL_ID"]
	out, err := clients.DescribeUserPoolClient(ctx, &cognitoidentityprovider.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: aws.String(values["WEB_CLIENT_ID"])})
	if err != nil {
		return fmt.Errorf("cognitoidentityprovider.DescribeUserPoolClient: %w", err)
	}
	values["ISSUER"] = "https://cognito-idp." + l.Region + ".amazonaws.com/" + pool
	values["DISCOVERY_URL"] = l.URL() + "/" + pool + "/.well-known/openid-configuration"
	if out.UserPoolClient != nil {
		for name, addresses := range map[string][]string{"REDIRECT_URI": out.UserPoolClient.CallbackURLs, "LOGOUT_URI": out.UserPoolClient.LogoutURLs} {
			if len(addresses) > 0 { // the first one of platform/samconfig.toml
				values[name] = addresses[0]
			}
		}
	}
	if l.HTTPS {
		values["HTTPS_URL"], values["HTTPS_CA_FILE"] = l.HTTPSURL(), l.CAFile()
	}
	return nil
}

func allParameters(ctx context.Context, client ssm.GetParametersByPathAPIClient, path string) (map[string]string, error) {
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

// pathOf is a queue's URL without its origin, which is the emulator's; clients use
// the proxy.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "/"
	}
	return u.Path
}

func secret(ctx context.Context, clients appClients, pool, id string) (string, error) {
	out, err := clients.DescribeUserPoolClient(ctx, &cognitoidentityprovider.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: &id})
	if err != nil {
		return "", fmt.Errorf("cognitoidentityprovider.DescribeUserPoolClient: %w", err)
	}
	if out.UserPoolClient == nil || aws.ToString(out.UserPoolClient.ClientSecret) == "" {
		return "", fmt.Errorf("the app client %s has no secret", id)
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

var plainValue = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

func quote(value string) string {
	if plainValue.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
