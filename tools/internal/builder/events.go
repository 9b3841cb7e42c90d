package builder

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/contracts/schemas"
	"gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

// eventUse is one place where a service publishes or reads an event type.
type eventUse struct {
	typ       string
	publishes bool
	where     string
	// data means that only the type of the event's data is named: by a reader, or
	// next to a call that publishes the event.
	data bool
}

func (u eventUse) verb() string {
	if u.publishes {
		return "publishes"
	}
	return "reads"
}

// eventUses returns every event type that the stack in a folder publishes or reads.
func eventUses(root, folder string) ([]eventUse, error) {
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
	uses, err := inCode(dir, words)
	if err != nil {
		return nil, err
	}
	for _, path := range append([]string{s.Template()}, s.Nested...) {
		found, err := inTemplate(path, slices.Sorted(maps.Keys(known)))
		if err != nil {
			return nil, err
		}
		uses = append(uses, found...)
	}
	published := map[string]bool{}
	for i, use := range uses {
		uses[i].where = filepath.ToSlash(strings.TrimPrefix(use.where, root+string(filepath.Separator)))
		published[use.typ] = published[use.typ] || use.publishes
	}
	uses = slices.DeleteFunc(uses, func(u eventUse) bool { return u.data && published[u.typ] })
	slices.SortFunc(uses, func(a, b eventUse) int {
		return cmp.Or(cmp.Compare(a.typ, b.typ), cmp.Compare(a.verb(), b.verb()), cmp.Compare(a.where, b.where))
	})
	return slices.Compact(uses), nil
}

func usesByFolder(root string) (map[string][]eventUse, error) {
	system, err := stacks.Discover(root)
	if err != nil {
		return nil, fmt.Errorf("stacks.Discover: %w", err)
	}
	examples, err := stacks.Examples(root) // they represent the subscribers of other teams
	if err != nil {
		return nil, fmt.Errorf("stacks.Examples: %w", err)
	}
	by := map[string][]eventUse{}
	for _, s := range append(system, examples...) {
		if by[s.Folder], err = eventUses(root, s.Folder); err != nil {
			return nil, err
		}
	}
	return by, nil
}

// checkEvents describes the changes since the last release that break the stack in a
// folder, and what to do instead.
func checkEvents(root, folder string) ([]string, error) {
	changes, err := schemas.BrokenSince(os.DirFS(filepath.Join(root, "contracts", "schemas")))
	if err != nil {
		return nil, fmt.Errorf("schemas.BrokenSince: %w", err)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	by, err := usesByFolder(root)
	if err != nil {
		return nil, err
	}
	var out []string
	for i, use := range by[folder] { // sorted by type and verb
		if i > 0 && by[folder][i-1].typ == use.typ && by[folder][i-1].publishes == use.publishes {
			continue // already reported
		}
		for _, change := range changes[use.typ] {
			text := fmt.Sprintf("%s %s %s (%s), but since the last release %s. Readers rely on it: restore contracts/schemas/%s.json, "+
				"add a new version next to %s, and publish both until nobody reads the old one",
				folder, use.verb(), use.typ, use.where, change, use.typ, use.typ[strings.LastIndex(use.typ, ".v"):])
			if others := otherUsers(by, folder, use.typ); len(others) > 0 {
				text += "; also used by " + strings.Join(others, ", ")
			}
			out = append(out, text)
		}
	}
	return out, nil
}

func otherUsers(by map[string][]eventUse, but, typ string) []string {
	var out []string
	for _, folder := range slices.Sorted(maps.Keys(by)) {
		if folder != but && slices.ContainsFunc(by[folder], func(u eventUse) bool { return u.typ == typ }) {
			out = append(out, folder)
		}
	}
	return out
}

// all is the prefix of every type: a subscription without a filter on the type has it.
const all = ""

// inTemplate finds the types that subscriptions to the topic and rules on the bus
// match.
func inTemplate(path string, known []string) ([]eventUse, error) {
	t, err := template.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var uses []eventUse
	for _, r := range t.Resources("") {
		wanted := append(subscribed(r), patterns(r.Prop())...)
		for _, typ := range known {
			if slices.ContainsFunc(wanted, func(prefix string) bool { return strings.HasPrefix(typ, prefix) }) {
				uses = append(uses, eventUse{typ: typ, where: path + " " + r.ID})
			}
		}
	}
	return uses, nil
}

// subscribed returns the prefixes of the types that a subscription matches. Queues and
// functions that subscribe to a topic receive events, email addresses receive alarms.
func subscribed(r template.Resource) []string {
	if protocol := template.Text(r.Prop("Protocol")); r.Type != "AWS::SNS::Subscription" || protocol != "sqs" && protocol != "lambda" {
		return nil
	}
	filter := r.Prop("FilterPolicy", "type")
	if filter == nil {
		return []string{all}
	}
	return prefixes(filter)
}

// patterns returns Gatehouse's detail types in EventBridge patterns, which rules and
// the events of functions contain.
func patterns(node *yaml.Node) []string {
	var out []string
	template.Walk(node, func(n *yaml.Node) {
		for _, prefix := range prefixes(template.Get(n, "detail-type")) {
			if strings.HasPrefix(prefix, "gatehouse.") {
				out = append(out, prefix)
			}
		}
	})
	return out
}

// prefixes returns the values of a filter: whole types or prefixes. Any other kind
// of filter may match every type.
func prefixes(filter *yaml.Node) []string {
	if filter == nil {
		return nil
	}
	var out []string
	for _, value := range filter.Content {
		switch {
		case value.Kind == yaml.ScalarNode:
			out = append(out, value.Value)
		case template.Get(value, "prefix") != nil:
			out = append(out, template.Get(value, "prefix").Value)
		default:
			out = append(out, all)
		}
	}
	return out
}
