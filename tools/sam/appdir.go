package sam

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gatehouse.example/tools/internal/files"
)

// appDir is SAM's own folder of settings.
func (c CLI) appDir() string { return filepath.Join(c.Workspace.Dir, "sam") }

// Prepare writes SAM's settings: no telemetry and no search for a newer version,
// because the version is pinned.
func (c CLI) Prepare(now time.Time) error {
	if err := os.MkdirAll(c.appDir(), 0o750); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	// SAM ignores a time without a decimal point.
	settings := fmt.Sprintf(`{"telemetryEnabled": false, "lastVersionCheck": %.1f}`, float64(now.Unix()))
	if err := files.Replace(filepath.Join(c.appDir(), "metadata.json"), []byte(settings)); err != nil {
		return fmt.Errorf("files.Replace: %w", err)
	}
	return nil
}
