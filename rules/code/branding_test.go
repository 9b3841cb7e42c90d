package code

import (
	"os"
	"path/filepath"
	"testing"

	"gatehouse.example/rules/repository"
)

// TestMailsHaveTheBranding: the mails have the name and the colours of the sign-in pages. A
// binary can embed files of its own module only, so it has a copy. UPDATE=branding makes it.
func TestMailsHaveTheBranding(t *testing.T) {
	t.Parallel()
	const of, copied = "platform/branding/settings.json", "services/messages/internal/layout/branding.json"
	want := repository.Read(t, filepath.Join(repository.Root, of))
	if os.Getenv("UPDATE") == "branding" {
		if err := os.WriteFile(filepath.Join(repository.Root, copied), []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if repository.Read(t, filepath.Join(repository.Root, copied)) != want {
		t.Errorf("%s is not %s; UPDATE=branding go test ./rules/code -run TestMailsHaveTheBranding", copied, of)
	}
}
