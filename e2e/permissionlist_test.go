package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatehouse.example/tools/policy"
)

// permissionList is the file of permissions that no test needs, each with its reason.
type permissionList map[permission]excuse

// excuse is why no test needs a permission. Sometimes is set if a test may need it
// all the same, depending on how quickly the emulator answers.
type excuse struct {
	reason    string
	sometimes bool
}

// parsePermissionList reads the file: blocks of a reason, in lines that begin with #, and of
// permissions, one a line.
func parsePermissionList(text string) (permissionList, error) {
	list := permissionList{}
	reason := ""
	first := true // the next comment begins a reason
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		comment, isComment := strings.CutPrefix(line, "#")
		fields := strings.Fields(line)
		switch {
		case line == "":
			reason, first = "", true
		case isComment && first:
			reason = strings.TrimSpace(reason + " " + strings.TrimSpace(comment))
		case isComment:
			reason, first = strings.TrimSpace(comment), true
		case len(fields) != 3 && (len(fields) != 4 || fields[3] != "sometimes"):
			return nil, fmt.Errorf("line %d: want a role, an action, a resource and perhaps 'sometimes', not %q", i+1, line)
		case reason == "":
			return nil, fmt.Errorf("line %d: %s has no reason above it", i+1, line)
		default:
			first = false
			a := permission{fields[0], fields[1], fields[2]}
			if _, twice := list[a]; twice {
				return nil, fmt.Errorf("line %d: %s is listed twice", i+1, line)
			}
			list[a] = excuse{reason, len(fields) == 4}
		}
	}
	return list, nil
}

// find returns the line whose resource, as a pattern, matches that of a: tests use
// random names in calls that are denied.
func (l permissionList) find(a permission) (permission, bool) {
	for line := range l {
		if line.Role == a.Role && line.Action == a.Action && policy.Match(line.Resource, a.Resource) {
			return line, true
		}
	}
	return permission{}, false
}

// excuses reports whether the line covers a permission. In a line whose role has a star,
// role and resource are patterns: it is about every role of a kind.
func excuses(line, a permission) bool {
	if !strings.Contains(line.Role, "*") {
		return line == a
	}
	return line.Action == a.Action && policy.Match(line.Role, a.Role) && policy.Match(line.Resource, a.Resource)
}

// compare returns what is wrong with the permissions that no call needed, and with
// the list that excuses them. The roles have the permissions in held.
func (l permissionList) compare(unused, held []permission) []string {
	covered := func(line permission, by []permission) bool {
		return slices.ContainsFunc(by, func(a permission) bool { return excuses(line, a) })
	}
	lines := slices.Collect(maps.Keys(l))
	var wrong []string
	for _, a := range unused {
		if !slices.ContainsFunc(lines, func(line permission) bool { return excuses(line, a) }) {
			wrong = append(wrong, "not used, so remove it from the template or list it with its reason: "+a.String())
		}
	}
	for line, excuse := range l {
		possible := covered(line, held) || strings.HasPrefix(line.Action, "refused:")
		if !covered(line, unused) && (!excuse.sometimes || !possible) {
			wrong = append(wrong, "used by a call, or in no role any longer, so remove it from the list: "+line.String())
		}
	}
	slices.Sort(wrong)
	return slices.Compact(wrong)
}
