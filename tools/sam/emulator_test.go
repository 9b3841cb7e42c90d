package sam_test

import (
	"testing"

	"gatehouse.example/tools/sam"
)

func TestEmulatorParameters(t *testing.T) {
	t.Parallel()
	got := sam.EmulatorParameters("http://127.0.0.1:4566", "test")
	for name, want := range map[string]string{
		"ApiUrl": "http://127.0.0.1:4566/test/api", "HostedUiUrl": "http://127.0.0.1:4566", "LinkUrl": "http://127.0.0.1:4566/app/signin", "OnAws": "false", "GradualDeployment": "false",
	} {
		if got[name] != want {
			t.Errorf("%s=%s, want %s", name, got[name], want)
		}
	}
	if a := got["Architecture"]; a != "x86_64" && a != "arm64" {
		t.Errorf("Architecture=%s", a)
	}
}
