package templates

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

const issuer, metadata = "https://login.example.com", "https://login.example.com/metadata"

// federation: an identity provider is made by parameters, and no parameters leave the pool
// and its clients as they are.
//
//   - Cognito refuses a client that names a provider which does not exist, so the client
//     takes the name from the nested stack that has made it.
//   - Only the web client uses the hosted pages, without which nobody can sign in by a
//     provider.
//   - CloudFormation refuses an incomplete provider before it changes anything, and one
//     with a name by which a client names the pool itself or a social provider
//     (SupportedIdentityProviders of CreateUserPoolClient).
func federation(ctx context.Context, platform *template.Template) []string {
	var out []string
	complete := map[string]string{"ProviderName": "Acme", "OidcIssuer": issuer, "OidcClientId": "c", "OidcSecretArn": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:gatehouse/dev/platform/oidc-Ab1Cd2"}
	const reserved = "ProviderName is one of Cognito's own names"
	const partly = "ProviderName needs either OidcIssuer, OidcClientId and OidcSecretArn, or SamlMetadataUrl"
	for _, tc := range []struct {
		set             map[string]string
		onAws           string
		web, refusal    string
		without, change string // of the complete ones
	}{
		{onAws: "true", web: "[COGNITO]"},
		{set: complete, onAws: "true", web: "[COGNITO provider]"},
		{set: complete, onAws: "false", web: "[COGNITO provider]"},
		{set: map[string]string{"ProviderName": "Acme", "SamlMetadataUrl": metadata}, onAws: "true", web: "[COGNITO provider]"},
		{set: complete, without: "OidcClientId", onAws: "true", refusal: partly},
		{set: complete, without: "OidcSecretArn", onAws: "true", refusal: partly},
		{set: complete, without: "OidcIssuer", onAws: "true", refusal: partly},
		{set: complete, change: "SamlMetadataUrl", onAws: "true", refusal: partly},
		{set: complete, without: "ProviderName", onAws: "true", refusal: "OidcIssuer and SamlMetadataUrl need ProviderName"},
		{set: map[string]string{"ProviderName": "COGNITO", "SamlMetadataUrl": metadata}, onAws: "true", refusal: reserved},
		{set: map[string]string{"ProviderName": "Google", "SamlMetadataUrl": metadata}, onAws: "true", refusal: reserved},
		{set: map[string]string{"SamlMetadataUrl": metadata}, onAws: "true", refusal: "OidcIssuer and SamlMetadataUrl need ProviderName"},
	} {
		parameters := map[string]string{"Environment": "dev", "OnAws": tc.onAws, "AWS::AccountId": "111122223333"}
		for name, value := range tc.set {
			parameters[name] = value
		}
		if tc.change != "" {
			parameters[tc.change] = metadata
		}
		delete(parameters, tc.without)
		refused, err := refusals(ctx, platform, parameters)
		if got := strings.Join(refused, ", "); err != nil || got != tc.refusal {
			out = append(out, fmt.Sprintf("%s: %v is refused with %q, %v, want %q", platform.Path, parameters, got, err, tc.refusal))
		}
		if tc.refusal != "" {
			continue
		}
		values := platform.Evaluator(parameters, provider{})
		for _, client := range platform.Resources("AWS::Cognito::UserPoolClient") {
			want := map[string]string{"WebClient": tc.web, "NativeClient": "[COGNITO]", "MachineClient": "<nil>"}[client.ID]
			if got, err := values.Value(ctx, client.Prop("SupportedIdentityProviders")); err != nil || fmt.Sprint(got) != want {
				out = append(out, fmt.Sprintf("%s: with %v its providers are %v, %v, want %s", client, parameters, got, err, want))
			}
		}
	}
	return out
}

// provider resolves the output of the nested stack that makes the provider.
type provider struct{}

func (provider) Parameter(context.Context, string) (string, error) { return "", template.ErrUnresolved }

func (provider) Attribute(_ context.Context, resource, attribute string) (string, error) {
	if resource == "Federation" && attribute == "Outputs.ProviderName" {
		return "provider", nil
	}
	return "", template.ErrUnresolved
}

// identityProviders: what a provider is made of. The details are those that AWS documents
// for its kind (CreateIdentityProvider). A provider's word on a verified address is not
// taken over, and a secret is read by CloudFormation alone.
func identityProviders(ctx context.Context, t *template.Template) []string {
	var out []string
	details := map[string][]string{
		"OIDC": {"attributes_request_method", "authorize_scopes", "client_id", "client_secret", "oidc_issuer"},
		"SAML": {"MetadataURL"},
	}
	for kind, set := range map[string]map[string]string{"OIDC": {"OidcIssuer": issuer}, "SAML": {"OidcIssuer": ""}} {
		values, made := t.Evaluator(set, nil), 0
		for _, p := range t.Resources("AWS::Cognito::UserPoolIdentityProvider") {
			holds, err := values.Holds(ctx, template.Text(template.Get(p.Node, "Condition")))
			if err != nil || !holds {
				continue
			}
			made++
			if got := template.Text(p.Prop("ProviderType")); got != kind {
				out = append(out, fmt.Sprintf("%s: it is made for %s and has the type %s", p, kind, got))
			}
			var names []string
			for name := range template.Pairs(p.Prop("ProviderDetails")) {
				names = append(names, name.Value)
			}
			slices.Sort(names)
			if !slices.Equal(names, details[kind]) {
				out = append(out, fmt.Sprintf("%s: its details are %v, want %v", p, names, details[kind]))
			}
			if secret := template.Text(p.Prop("ProviderDetails", "client_secret")); kind == "OIDC" && secret != "{{resolve:secretsmanager:${OidcSecretArn}}}" {
				out = append(out, p.String()+": its secret is "+secret+", which is not a reference to Secrets Manager")
			}
			for name := range template.Pairs(p.Prop("AttributeMapping")) {
				if strings.HasSuffix(name.Value, "_verified") {
					out = append(out, p.String()+": maps "+name.Value+", so the provider verifies addresses for the pool")
				}
			}
		}
		if made != 1 {
			out = append(out, fmt.Sprintf("%s: %d providers are made for %s, want one", t.Path, made, kind))
		}
	}
	return out
}

func TestFederation(t *testing.T) {
	t.Parallel()
	check := func(all []*template.Template) []string { return federation(t.Context(), all[0]) }
	repository.PlantIn(t, "platform/template.yaml", check, map[string]repository.Planted{
		"no_order":   {"!GetAtt Federation.Outputs.ProviderName", "!Ref ProviderName", "its providers are [COGNITO Acme]"},
		"always":     {"SupportedIdentityProviders: [COGNITO, !If [Federated, !GetAtt Federation.Outputs.ProviderName, !Ref AWS::NoValue]]", "SupportedIdentityProviders: [COGNITO, !GetAtt Federation.Outputs.ProviderName]", "want [COGNITO]"},
		"only_it":    {"[COGNITO, !If [Federated", "[!If [Federated", "want [COGNITO]"},
		"no_secret":  {"!Not [!Equals [!Ref OidcSecretArn, \"\"]], ", "", "is refused with \"\""},
		"both_kinds": {", !Equals [!Ref SamlMetadataUrl, \"\"]]", "]", "is refused with \"\""},
		"reserved":   {"!Equals [!Ref ProviderName, COGNITO], ", "", "is refused with \"\""},
		"nameless":   {"Assert: !Not [!Equals [!Ref ProviderName, \"\"]]", "Assert: !Not [!Equals [!Ref Environment, \"\"]]", "is refused with \"\""},
	})
}

func TestIdentityProviders(t *testing.T) {
	t.Parallel()
	check := func(all []*template.Template) []string { return identityProviders(t.Context(), all[0]) }
	repository.PlantIn(t, "platform/federation.yaml", check, map[string]repository.Planted{
		"plain_secret":  {"!Sub \"{{resolve:secretsmanager:${OidcSecretArn}}}\"", "!Ref OidcSecretArn", "not a reference to Secrets Manager"},
		"verified":      {", username: sub}", ", username: sub, email_verified: email_verified}", "verifies addresses for the pool"},
		"no_scopes":     {"        authorize_scopes: openid email profile\n", "", "its details are"},
		"both":          {"    Condition: Saml\n", "    Condition: OpenIDConnect\n", "2 providers are made for OIDC"},
		"wrong_details": {"{MetadataURL:", "{MetadataUrl:", "its details are"},
	})
}
