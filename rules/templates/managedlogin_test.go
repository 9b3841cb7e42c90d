package templates

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// managedLogin: version 2 of the hosted pages, managed login, has what it needs.
//
//   - A style for each app client that uses the pages, before the domain serves them:
//     without one they are "Login pages unavailable" (minorun365/html-share#3). The
//     reference to the nested stack that has the style makes this order.
//   - No styles of the classic pages: SetUICustomization is for domains with those, by its
//     reference. That a domain with managed login refuses it was not found in a document.
//   - A plan above LITE, which has the classic pages only:
//     https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-managed-login.html
func managedLogin(ctx context.Context, platform *template.Template) []string {
	var out []string
	for value, want := range map[string]string{"off": "1", "on": "style"} {
		parameters := map[string]string{"Environment": "dev", "ManagedLogin": value, "OnAws": "true", "AWS::AccountId": "111122223333"}
		values := platform.Evaluator(parameters, style{})
		for _, domain := range platform.Resources("AWS::Cognito::UserPoolDomain") {
			if got, err := values.Value(ctx, domain.Prop("ManagedLoginVersion")); err != nil || fmt.Sprint(got) != want {
				out = append(out, fmt.Sprintf("%s: with ManagedLogin=%s its version is %v, %v, want %s", domain, value, got, err, want))
			}
		}
		for _, look := range platform.Resources("AWS::Cognito::UserPoolUICustomizationAttachment") {
			if made, err := values.Holds(ctx, template.Text(template.Get(look.Node, "Condition"))); err != nil || made != (value == "off") {
				out = append(out, fmt.Sprintf("%s: with ManagedLogin=%s it is made: %v, %v", look, value, made, err))
			}
		}
	}
	for plan, want := range map[string]string{"LITE": "EmailCodes, ManagedLogin and Passkeys need UserPoolTier ESSENTIALS or PLUS", "ESSENTIALS": "", "PLUS": ""} {
		got, err := refusals(ctx, platform, map[string]string{"Environment": "dev", "ManagedLogin": "on", "UserPoolTier": plan})
		if err != nil || strings.Join(got, ", ") != want {
			out = append(out, fmt.Sprintf("%s: managed login in the plan %s is refused with %q, %v, want %q", platform.Path, plan, got, err, want))
		}
	}
	return out
}

// refusals returns the descriptions of the assertions of the template's rules that these
// parameters violate. CloudFormation refuses them before it changes anything.
func refusals(ctx context.Context, t *template.Template, parameters map[string]string) ([]string, error) {
	var out []string
	values := t.Evaluator(parameters, nil)
	for _, rule := range template.Pairs(template.Get(t.Root, "Rules")) {
		applies, err := values.Value(ctx, template.Get(rule, "RuleCondition"))
		if err != nil {
			return nil, err
		}
		if applies == false {
			continue
		}
		for _, assertion := range template.Get(rule, "Assertions").Content {
			holds, err := values.Value(ctx, template.Get(assertion, "Assert"))
			if err != nil {
				return nil, err
			}
			if holds != true {
				out = append(out, template.Text(template.Get(assertion, "AssertDescription")))
			}
		}
	}
	return out, nil
}

// style resolves the attributes of the nested stack with the style only.
type style struct{}

func (style) Parameter(context.Context, string) (string, error) { return "", template.ErrUnresolved }

func (style) Attribute(_ context.Context, resource, attribute string) (string, error) {
	if resource == "LookOfManagedLogin" && attribute == "Outputs.Version" {
		return "style", nil
	}
	return "", template.ErrUnresolved
}

func TestManagedLogin(t *testing.T) {
	t.Parallel()
	check := func(all []*template.Template) []string { return managedLogin(t.Context(), all[0]) }
	repository.PlantIn(t, "platform/template.yaml", check, map[string]repository.Planted{
		"no_style":       {"!If [ManagedLoginOnAws, !GetAtt LookOfManagedLogin.Outputs.Version, !If [ManagedLoginOn, 2, 1]]", "!If [ManagedLoginOn, 2, 1]", "with ManagedLogin=on its version is 2"},
		"always":         {"Outputs.Version, !If [ManagedLoginOn, 2, 1]]", "Outputs.Version, 2]", "with ManagedLogin=off its version is 2"},
		"classic_styles": {", !Not [!Condition ManagedLoginOn]]", "]", "with ManagedLogin=on it is made: true"},
		"lite":           {"!Not [!Equals [!Ref UserPoolTier, LITE]], Assert", "!Not [!Equals [!Ref UserPoolTier, PLUS]], Assert", "managed login in the plan LITE is refused with []"},
	})
}

// unknownSettings returns the settings of managed login's look that AWS's own example does
// not have, and those of another kind. No schema describes them.
func unknownSettings(path string, got, example any) []string {
	switch got := got.(type) {
	case map[string]any:
		known, ok := example.(map[string]any)
		if !ok {
			return []string{path + " is not a group of settings"}
		}
		var out []string
		for name, value := range got {
			if known[name] == nil {
				out = append(out, path+"."+name+" is not a setting")
				continue
			}
			out = append(out, unknownSettings(path+"."+name, value, known[name])...)
		}
		return out
	case string:
		if _, ok := example.(string); ok {
			return nil
		}
	case bool:
		if _, ok := example.(bool); ok {
			return nil
		}
	default:
		if _, ok := example.(float64); ok {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s is %v, and %v in the example", path, got, example)}
}

// brandingExample reads the settings of the example that the AWS CLI has for
// update-managed-login-branding, which is a whole style.
func brandingExample(t *testing.T) any {
	t.Helper()
	raw, err := os.ReadFile(repository.SitePackage(t, "awscli", "examples", "cognito-idp", "update-managed-login-branding.rst"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(raw), "Contents of ``update-managed-login-branding.json``::")
	var request struct{ Settings any }
	if err := json.NewDecoder(strings.NewReader(after)).Decode(&request); err != nil {
		t.Fatalf("the example is not JSON: %v", err)
	}
	return request.Settings
}

func TestManagedLoginSettings(t *testing.T) {
	t.Parallel()
	example := brandingExample(t)
	look, err := template.ReadFile(filepath.Join(repository.Root, "platform", "managedlogin.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	settings := template.Get(look.Root, "Resources", "Style", "Properties", "Settings")
	got, err := look.Evaluator(map[string]string{"PageStyles": "on"}, nil).Value(t.Context(), settings)
	if err != nil || got == nil {
		t.Fatalf("Settings: %v, %v", got, err)
	}
	repository.Report(t, unknownSettings("Settings", got, example))
	for name, p := range map[string]struct {
		planted any
		want    string
	}{
		"unknown": {map[string]any{"components": map[string]any{"banner": "x"}}, "Settings.components.banner is not a setting"},
		"text":    {map[string]any{"componentClasses": map[string]any{"buttons": map[string]any{"borderRadius": "8"}}}, "borderRadius is 8, and 8 in the example"},
		"group":   {map[string]any{"categories": map[string]any{"global": map[string]any{"colorSchemeMode": map[string]any{}}}}, "colorSchemeMode is not a group of settings"},
		"value":   {map[string]any{"categories": true}, "Settings.categories is true"},
	} {
		if findings := strings.Join(unknownSettings("Settings", p.planted, example), "\n"); !strings.Contains(findings, p.want) {
			t.Errorf("%s: findings %q, want %q", name, findings, p.want)
		}
	}
}
