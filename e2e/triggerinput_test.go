package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// TestBadAddressesAreRefused signs up with what no person should have.
func TestBadAddressesAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, address := range map[string]string{
		"subdomain_of_a_disposable": "a@deep.below.mailinator.com",
		"upper_case_disposable":     "a@MAILINATOR.COM",
		"cyrillic_look_alike":       "a@g\u043e\u043egle.com",
		"display_name":              "Bob <bob@example.net>",
		"quoted":                    `"a b"@example.net`,
		"comment":                   "bob@example.net (me)",
		"ip_literal":                "bob@[127.0.0.1]",
		"zero_width":                "b\u200bob@example.net",
		"two_ats":                   "a@b@example.net",
		"long":                      strings.Repeat("a", 65) + "@example.net",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.newPerson(t)
			p.Email = address
			err := p.SignUp(t.Context())
			var refused *types.UserLambdaValidationException
			var invalid *types.InvalidParameterException
			if !errors.As(err, &refused) && !errors.As(err, &invalid) {
				t.Fatalf("got %v, want a refusal", err)
			}
			for _, internal := range []string{"goroutine", "panic", ".go:", "errorType", "{"} {
				if strings.Contains(err.Error(), internal) {
					t.Errorf("the refusal shows internals: %v", err)
				}
			}
		})
	}
}

// TestMalformedPayloads calls the triggers with what Cognito never sends.
func TestMalformedPayloads(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.clients(t)
	unknown := `{"version":"9","triggerSource":"Future_Trigger","region":"us-east-1","userPoolId":"us-east-1_x",
		"userName":"u","callerContext":{"clientId":"c"},"request":{"userAttributes":{"sub":"s"}},"response":{}}`
	for _, function := range []string{
		"signup-guard-presignup", "signin-audit-preauthentication", "signin-audit-postauthentication", "user-events-postconfirmation",
	} {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			for _, payload := range []string{`{}`, `[]`, `"text"`, `null`, `{"triggerSource":7}`, `{"request":[]}`} {
				out := must(c.lambda.Invoke(t.Context(), &lambda.InvokeInput{
					FunctionName: aws.String("gatehouse-local-" + function), Qualifier: aws.String("live"), Payload: []byte(payload),
				}))(t)
				if out.FunctionError == nil {
					t.Errorf("payload %s: accepted", payload)
				}
				if strings.Contains(string(out.Payload), "stackTrace") || !strings.Contains(string(out.Payload), "trigger: ") {
					t.Errorf("payload %s: unclear answer %s", payload, out.Payload)
				}
			}
			out := must(c.lambda.Invoke(t.Context(), &lambda.InvokeInput{
				FunctionName: aws.String("gatehouse-local-" + function), Qualifier: aws.String("live"), Payload: []byte(unknown),
			}))(t)
			if out.FunctionError != nil || !sameJSON(string(out.Payload), unknown) {
				t.Errorf("an unknown trigger source must pass unchanged, got %s", out.Payload)
			}
		})
	}
}

// TestLargestAttributes sends fifty attributes of the largest size that Cognito allows.
func TestLargestAttributes(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.clients(t)
	attributes := map[string]string{"sub": "3f0c0f4e-0000-4000-8000-000000000000", "email": "erika@example.net"}
	for i := range 50 {
		attributes[fmt.Sprintf("custom:a%d", i)] = strings.Repeat("\u00e4", 2048)
	}
	payload := must(json.Marshal(map[string]any{
		"version": "1", "triggerSource": "PreSignUp_SignUp", "region": "us-east-1", "userPoolId": s.env["USER_POOL_ID"],
		"userName": "u", "callerContext": map[string]string{"clientId": "c"},
		"request": map[string]any{"userAttributes": attributes}, "response": map[string]any{},
	}))(t)
	out := must(c.lambda.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("gatehouse-local-signup-guard-presignup"), Qualifier: aws.String("live"), Payload: payload,
	}))(t)
	if out.FunctionError != nil || !sameJSON(string(out.Payload), string(payload)) {
		t.Errorf("answer: %.200s", out.Payload)
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}
