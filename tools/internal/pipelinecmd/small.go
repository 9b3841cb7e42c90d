package pipelinecmd

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"gatehouse.example/tools/internal/files"
)

// nestedURL finds the templates that a template nests by their paths.
func nestedURL() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(\s*TemplateURL:\s*)([A-Za-z0-9./-]+\.yaml)\s*$`)
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}

// lock keeps two ups apart.
func (s *system) lock() (func(), error) {
	unlock, err := files.TryLock(filepath.Join(s.layout.Dir, "pipeline", "up.lock"))
	if errors.Is(err, files.ErrLocked) {
		return nil, errors.New("another 'gatehouse pipeline up' is under way here; wait until it is done")
	}
	if err != nil {
		return nil, fmt.Errorf("files.TryLock: %w", err)
	}
	return unlock, nil
}
