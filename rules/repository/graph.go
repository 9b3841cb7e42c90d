package repository

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Names are the writers and readers of each SSM name, by stack.
type Names struct {
	Writers, Readers map[string][]string
}

// NamesOf collects the SSM names of the templates, with ${Environment} in them.
func NamesOf(templates []*Template) Names {
	read := regexp.MustCompile(`\{\{resolve:ssm:([^}]*(?:\$\{[^}]*\}[^}]*)*)\}\}`)
	n := Names{Writers: map[string][]string{}, Readers: map[string][]string{}}
	for _, t := range templates {
		for _, r := range t.Resources("AWS::SSM::Parameter") {
			name := Text(r.Prop("Name"))
			n.Writers[name] = append(n.Writers[name], t.Dir())
		}
		Walk(t.Root, func(v *yaml.Node) {
			for _, m := range read.FindAllStringSubmatch(v.Value, -1) {
				// The tools account is not an environment and uses the log key of one.
				name := strings.Replace(m[1], "${LogKeyEnvironment}", "${Environment}", 1)
				if !slices.Contains(n.Readers[name], t.Dir()) {
					n.Readers[name] = append(n.Readers[name], t.Dir())
				}
			}
		})
	}
	return n
}

// Graph returns, for every stack, the stacks that it reads from.
func Graph(templates []*Template) map[string][]string {
	names := NamesOf(templates)
	graph := map[string][]string{}
	for _, t := range templates {
		graph[t.Dir()] = nil
	}
	for name, readers := range names.Readers {
		for _, reader := range readers {
			for _, writer := range names.Writers[name] {
				if writer != reader && !slices.Contains(graph[reader], writer) {
					graph[reader] = append(graph[reader], writer)
				}
			}
		}
	}
	for _, from := range graph {
		slices.Sort(from)
	}
	return graph
}

// Order returns an order in which the stacks of a graph can be deployed: each stack
// after those that it reads from, and otherwise by name.
func Order(graph map[string][]string) ([]string, error) {
	var order []string
	for len(order) < len(graph) {
		before := len(order)
		for _, stack := range slices.Sorted(maps.Keys(graph)) {
			ready := !slices.ContainsFunc(graph[stack], func(from string) bool { return !slices.Contains(order, from) })
			if ready && !slices.Contains(order, stack) {
				order = append(order, stack)
			}
		}
		if len(order) == before {
			var stuck []string
			for stack := range graph {
				if !slices.Contains(order, stack) {
					stuck = append(stuck, stack)
				}
			}
			slices.Sort(stuck)
			return nil, fmt.Errorf("a cycle of SSM names among %s", strings.Join(stuck, ", "))
		}
	}
	return order, nil
}
