// Package eventuse keeps a change of an event that would break a reader out of
// every service that reads or publishes that event, by name, before it is
// deployed. Who that is nobody lists: it is derived from the services' code and
// from their subscriptions.
package eventuse

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gatehouse.example/contracts/schemas"
	"gatehouse.example/tools/stacks"
)

// Use is one place where a service has to do with an event type.
type Use struct {
	Type      string
	Publishes bool
	Where     string
	// data is set where only the type's data is named: by whoever reads it, and
	// beside each call that publishes it.
	data bool
}

// does is the verb for it.
func (u Use) does() string {
	if u.Publishes {
		return "publishes"
	}
	return "reads"
}

// Uses finds every event type that the stack in a folder publishes or reads.
func Uses(root, folder string) ([]Use, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("filepath.Abs: %w", err)
	}
	words, err := vocabulary(filepath.Join(root, "contracts"))
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, w := range words {
		for _, typ := range w.types {
			known[typ] = true
		}
	}
	dir := filepath.Join(root, filepath.FromSlash(folder))
	s, err := stacks.Read(dir)
	if err != nil {
		return nil, fmt.Errorf("stacks.Read: %w", err)
	}
	uses, err := inCode(root, dir, words)
	if err != nil {
		return nil, err
	}
	for _, path := range append([]string{s.Template()}, s.Nested...) {
		found, err := inTemplate(root, path, slices.Sorted(maps.Keys(known)))
		if err != nil {
			return nil, err
		}
		uses = append(uses, found...)
	}
	published := map[string]bool{}
	for _, use := range uses {
		published[use.Type] = published[use.Type] || use.Publishes
	}
	uses = slices.DeleteFunc(uses, func(u Use) bool { return u.data && published[u.Type] })
	slices.SortFunc(uses, func(a, b Use) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.does(), b.does()), cmp.Compare(a.Where, b.Where))
	})
	return slices.Compact(uses), nil
}

// Folders returns the folders of every stack that may publish or read events. The
// examples are among them: they represent the stacks of other teams.
func Folders(root string) ([]string, error) {
	system, err := stacks.Discover(root)
	if err != nil {
		return nil, fmt.Errorf("stacks.Discover: %w", err)
	}
	examples, err := stacks.Examples(root)
	if err != nil {
		return nil, fmt.Errorf("stacks.Examples: %w", err)
	}
	var out []string
	for _, s := range append(system, examples...) {
		out = append(out, s.Folder)
	}
	return out, nil
}

// Broken is one change that a service cannot be deployed with.
type Broken struct {
	Service string
	Use     Use
	Change  string // property and what happened to it
	// Others are the stacks that have to do with the type, too.
	Others []string
}

// String says what to do instead.
func (b Broken) String() string {
	version := b.Use.Type[strings.LastIndex(b.Use.Type, ".v"):]
	said := fmt.Sprintf("%s %s %s (%s), and since the last release %s. Readers rely on it: put contracts/schemas/%s.json back and give the change a version of its own beside %s, both published until nobody reads the old one",
		b.Service, b.Use.does(), b.Use.Type, b.Use.Where, b.Change, b.Use.Type, version)
	if len(b.Others) > 0 {
		said += "; concerned as well: " + strings.Join(b.Others, ", ")
	}
	return said
}

// Check finds what breaks the stack in a folder.
func Check(root, folder string) ([]Broken, error) {
	changes, err := schemas.BrokenSince(os.DirFS(filepath.Join(root, "contracts", "schemas")))
	if err != nil {
		return nil, fmt.Errorf("schemas.BrokenSince: %w", err)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	folders, err := Folders(root)
	if err != nil {
		return nil, err
	}
	by := map[string][]Use{}
	for _, f := range folders {
		if by[f], err = Uses(root, f); err != nil {
			return nil, err
		}
	}
	var out []Broken
	for i, use := range by[folder] { // sorted by type and verb
		if i > 0 && by[folder][i-1].Type == use.Type && by[folder][i-1].Publishes == use.Publishes {
			continue // said once
		}
		for _, change := range changes[use.Type] {
			out = append(out, Broken{Service: folder, Use: use, Change: change, Others: others(by, folder, use.Type)})
		}
	}
	return out, nil
}

func others(by map[string][]Use, but, typ string) []string {
	var out []string
	for _, folder := range slices.Sorted(maps.Keys(by)) {
		if folder != but && slices.ContainsFunc(by[folder], func(u Use) bool { return u.Type == typ }) {
			out = append(out, folder)
		}
	}
	return out
}
