package templates

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// topicName is all that a stack of another team reads of Gatehouse.
const topicName = "/gatehouse/${Environment}/user-events/topic-arn"

// examples: a stack of another team works when it is copied out of this repository, and
// several times in an account. Its names begin with that of the stack, and its alarms
// notify a topic of its own: Gatehouse's takes alarms of Gatehouse's names only. The README
// next to it says what to do at each alarm.
func examples(readme func(dir string) string) repository.Rule {
	return func(all []*template.Template) []string {
		var out []string
		for _, t := range all {
			if !repository.OfAnotherTeam(t) {
				continue
			}
			for _, name := range t.SSMNames() {
				if name != topicName {
					out = append(out, t.Path+": reads "+name+", which another team need not know")
				}
			}
			for _, r := range t.Resources("") {
				for _, property := range []string{"AlarmName", "FunctionName", "LogGroupName", "QueueName", "RoleName", "TopicName"} {
					name := template.Text(r.Prop(property))
					refers := strings.HasPrefix(name, "ref:") && name != "ref:AWS::StackName"
					if name != "" && !refers && name != "ref:AWS::StackName" && !strings.HasPrefix(strings.TrimPrefix(name, "/"), "${AWS::StackName}") {
						out = append(out, r.String()+": "+property+" does not begin with the stack's name")
					}
				}
			}
			for _, a := range t.Resources("AWS::CloudWatch::Alarm") {
				if !slices.Equal(template.Texts(a.Prop("AlarmActions")), []string{"ref:AlarmTopic"}) {
					out = append(out, a.String()+": does not notify the stack's own topic")
				}
				name := strings.TrimPrefix(template.Text(a.Prop("AlarmName")), "${AWS::StackName}-")
				if !strings.Contains(template.Text(a.Prop("AlarmDescription")), "See README.md") || !strings.Contains(readme(repository.Dir(t)), "\n| `"+name+"` |") {
					out = append(out, a.String()+": README.md does not say what to do")
				}
			}
		}
		return out
	}
}

func TestExamples(t *testing.T) {
	t.Parallel()
	readme := func(dir string) string {
		return repository.Read(t, filepath.Join(repository.Root, filepath.FromSlash(dir), "README.md"))
	}
	all := repository.Templates(t)
	rule := examples(readme)
	repository.Report(t, rule(all))
	languages := 0
	for _, one := range all {
		if !repository.OfAnotherTeam(one) {
			continue
		}
		languages++
		text := strings.Join(one.Lines, "\n")
		for name, p := range map[string]repository.Planted{
			"another_name":    {topicName, "/gatehouse/${Environment}/log-encryptor/key-arn", "need not know"},
			"fixed_queue":     {"QueueName: !Ref AWS::StackName", "QueueName: my-queue", "QueueName does not begin"},
			"fixed_function":  {"FunctionName: !Sub ${AWS::StackName}-welcome", "FunctionName: !Sub gatehouse-${Environment}-welcome", "FunctionName does not begin"},
			"fixed_log_group": {"LogGroupName: !Sub /${AWS::StackName}/welcome", "LogGroupName: /welcome", "LogGroupName does not begin"},
			"others_topic":    {"AlarmActions: [!Ref AlarmTopic]", "AlarmActions: [!Ref Topic]", "own topic"},
			"no_advice":       {"See README.md", "Good luck", "does not say what to do"},
			"unknown_alarm":   {"AlarmName: !Sub ${AWS::StackName}-late", "AlarmName: !Sub ${AWS::StackName}-later", "does not say what to do"},
		} {
			planted := repository.MustParse(t, one.Path, strings.Replace(text, p[0], p[1], 1))
			if got := strings.Join(rule([]*template.Template{planted}), "\n"); !strings.Contains(text, p[0]) || !strings.Contains(got, p[2]) {
				t.Errorf("%s, %s: findings %q, want one with %q", path.Dir(one.Path), name, got, p[2])
			}
		}
	}
	if languages < 2 {
		t.Errorf("%d examples, want one in Go and one in Python", languages)
	}
}
