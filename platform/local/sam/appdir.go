package sam

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gatehouse.example/platform/local/atomicfile"
)

// appDir is SAM's own folder of settings.
func (c CLI) appDir() string { return filepath.Join(c.Layout.Dir, "sam") }

// Prepare writes SAM's settings: no telemetry, and no question to the package
// index whether a newer version exists, since the version is pinned.
func (c CLI) Prepare(now time.Time) error {
	if err := os.MkdirAll(c.appDir(), 0o750); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	raw, err := json.Marshal(map[string]any{"telemetryEnabled": false, "lastVersionCheck": now.Unix()})
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(c.appDir(), "metadata.json"), raw); err != nil {
		return fmt.Errorf("atomicfile.Write: %w", err)
	}
	return nil
}
