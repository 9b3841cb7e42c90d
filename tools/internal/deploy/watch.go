package deploy

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
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
			paths := slices.Collect(maps.Keys(changed))
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

// target is one function and the folders with its source.
type target struct {
	stack    stacks.Stack
	function stacks.Function
	folders  []string
}

// targets lists every function. A function that does not compile keeps its earlier
// folders, so that the next edit is noticed.
func targets(ctx context.Context, all []stacks.Stack, before []target) ([]target, error) {
	var list []target
	var first error
	for _, s := range all {
		for _, f := range s.Functions {
			t := target{stack: s, function: f}
			packages, err := sam.Packages(ctx, s, f.CodeURI)
			if err != nil && first == nil {
				first = err
			}
			for _, p := range packages {
				if len(p.Paths()) > 0 {
					t.folders = append(t.folders, p.Dir)
				}
				for _, path := range p.Paths() { // embedded files may be in subfolders, go.mod in a parent
					t.folders = append(t.folders, filepath.Dir(path))
				}
			}
			slices.Sort(t.folders)
			t.folders = slices.Compact(t.folders)
			if err != nil {
				t.folders = nil
				if i := slices.IndexFunc(before, func(b target) bool { return b.function.Name == f.Name }); i >= 0 {
					t.folders = before[i].folders
				}
			}
			list = append(list, t)
		}
	}
	return list, first
}

func affected(list []target, changed []string) []target {
	return slices.DeleteFunc(slices.Clone(list), func(t target) bool {
		return !slices.ContainsFunc(changed, func(path string) bool { return slices.Contains(t.folders, filepath.Dir(path)) })
	})
}
