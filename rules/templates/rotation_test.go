package templates

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// rotation: an app client that rotates refresh tokens does not allow the flow
// REFRESH_TOKEN_AUTH, which Cognito does not combine with rotation, and a client that
// does not rotate allows it. "Refresh tokens" in the Cognito developer guide:
// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-refresh-token.html
// A client of machines gets no refresh tokens.
func rotation(ctx context.Context, all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, c := range t.Resources("AWS::Cognito::UserPoolClient") {
			if strings.Contains(strings.Join(template.Texts(c.Prop("AllowedOAuthFlows")), " "), "client_credentials") {
				continue
			}
			for value, want := range map[string]string{"off": "DISABLED", "on": "ENABLED"} {
				values := t.Evaluator(map[string]string{"Environment": "dev", "RefreshTokenRotation": value}, nil)
				flows, err := values.Value(ctx, c.Prop("ExplicitAuthFlows"))
				if err != nil {
					out = append(out, fmt.Sprintf("%s: ExplicitAuthFlows: %v", c, err))
				}
				feature, err := values.Value(ctx, c.Prop("RefreshTokenRotation"))
				if err != nil {
					out = append(out, fmt.Sprintf("%s: RefreshTokenRotation: %v", c, err))
				}
				if set, _ := feature.(map[string]any); set["Feature"] != want {
					out = append(out, fmt.Sprintf("%s: with RefreshTokenRotation=%s its Feature is %v, want %s", c, value, set["Feature"], want))
				}
				if refreshes := strings.Contains(fmt.Sprint(flows), "ALLOW_REFRESH_TOKEN_AUTH"); refreshes == (value == "on") {
					out = append(out, fmt.Sprintf("%s: with RefreshTokenRotation=%s its flows are %v: Cognito combines rotation with GetTokensFromRefreshToken only", c, value, flows))
				}
			}
		}
	}
	return out
}

func TestRotation(t *testing.T) {
	t.Parallel()
	repository.Report(t, rotation(t.Context(), repository.Templates(t)))
}

func TestRotationPlanted(t *testing.T) {
	t.Parallel()
	const switched = "!If [RotatesRefreshTokens, !Ref AWS::NoValue, ALLOW_REFRESH_TOKEN_AUTH]"
	check := func(all []*template.Template) []string { return rotation(t.Context(), all) }
	repository.PlantIn(t, "platform/template.yaml", check, map[string]repository.Planted{
		"flow_stays":     {switched, "ALLOW_REFRESH_TOKEN_AUTH", "WebClient: with RefreshTokenRotation=on its flows are [ALLOW_USER_SRP_AUTH ALLOW_REFRESH_TOKEN_AUTH]"},
		"flow_missing":   {", " + switched + ", !If [SendsPasswords", ", !If [SendsPasswords", "NativeClient: with RefreshTokenRotation=off its flows are"},
		"never_rotates":  {"{Feature: ENABLED, RetryGracePeriodSeconds: 60}", "{Feature: DISABLED}", "with RefreshTokenRotation=on its Feature is DISABLED"},
		"always_rotates": {"RetryGracePeriodSeconds: 60}, {Feature: DISABLED}]", "RetryGracePeriodSeconds: 60}, {Feature: ENABLED}]", "with RefreshTokenRotation=off its Feature is ENABLED"},
	})
}
