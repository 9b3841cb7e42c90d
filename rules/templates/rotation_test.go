package templates

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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
	raw, err := os.ReadFile(filepath.Join(repository.Root, "platform", "template.yaml"))
	if err != nil {
		t.Fatalf("os.ReadFile: %v", err)
	}
	text := string(raw)
	const switched = "!If [RotatesRefreshTokens, !Ref AWS::NoValue, ALLOW_REFRESH_TOKEN_AUTH]"
	for name, p := range map[string]repository.Planted{
		"flow_stays":     {switched, "ALLOW_REFRESH_TOKEN_AUTH", "WebClient: with RefreshTokenRotation=on its flows are [ALLOW_USER_SRP_AUTH ALLOW_REFRESH_TOKEN_AUTH]"},
		"flow_missing":   {", " + switched + ", !If [NativePasswords", ", !If [NativePasswords", "NativeClient: with RefreshTokenRotation=off its flows are"},
		"never_rotates":  {"{Feature: ENABLED, RetryGracePeriodSeconds: 60}", "{Feature: DISABLED}", "with RefreshTokenRotation=on its Feature is DISABLED"},
		"always_rotates": {"RetryGracePeriodSeconds: 60}, {Feature: DISABLED}]", "RetryGracePeriodSeconds: 60}, {Feature: ENABLED}]", "with RefreshTokenRotation=off its Feature is ENABLED"},
	} {
		broken := strings.Replace(text, p[0], p[1], 1)
		if findings := strings.Join(rotation(t.Context(), []*template.Template{repository.MustParse(t, "platform/template.yaml", broken)}), "\n"); broken == text || !strings.Contains(findings, p[2]) {
			t.Errorf("%s: findings %q, want %q", name, findings, p[2])
		}
	}
}
