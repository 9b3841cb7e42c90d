package encryptor_test

import (
	"maps"
	"strings"
	"testing"

	"gatehouse.example/services/log-encryptor/internal/encryptor"
)

func TestReadSettings(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"GATEHOUSE_ENVIRONMENT": "dev", "LOG_KEY_ARN": "arn:key", "INCLUDE_PREFIXES": "/a/,", "EXCLUDE_PREFIXES": "", "RETENTION_DAYS": "30",
	}
	s, err := encryptor.ReadSettings(func(name string) string { return good[name] })
	if err != nil || s.RetentionDays != 30 || !s.Prefixes.Covers("/a/b") || s.KeyARN != "arn:key" {
		t.Fatalf("ReadSettings = %+v, %v", s, err)
	}
	for name, value := range map[string]string{
		"GATEHOUSE_ENVIRONMENT": "", "LOG_KEY_ARN": "", "INCLUDE_PREFIXES": ",", "RETENTION_DAYS": "-1",
	} {
		bad := maps.Clone(good)
		bad[name] = value
		if _, err := encryptor.ReadSettings(func(name string) string { return bad[name] }); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%q: %v", name, value, err)
		}
	}
}
