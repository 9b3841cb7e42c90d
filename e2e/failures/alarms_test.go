package failures

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/template"
)

// metric is a series: the name of a metric and what it is of: a function, a
// queue, the API.
type metric struct{ name, of string }

// alarms maps the names of the alarms of all services, without `gatehouse-{environment}-`,
// to the metrics that they watch.
func alarms(t *testing.T) map[string][]metric {
	t.Helper()
	paths, err := filepath.Glob("../../services/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]metric{}
	for _, path := range paths {
		tmpl, err := template.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, alarm := range tmpl.Resources("AWS::CloudWatch::Alarm") {
			name := short(template.Text(alarm.Prop("AlarmName")))
			template.Walk(alarm.Node, func(n *yaml.Node) {
				if n.Kind != yaml.MappingNode || template.Get(n, "MetricName") == nil {
					return
				}
				m := metric{name: template.Text(template.Get(n, "MetricName"))}
				if of := children(template.Get(n, "Dimensions")); len(of) > 0 { // more only say more about the first
					m.of = dimension(tmpl, template.Text(template.Get(of[0], "Value")))
				}
				out[name] = append(out[name], m)
			})
		}
	}
	return out
}

func children(n *yaml.Node) []*yaml.Node {
	if n == nil {
		return nil
	}
	return n.Content
}

// dimension is the value of a dimension: the name of what it is of, or of the
// resource that it refers to.
func dimension(tmpl *template.Template, value string) string {
	id := strings.TrimPrefix(strings.TrimPrefix(value, "ref:"), "att:")
	id, _, _ = strings.Cut(id, ".")
	for _, property := range []string{"FunctionName", "QueueName"} {
		if name := template.Text(template.Get(tmpl.Root, "Resources", id, "Properties", property)); name != "" {
			value = name
		}
	}
	if value == "ref:Environment" {
		return ""
	}
	return short(value)
}

func short(name string) string { return strings.TrimPrefix(name, "gatehouse-${Environment}-") }

// telling are the alarms that watch one of these metrics, in order.
func telling(all map[string][]metric, raised []metric) []string {
	var out []string
	for name, watched := range all {
		if slices.ContainsFunc(watched, func(m metric) bool { return slices.Contains(raised, m) }) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
