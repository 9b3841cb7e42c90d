package adopt

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// saved is the file with a pool as it was. The command makes one before each change.
type saved struct {
	UserPoolID string    `json:"userPoolId"`
	Region     string    `json:"region"`
	Time       time.Time `json:"time"`
	Pool       pool      `json:"pool"`
}

// save writes a new file, for its owner only: the settings contain the external id with
// which Cognito assumes the role that sends SMS.
func save(path string, s saved) (err error) {
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("json.MarshalIndent: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("os.OpenFile: %w", err)
	}
	defer func() {
		if closing := f.Close(); err == nil && closing != nil {
			err = fmt.Errorf("os.File.Close: %w", closing)
		}
	}()
	if _, err := f.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("os.File.Write: %w", err)
	}
	return nil
}

// load reads what save wrote.
func load(path string) (saved, error) {
	var s saved
	f, err := os.Open(path)
	if err != nil {
		return s, fmt.Errorf("os.Open: %w", err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(f)
	if err != nil {
		return s, fmt.Errorf("io.ReadAll: %w", err)
	}
	if err := decode(raw, &s); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	if s.UserPoolID == "" || s.Pool.Settings == nil {
		return s, fmt.Errorf("%s is not a file that attach or detach saved", path)
	}
	return s, nil
}
