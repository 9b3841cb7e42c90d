package audit

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cleanEnv leaves nothing of the caller's AWS settings. Tests that use it set
// the environment, so they are not parallel.
func cleanEnv(t *testing.T, more ...string) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	set := []string{
		"AWS_ENDPOINT_URL", "", "AWS_REGION", "us-east-1", "AWS_DEFAULT_REGION", "", "AWS_PROFILE", "", "AWS_SESSION_TOKEN", "",
		"AWS_ACCESS_KEY_ID", "", "AWS_SECRET_ACCESS_KEY", "", "AWS_CONFIG_FILE", none, "AWS_SHARED_CREDENTIALS_FILE", none,
		"AWS_EC2_METADATA_DISABLED", "true", "AUDIT_TABLE", "", "GATEHOUSE_ENVIRONMENT", "",
	}
	set = append(set, more...)
	for i := 0; i < len(set); i += 2 {
		t.Setenv(set[i], set[i+1])
		if set[i+1] == "" {
			if err := os.Unsetenv(set[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func show(args ...string) (string, error) {
	var out bytes.Buffer
	cmd := Command()
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(append([]string{"show"}, args...))
	err := cmd.Execute()
	return out.String(), err
}

func TestShowSaysWhatToDo(t *testing.T) {
	keys := []string{"AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "s"}
	for _, tc := range []struct {
		name string
		env  []string
		args []string
		want string
	}{
		{"no_credentials", nil, nil, "source .local/env"},
		{"no_region", append([]string{"AWS_REGION", ""}, keys...), nil, "AWS_REGION"},
		{"no_table", keys, nil, "--environment"},
		{"nothing_listens", append([]string{"AWS_ENDPOINT_URL", "http://127.0.0.1:1"}, keys...), []string{"--table", "t"}, "make up"},
		{"bad_day", keys, []string{"--day", "x"}, "--day"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cleanEnv(t, tc.env...)
			if _, err := show(tc.args...); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

// The table's name comes from SSM, and DynamoDB is only ever queried.
func TestShowByEnvironment(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer string
		switch r.Header.Get("X-Amz-Target") {
		case "AmazonSSM.GetParameter":
			answer = `{"Parameter":{"Value":"audit-of-dev"}}`
		case "DynamoDB_20120810.Query":
			answer = `{"Items":[{"id":{"S":"1"},"type":{"S":"gatehouse.user.created.v1"},"time":{"S":"2026-11-22T10:00:00Z"},"data":{"S":"{\"via\":\"signup\"}"}}]}`
		default:
			t.Errorf("unexpected call %s", r.Header.Get("X-Amz-Target"))
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(srv.Close)
	cleanEnv(t, "AWS_ENDPOINT_URL", srv.URL, "AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "s", "AUDIT_TABLE", "another")
	out, err := show("--environment", "dev")
	if err != nil || !strings.Contains(out, "user.created") || !strings.Contains(out, "via=signup") {
		t.Errorf("output %q, error %v", out, err)
	}
}
