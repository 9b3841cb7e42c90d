package templates

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// strangers: nobody outside can page somebody. Guests and users of the identity pool
// send to queues of their own, as much as they like; so the number and the age of the
// messages there say what a stranger did, and an alarm that notifies also needs that
// nobody receives them, which only the operator's side can cause.
func strangers(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		queues := strangersQueues(t)
		for _, other := range all {
			if repository.Dir(other) != repository.Dir(t) {
				continue
			}
			for _, a := range other.Resources("AWS::CloudWatch::Alarm") {
				metrics := queueMetrics(a)
				for _, name := range queues {
					if len(metrics[name]) > 0 && !slices.Contains(metrics[name], "NumberOfMessagesReceived") && !strings.Contains(other.CommentAbove(a.Key.Line), "# Silent:") {
						out = append(out, a.String()+": a stranger can make it fire; make it silent, or let it also need that NumberOfMessagesReceived is 0")
					}
				}
			}
		}
	}
	return out
}

// strangersQueues returns the names of the queues to which the identity pool's roles
// may send, and of their dead-letter queues.
func strangersQueues(t *template.Template) []string {
	var ids, names []string
	for _, p := range t.Resources("AWS::SQS::QueuePolicy") {
		if !namesPoolRole(p.Node) {
			continue
		}
		for _, q := range template.Texts(p.Prop("Queues")) {
			ids = append(ids, strings.TrimPrefix(q, "ref:"))
		}
	}
	for _, q := range t.Resources("AWS::SQS::Queue") {
		if !slices.Contains(ids, q.ID) {
			continue
		}
		names = append(names, template.Text(q.Prop("QueueName")))
		dead := strings.TrimSuffix(strings.TrimPrefix(template.Text(q.Prop("RedrivePolicy", "deadLetterTargetArn")), "att:"), ".Arn")
		for _, d := range t.Resources("AWS::SQS::Queue") {
			if d.ID == dead {
				names = append(names, template.Text(d.Prop("QueueName")))
			}
		}
	}
	return names
}

// namesPoolRole reports whether a node names a role of the identity pool.
func namesPoolRole(n *yaml.Node) bool {
	found := false
	template.Walk(n, func(n *yaml.Node) {
		found = found || strings.Contains(n.Value, "-platform-guests") || strings.Contains(n.Value, "-platform-users")
	})
	return found
}

// queueMetrics returns the metrics that an alarm watches, by the queue's name.
func queueMetrics(a template.Resource) map[string][]string {
	out := map[string][]string{}
	template.Walk(a.Node, func(n *yaml.Node) {
		for _, d := range dimensions(n) {
			if template.Text(template.Get(d, "Name")) == "QueueName" {
				name := template.Text(template.Get(d, "Value"))
				out[name] = append(out[name], template.Text(template.Get(n, "MetricName")))
			}
		}
	})
	return out
}

func TestStrangersPageNobody(t *testing.T) {
	t.Parallel()
	repository.Report(t, strangers(repository.Templates(t)))
}

func TestStrangersPageNobodyPlanted(t *testing.T) {
	t.Parallel()
	text := func(name string) string {
		raw, err := os.ReadFile(filepath.Join(repository.Root, "services", "user-events", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	queues := repository.MustParse(t, "services/user-events/client-events.yaml", text("client-events.yaml"))
	if got := strangersQueues(queues); len(got) != 4 {
		t.Errorf("queues of strangers: %q, want two and their dead-letter queues", got)
	}
	const silent = "  # Silent: anybody can make it fire.\n  ClientEvents%sDeadLetters:"
	for name, c := range map[string][3]string{
		"age_alone":           {"NumberOfMessagesReceived", "NumberOfMessagesSent", "ClientEventsGuestLate: a stranger"},
		"guests_dead_letters": {strings.ReplaceAll(silent, "%s", "Guest"), "  ClientEventsGuestDeadLetters:", "ClientEventsGuestDeadLetters: a stranger"},
		"users_dead_letters":  {strings.ReplaceAll(silent, "%s", "User"), "  ClientEventsUserDeadLetters:", "ClientEventsUserDeadLetters: a stranger"},
	} {
		monitoring := text("monitoring.yaml")
		if !strings.Contains(monitoring, c[0]) {
			t.Fatalf("%s: monitoring.yaml lacks %q", name, c[0])
		}
		planted := repository.MustParse(t, "services/user-events/monitoring.yaml", strings.Replace(monitoring, c[0], c[1], 1))
		if got := strings.Join(strangers([]*template.Template{queues, planted}), "\n"); !strings.Contains(got, c[2]) {
			t.Errorf("%s: findings %q, want one with %q", name, got, c[2])
		}
	}
}
