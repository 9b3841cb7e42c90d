package actors

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadEnv(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "env")
	text := "export AWS_ACCESS_KEY_ID=test\nexport AWS_REGION=us-east-1\nexport AWS_ENDPOINT_URL=http://127.0.0.1:4566\nexport AWS_SECRET_ACCESS_KEY='it'\\''s'\n# a comment\nexport TOPIC_ARN=\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env, err := ReadEnv(path, "AWS_REGION")
	if err != nil {
		t.Fatal(err)
	}
	if env["AWS_SECRET_ACCESS_KEY"] != "it's" {
		t.Errorf("secret %q", env["AWS_SECRET_ACCESS_KEY"])
	}
	cfg := env.Config()
	key, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || cfg.Region != "us-east-1" || *cfg.BaseEndpoint != "http://127.0.0.1:4566" || key.SecretAccessKey != "it's" {
		t.Errorf("config of %s at %s with %+v, %v", cfg.Region, *cfg.BaseEndpoint, key, err)
	}
	_, err = ReadEnv(path, "AWS_REGION", "TOPIC_ARN", "USER_POOL_ID")
	if err == nil || !strings.Contains(err.Error(), "TOPIC_ARN, USER_POOL_ID") || strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("got %v, want the missing names only", err)
	}
	if _, err := ReadEnv(path + "x"); err == nil {
		t.Error("a missing file was read")
	}
}
