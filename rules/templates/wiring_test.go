package templates

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// wiring: everything is connected. A queue has a reader, a queue that accepts messages
// from SNS has a subscription, a nested template has a parent, and an alarm notifies
// someone. Nothing else would report a missing connection.
func wiring(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		out = append(out, queueReaders(t, all)...)
		out = append(out, subscribed(t)...)
		out = append(out, heard(t)...)
		if path.Base(t.Path) != "template.yaml" && len(t.Resources("AWS::CloudFormation::Stack")) == 0 && !nested(t, all) && strings.HasPrefix(t.Path, "services/") {
			out = append(out, t.Path+": not the TemplateURL of any AWS::CloudFormation::Stack")
		}
	}
	return out
}

func nested(t *template.Template, all []*template.Template) bool {
	for _, parent := range all {
		for _, s := range parent.Resources("AWS::CloudFormation::Stack") {
			if repository.Dir(parent) == repository.Dir(t) && template.Text(s.Prop("TemplateURL")) == path.Base(t.Path) {
				return true
			}
		}
	}
	return false
}

func queueReaders(t *template.Template, all []*template.Template) []string {
	var out []string
	dead := deadLetterTargets(t)
	for _, q := range t.Resources("AWS::SQS::Queue") {
		names := []string{"att:" + q.ID + ".Arn"}
		// A nested template outputs its queue to its parent.
		for key, output := range template.Pairs(template.Get(t.Root, "Outputs")) {
			if template.Text(template.Get(output, "Value")) == names[0] {
				names = append(names, ".Outputs."+key.Value)
			}
		}
		if !slices.Contains(dead, q.ID) && !reads(repository.Dir(q.Template), names, all) {
			out = append(out, q.String()+": it has no AWS::Lambda::EventSourceMapping")
		}
	}
	return out
}

// reads reports whether a stack reads a queue that has one of these names.
func reads(dir string, names []string, all []*template.Template) bool {
	for _, t := range all {
		for _, m := range t.Resources("AWS::Lambda::EventSourceMapping") {
			source := template.Text(m.Prop("EventSourceArn"))
			if repository.Dir(t) == dir && slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(source, name) }) {
				return true
			}
		}
	}
	return false
}

// subscribed starts from the queue policies, which remain when a subscription is removed.
func subscribed(t *template.Template) []string {
	var out []string
	dead := deadLetterTargets(t)
	for _, p := range t.Resources("AWS::SQS::QueuePolicy") {
		for _, s := range repository.Statements(p.Node) {
			if !slices.Contains(repository.Principals(s), "sns.amazonaws.com") {
				continue
			}
			for _, arn := range template.Texts(template.Get(s, "Resource")) {
				id := strings.TrimSuffix(strings.TrimPrefix(arn, "att:"), ".Arn")
				ends := func(s template.Resource) bool { return template.Text(s.Prop("Endpoint")) == arn }
				if !slices.Contains(dead, id) && !slices.ContainsFunc(t.Resources("AWS::SNS::Subscription"), ends) {
					out = append(out, fmt.Sprintf("%s: SNS may send to %s, which has no subscription", p, id))
				}
			}
		}
	}
	return out
}

// heard: on AWS an alarm notifies someone, directly or through a composite alarm, or a
// comment above it says why it does not.
func heard(t *template.Template) []string {
	var out []string
	var composed strings.Builder
	for _, c := range t.Resources("AWS::CloudWatch::CompositeAlarm") {
		composed.WriteString(template.Text(c.Prop("AlarmRule")))
		if len(template.Texts(c.Prop("AlarmActions"))) == 0 {
			out = append(out, c.String()+": no AlarmActions")
		}
	}
	for _, a := range t.Resources("AWS::CloudWatch::Alarm") {
		actions := template.Texts(a.Prop("AlarmActions"))
		// !If [OnAws, nothing, topic]: on AWS a composite alarm notifies instead.
		notifies := len(actions) > 0 && actions[0] != "ref:AWS::NoValue"
		if strings.Contains(t.CommentAbove(a.Key.Line), "# Silent:") {
			continue
		}
		if !notifies && !regexp.MustCompile(`\$\{`+a.ID+`\}`).MatchString(composed.String()) {
			out = append(out, a.String()+": no AlarmActions, and not part of a composite alarm")
		}
	}
	return out
}

// woken are Gatehouse's metrics that must have an alarm, and why.
func woken() map[string]string {
	return map[string]string{
		"EventsFellBack":       "the topic refuses events",
		"EventsUndelivered":    "events are in log lines only",
		"LogGroupsUnencrypted": "logs are not encrypted with the account's key",
	}
}

// ownMetrics: a metric filter or code writes every metric that an alarm watches, and
// every metric in woken has an alarm.
func ownMetrics(all []*template.Template, code string) []string {
	written, alarmed := map[string]bool{}, map[string]bool{}
	for _, t := range all {
		for _, f := range t.Resources("AWS::Logs::MetricFilter") {
			template.Walk(f.Node, func(n *yaml.Node) { written[template.Text(template.Get(n, "MetricName"))] = true })
		}
		for _, a := range t.Resources("AWS::CloudWatch::Alarm") {
			template.Walk(a.Node, func(n *yaml.Node) {
				if template.Text(template.Get(n, "Namespace")) == "Gatehouse" {
					alarmed[template.Text(template.Get(n, "MetricName"))] = true
				}
			})
		}
	}
	var out []string
	for name := range alarmed {
		if !written[name] && !strings.Contains(code, `"`+name+`"`) {
			out = append(out, "the metric "+name+" has an alarm, but nothing writes it")
		}
	}
	for name, why := range woken() {
		if !alarmed[name] {
			out = append(out, "no alarm on "+name+": "+why)
		}
	}
	slices.Sort(out)
	return out
}

// pages: each playbook belongs to an alarm. One without an alarm is out of date.
func pages(found []string, all []*template.Template) []string {
	var text strings.Builder
	for _, t := range all {
		text.WriteString(strings.Join(t.Lines, "\n"))
	}
	return slices.DeleteFunc(slices.Clone(found), func(page string) bool { return strings.Contains(text.String(), page) })
}

func TestWiring(t *testing.T) {
	t.Parallel()
	all := repository.Templates(t)
	repository.Report(t, wiring(all))
	var code strings.Builder
	for _, file := range repository.Files(t, ".go") {
		if !strings.HasPrefix(repository.Short(file), "rules/") && !strings.HasSuffix(file, "_test.go") {
			code.WriteString(repository.Read(t, file))
		}
	}
	repository.Report(t, ownMetrics(all, code.String()))
	var found []string
	for _, file := range repository.Files(t, ".md") {
		if strings.HasPrefix(repository.Short(file), "docs/playbooks/") && path.Base(file) != "README.md" {
			found = append(found, repository.Short(file))
		}
	}
	for _, page := range pages(found, all) {
		if !strings.Contains(code.String(), page) {
			t.Errorf("%s: neither an alarm nor a program names this playbook", page)
		}
	}
}

func TestWiringPlanted(t *testing.T) {
	t.Parallel()
	const source = "      EventSourceArn: !GetAtt Outbox.Arn\n"
	repository.Plant(t, wiring, map[string]repository.Planted{
		"no_reader":        {source, "      EventSourceArn: !GetAtt Dead.Arn\n", "it has no AWS::Lambda::EventSourceMapping"},
		"no_subscription":  {"      Endpoint: !GetAtt Outbox.Arn\n", "      Endpoint: !GetAtt Dead.Arn\n", "SNS may send to Outbox"},
		"silent_alarm":     {"      AlarmActions: [!Ref Topic]\n      AlarmDescription: Dead", "      AlarmDescription: Dead", "DeadAlarm: no AlarmActions"},
		"not_composed":     {"ALARM(${OldAlarm})", "ALARM(${DeadAlarm})", "OldAlarm: no AlarmActions, and not part of a composite"},
		"silent_composite": {"      AlarmActions: [!Ref Topic]\n      AlarmRule", "      AlarmRule", "Composite: no AlarmActions"},
	})
	silent := strings.Replace(repository.Good(t), "      AlarmActions: [!Ref Topic]\n      AlarmDescription: Dead", "      AlarmDescription: Dead", 1)
	silent = strings.Replace(silent, "  DeadAlarm:", "  # Silent: anyone can trigger it.\n  DeadAlarm:", 1)
	if got := wiring([]*template.Template{repository.MustParse(t, "services/good/template.yaml", silent)}); len(got) != 0 {
		t.Errorf("an alarm that is silent for a reason: findings %q", got)
	}
	lonely := repository.MustParse(t, "services/good/monitoring.yaml", "Resources: {T: {Type: AWS::SNS::Topic}}\n")
	if got := wiring([]*template.Template{repository.MustParse(t, "services/good/template.yaml", repository.Good(t)), lonely}); len(got) != 1 {
		t.Errorf("a template without a parent: findings %q", got)
	}
	parent := repository.MustParse(t, "services/good/template.yaml", "Resources: {M: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: monitoring.yaml}}}\n")
	if got := wiring([]*template.Template{parent, lonely}); len(got) != 0 {
		t.Errorf("a template with a parent: findings %q", got)
	}
	nest := repository.MustParse(t, "services/good/monitoring.yaml", "Resources: {Q: {Type: AWS::SQS::Queue}}\nOutputs: {Arn: {Value: !GetAtt Q.Arn}}\n")
	if got := wiring([]*template.Template{parent, nest}); len(got) != 1 || !strings.Contains(got[0], "Q: it has no AWS::Lambda::EventSourceMapping") {
		t.Errorf("a nested queue without a reader: findings %q", got)
	}
	reader := repository.MustParse(t, "services/good/template.yaml", `Resources:
  M: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: monitoring.yaml}}
  R: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt M.Outputs.Arn}}
`)
	if got := wiring([]*template.Template{reader, nest}); len(got) != 0 {
		t.Errorf("a nested queue with a reader: findings %q", got)
	}
	if got := pages([]string{"docs/playbooks/outbox-old.md", "docs/playbooks/no-such.md"}, []*template.Template{repository.MustParse(t, "a.yaml", repository.Good(t))}); !slices.Equal(got, []string{"docs/playbooks/no-such.md"}) {
		t.Errorf("pages = %q", got)
	}
}

func TestOwnMetricsPlanted(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("Resources:\n")
	for name := range woken() {
		fmt.Fprintf(&text, "  %s: {Type: AWS::CloudWatch::Alarm, Properties: {Namespace: Gatehouse, MetricName: %[1]s}}\n", name)
	}
	const filter = "  F: {Type: AWS::Logs::MetricFilter, Properties: {MetricTransformations: [{MetricName: EventsUndelivered}]}}\n"
	const code = `"EventsFellBack" "LogGroupsUnencrypted"`
	for name, tc := range map[string]struct {
		template, code string
		want           []string
	}{
		"all_there":   {text.String() + filter, code, nil},
		"no_filter":   {text.String(), code, []string{"the metric EventsUndelivered has an alarm, but nothing writes it"}},
		"not_written": {text.String() + filter, `"EventsFellBack"`, []string{"the metric LogGroupsUnencrypted has an alarm, but nothing writes it"}},
		"not_alarmed": {strings.Replace(text.String(), "MetricName: EventsFellBack", "MetricName: EventsUndelivered", 1) + filter, code, []string{"no alarm on EventsFellBack: the topic refuses events"}},
	} {
		if got := ownMetrics([]*template.Template{repository.MustParse(t, "a.yaml", tc.template)}, tc.code); !slices.Equal(got, tc.want) {
			t.Errorf("%s: findings %q, want %q", name, got, tc.want)
		}
	}
}
