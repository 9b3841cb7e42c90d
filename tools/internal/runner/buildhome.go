package build

import (
	"fmt"
	"os"
	"path/filepath"
)

// Home makes the home folder of a build. Go's own telemetry is off in it: its
// helper outlives the command that starts it, and would write into a folder that
// is being deleted (https://go.dev/doc/telemetry, "mode").
func Home(dir string) error {
	at := filepath.Join(dir, ".config", "go", "telemetry")
	if err := os.MkdirAll(at, 0o700); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	if err := os.WriteFile(filepath.Join(at, "mode"), []byte("off"), 0o600); err != nil {
		return fmt.Errorf("os.WriteFile: %w", err)
	}
	return nil
}
