package schemas

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Released is the folder with the schemas of the last release, below the current
// ones. They are files and not a git tag, because a pipeline's source has no
// history.
const Released = "released"

// BrokenSince names, by event type, what breaks readers of the last release.
// The folder is this package's own.
func BrokenSince(folder fs.FS) (map[string][]string, error) {
	released, err := fs.Glob(folder, path.Join(Released, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("fs.Glob: %w", err)
	}
	if len(released) == 0 {
		return nil, fmt.Errorf("no schema in %s: `make release-contracts` puts them there", Released)
	}
	out := map[string][]string{}
	for _, file := range released {
		name := path.Base(file)
		typ := strings.TrimSuffix(name, ".json")
		before, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, fmt.Errorf("fs.ReadFile: %w", err)
		}
		now, err := fs.ReadFile(folder, name)
		if err != nil {
			out[typ] = []string{"event: the schema " + name + " is gone"}
			continue
		}
		broken, err := Breaking(before, now)
		if err != nil {
			return nil, fmt.Errorf("Breaking %s: %w", name, err)
		}
		if len(broken) > 0 {
			out[typ] = broken
		}
	}
	return out, nil
}
