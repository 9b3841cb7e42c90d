package trigger_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAWSFixtures reads the payloads in aws-lambda-go.
func TestAWSFixtures(t *testing.T) {
	t.Parallel()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	sources := map[string]string{
		"presignup": "PreSignUp_SignUp", "preauthentication": "PreAuthentication_Authentication",
		"postauthentication": "PostAuthentication_Authentication", "postconfirmation": "PostConfirmation_ConfirmSignUp",
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata", "cognito-event-userpools-"+name+".json")
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("os.ReadFile: %v", err)
			}
			got := read(t, string(raw))
			if got.Source != source || got.UserName != "<userName>" || got.Attributes["email"] != "<email>" ||
				got.Act.ClientID != "<apps client id>" || got.Act.PoolARN != "arn:aws:cognito-idp:<region>:123456789012:userpool/<userPoolId>" {
				t.Errorf("Call %+v", got)
			}
			if got.NewDevice != (name == "postauthentication") {
				t.Errorf("NewDevice = %v", got.NewDevice)
			}
		})
	}
}
