// Package eventuse finds the event types that each service publishes and reads. It
// derives them from the services' code and subscriptions, so there is no list to
// maintain. With them it refuses, before a deployment, a change of an event that
// breaks a reader.
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

// Use is one place where a service publishes or reads an event type.
type Use struct {
	Type      string
	Publishes bool
	Where     string
	// data means that only the type of the event's data is named: by a reader, or
	// next to a call that publishes the event.
	data bool
}

// verb returns publishes or reads.
func (u Use) verb() string {
	if u.Publishes {
		return "publishes"
	}
	return "reads"
}

// Uses returns every event type that the stack in a folder publishes or reads.
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
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.verb(), b.verb()), cmp.Compare(a.Where, b.Where))
	})
	return slices.Compact(uses), nil
}

// Folders returns the folders of every stack that may publish or read events. The
// examples are among them: they stand for the subscribers of other teams.
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

// Broken is one change that must not be deployed with a service.
type Broken struct {
	Service string
	Use     Use
	Change  string // the property and how it changed
	// Others are the other stacks that use the type.
	Others []string
}

// String describes the change and what to do instead.
func (b Broken) String() string {
	version := b.Use.Type[strings.LastIndex(b.Use.Type, ".v"):]
	text := fmt.Sprintf("%s %s %s (%s), but since the last release %s. Readers rely on it: restore contracts/schemas/%s.json, add a new version next to %s, and publish both until nobody reads the old one",
		b.Service, b.Use.verb(), b.Use.Type, b.Use.Where, b.Change, b.Use.Type, version)
	if len(b.Others) > 0 {
		text += "; also used by " + strings.Join(b.Others, ", ")
	}
	return text
}

// Check returns the changes since the last release that break the stack in a folder.
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
			continue // already reported
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
