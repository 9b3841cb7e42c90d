// Package files writes and locks files that several processes use at the same
// time.
package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Replace replaces the content of a file atomically: a reader sees the old content
// or the new, never a part of it. Only the owner can read the file.
func Replace(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("os.CreateTemp: %w", err)
	}
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(tmp.Name()))
	}
	return nil
}
