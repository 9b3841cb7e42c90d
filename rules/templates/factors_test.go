package templates

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// factors: the first factors of the pool, and what they need.
//
//   - PASSWORD is always among them, and the plan LITE has no such setting (SignInPolicyType).
//   - A client offers others only with ALLOW_USER_AUTH:
//     https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-selection-sdk.html
//   - MFA may not be required: Cognito answers "Cannot set WebAuthn factor configuration to
//     SINGLE_FACTOR if MFA is required and WebAuthn is an allowed first auth factor", and
//     accepts OPTIONAL (go-to-k/cdkd#2064, measured).
//   - With a domain of one's own, passkeys belong to that domain (WebAuthnConfigurationType).
func factors(ctx context.Context, platform *template.Template) []string {
	var out []string
	for _, tc := range []struct{ plan, codes, passkeys, domain, want string }{
		{"LITE", "off", "off", "", "<nil> <nil> <nil> false"},
		{"ESSENTIALS", "off", "off", "signin.example.com", "[PASSWORD] <nil> <nil> false"},
		{"ESSENTIALS", "on", "off", "", "[PASSWORD EMAIL_OTP] <nil> <nil> true"},
		{"ESSENTIALS", "off", "on", "", "[PASSWORD WEB_AUTHN] <nil> required true"},
		{"PLUS", "on", "on", "signin.example.com", "[PASSWORD EMAIL_OTP WEB_AUTHN] signin.example.com required true"},
	} {
		parameters := map[string]string{"Environment": "dev", "UserPoolTier": tc.plan, "EmailCodes": tc.codes, "Passkeys": tc.passkeys, "DomainName": tc.domain}
		values := platform.Evaluator(parameters, nil)
		value := func(r template.Resource, path ...string) any {
			v, err := values.Value(ctx, r.Prop(path...))
			if err != nil {
				return err
			}
			return v
		}
		for _, pool := range platform.Resources("AWS::Cognito::UserPool") {
			policy, _ := value(pool, "Policies", "SignInPolicy").(map[string]any)
			for _, client := range platform.Resources("AWS::Cognito::UserPoolClient") {
				if client.ID == "MachineClient" {
					continue
				}
				choice := strings.Contains(fmt.Sprint(value(client, "ExplicitAuthFlows")), "ALLOW_USER_AUTH")
				got := fmt.Sprint(policy["AllowedFirstAuthFactors"], " ", value(pool, "WebAuthnRelyingPartyID"), " ", value(pool, "WebAuthnUserVerification"), " ", choice)
				if got != tc.want {
					out = append(out, fmt.Sprintf("%s: %+v: factors, domain, verification, choice are %s", client, tc, got))
				}
			}
			if mfa := value(pool, "MfaConfiguration"); mfa != "OPTIONAL" {
				out = append(out, fmt.Sprintf("%s: MfaConfiguration is %v: Cognito refuses other first factors where MFA is required", pool, mfa))
			}
		}
	}
	for _, feature := range []string{"EmailCodes", "Passkeys"} {
		got, err := refusals(ctx, platform, map[string]string{"Environment": "dev", feature: "on", "UserPoolTier": "LITE"})
		if err != nil || len(got) != 1 {
			out = append(out, fmt.Sprintf("%s: %s in the plan LITE is refused with %q, %v", platform.Path, feature, got, err))
		}
	}
	return out
}

func TestFactors(t *testing.T) {
	t.Parallel()
	check := func(all []*template.Template) []string { return factors(t.Context(), all[0]) }
	repository.PlantIn(t, "platform/template.yaml", check, map[string]repository.Planted{
		"no_password":  {"[PASSWORD, !If [EmailCodesOn", "[!If [EmailCodesOn", "factors, domain, verification, choice are []"},
		"lite":         {"!If [AboveLite, {AllowedFirst", "!If [EmailCodesOn, {AllowedFirst", "choice are <nil> <nil> <nil> false"},
		"no_choice":    {", !If [ChoosesFactor, ALLOW_USER_AUTH, !Ref AWS::NoValue]]", "]", "WebClient: {plan:ESSENTIALS codes:on"},
		"other_domain": {"!If [PasskeysOnOwnName, !Ref DomainName", "!If [PasskeysOnOwnName, example.com", "WEB_AUTHN] example.com required"},
		"only_a_touch": {"!If [PasskeysOn, required", "!If [PasskeysOn, preferred", "preferred"},
		"mfa_required": {"MfaConfiguration: OPTIONAL", "MfaConfiguration: \"ON\"", "MfaConfiguration is ON"},
		"no_rule":      {"!Equals [!Ref Passkeys, \"on\"]]\n    Assertions", "!Equals [!Ref Passkeys, \"x\"]]\n    Assertions", "Passkeys in the plan LITE is refused with []"},
	})
}
