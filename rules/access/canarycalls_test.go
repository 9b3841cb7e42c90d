package access

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// canaryCode is what runs as the canary's role: the command, the package with its
// calls, and the integration tests.
func canaryCode() []string {
	return []string{"tools/internal/canary", "tools/actors", "e2e/integration"}
}

// calls returns the IAM actions of the SDK inputs in code.
func calls(code string) []string {
	// The SDK's package, and IAM's name of the service.
	service := map[string]string{
		"cloudwatch": "cloudwatch", "cloudwatchlogs": "logs", "cognito": "cognito-idp", "dynamodb": "dynamodb", "sns": "sns", "sqs": "sqs", "ssm": "ssm",
	}
	var out []string
	for _, m := range regexp.MustCompile(`&(\w+)\.(\w+)Input\{`).FindAllStringSubmatch(code, -1) {
		action := service[m[1]] + ":" + strings.TrimSuffix(m[2], "Batch")
		switch m[2] {
		case "SignUp", "ConfirmSignUp", "InitiateAuth", "RespondToAuthChallenge", "GetTokensFromRefreshToken", "GetId", "GetCredentialsForIdentity":
			continue // sent without a signature
		}
		if !slices.Contains(out, action) {
			out = append(out, action)
		}
	}
	return out
}

// canaryCalls compares the canary's role with the code, in both directions. DynamoDB
// makes the calls to KMS on behalf of the caller.
func canaryCalls(all []*template.Template, code string) []string {
	var out, allowed []string
	for _, t := range all {
		for _, r := range t.Resources("AWS::IAM::Role") {
			if r.ID != "CanaryRole" {
				continue
			}
			for _, s := range repository.Statements(r.Prop("Policies")) {
				allowed = append(allowed, template.Texts(template.Get(s, "Action"))...)
			}
		}
	}
	made := append(calls(code), "kms:Decrypt", "kms:DescribeKey")
	for _, action := range made {
		if !slices.Contains(allowed, action) {
			out = append(out, fmt.Sprintf("pipeline/environment.yaml: CanaryRole: %s is called but not allowed", action))
		}
	}
	for _, action := range allowed {
		if !slices.Contains(made, action) {
			out = append(out, fmt.Sprintf("pipeline/environment.yaml: CanaryRole: %s is allowed but never called", action))
		}
	}
	return out
}

func TestCanaryRoleMatchesItsCalls(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, dir := range canaryCode() {
		files, err := filepath.Glob(filepath.Join(repository.Root, dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no code in %s: %v", dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") && dir != "e2e/integration" {
				continue
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("os.ReadFile: %v", err)
			}
			code.Write(raw)
		}
	}
	for _, wrong := range canaryCalls(repository.Templates(t), code.String()) {
		t.Error(wrong)
	}
	for name, planted := range map[string]string{
		"more_calls": code.String() + "&sqs.PurgeQueueInput{", "fewer_calls": strings.ReplaceAll(code.String(), "&sns.UnsubscribeInput{", ""),
	} {
		if got := canaryCalls(repository.Templates(t), planted); len(got) != 1 {
			t.Errorf("%s: %v", name, got)
		}
	}
}
