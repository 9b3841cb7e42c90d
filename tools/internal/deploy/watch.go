package deploy

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long the folders must be unchanged: editors write files in steps,
// and a checkout changes many.
const settle = 80 * time.Millisecond

// Changes calls each with the paths that changed at the same time, until ctx is
// done. It watches the folders and all folders below them, including new ones.
func Changes(ctx context.Context, dirs []string, each func([]string)) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("fsnotify.NewWatcher: %w", err)
	}
	defer func() { _ = w.Close() }()
	for _, dir := range dirs {
		if err := addTree(w, dir); err != nil {
			return err
		}
	}
	changed := map[string]bool{}
	quiet := time.NewTimer(time.Hour)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.Errors:
			return fmt.Errorf("fsnotify: %w", err)
		case event := <-w.Events:
			if event.Has(fsnotify.Create) {
				_ = addTree(w, event.Name) // a file, or already deleted: nothing to add
			}
			if matters(event) {
				changed[event.Name] = true
				quiet.Reset(settle)
			}
		case <-quiet.C:
			paths := make([]string, 0, len(changed))
			for path := range changed {
				paths = append(paths, path)
			}
			clear(changed)
			each(paths)
		}
	}
}

// matters ignores the temporary files of editors.
func matters(event fsnotify.Event) bool {
	name := filepath.Base(event.Name)
	return event.Op != fsnotify.Chmod && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, "~") &&
		!strings.HasPrefix(name, "#") && name != "4913" // vim's probe
}

func addTree(w *fsnotify.Watcher, dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			return nil
		}
		if strings.HasPrefix(entry.Name(), ".") && path != dir {
			return filepath.SkipDir
		}
		if err := w.Add(path); err != nil {
			return fmt.Errorf("fsnotify.Watcher.Add: %w", err)
		}
		return nil
	})
}
