package repository

import (
	"slices"
	"strings"

	"gatehouse.example/tools/template"
)

// Names are the writers and readers of each SSM name, by stack.
type Names struct {
	Writers, Readers map[string][]string
}

// NamesOf collects the SSM names of the templates, with ${Environment} in them.
func NamesOf(templates []*template.Template) Names {
	n := Names{Writers: map[string][]string{}, Readers: map[string][]string{}}
	for _, t := range templates {
		for _, r := range t.Resources("AWS::SSM::Parameter") {
			name := template.Text(r.Prop("Name"))
			n.Writers[name] = append(n.Writers[name], Dir(t))
		}
		for _, name := range t.SSMNames() {
			// The tools account is not an environment and uses the log key of one.
			name = strings.Replace(name, "${LogKeyEnvironment}", "${Environment}", 1)
			if !slices.Contains(n.Readers[name], Dir(t)) {
				n.Readers[name] = append(n.Readers[name], Dir(t))
			}
		}
	}
	return n
}
