package access

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed exceptions.txt
var exceptions string

// Exception is a line of exceptions.txt: an action that a role has although no schema
// lists it, or does not have although a schema lists it; or one that it has on the
// resources of others too.
type Exception struct {
	Given bool
	// Wider is "=" for an action on resources of everybody, "~" for one on resources
	// without a tag of ours, and otherwise empty.
	Wider                 string
	Service, Type, Action string
	Reason                string
	Line                  int
}

// Covers reports whether the exception applies to an action for a type in a service's stack.
func (e Exception) Covers(service, typ, action string) bool {
	return matches(e.Service, service) && matches(e.Type, typ) && matches(strings.ToLower(e.Action), strings.ToLower(action))
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// Exceptions reads exceptions.txt.
func Exceptions() ([]Exception, error) { return parse(exceptions) }

func parse(text string) ([]Exception, error) {
	var out []Exception
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		what, reason, ok := strings.Cut(line, " : ")
		fields := strings.Fields(what)
		if !ok || len(fields) != 4 || strings.TrimSpace(reason) == "" || !slices.Contains([]string{"+", "-", "=", "~"}, fields[0]) {
			return nil, fmt.Errorf("exceptions.txt:%d: not '+|-|=|~ SERVICE TYPE ACTION,... : reason': %s", i+1, line)
		}
		for _, action := range strings.Split(fields[3], ",") {
			e := Exception{Given: fields[0] == "+", Wider: strings.Trim(fields[0], "+-"), Service: fields[1], Type: fields[2], Action: action, Reason: reason, Line: i + 1}
			if _, err := path.Match(e.Action+e.Service+e.Type, ""); err != nil {
				return nil, fmt.Errorf("exceptions.txt:%d: %w", i+1, err)
			}
			out = append(out, e)
		}
	}
	return out, nil
}
