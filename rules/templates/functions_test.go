package templates

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

func isTrigger(f template.Resource) bool {
	return slices.Contains(repository.CognitoTriggers, path.Base(template.Text(f.Prop("CodeUri"))))
}

// setting returns a property of a function, or its value in Globals.
func setting(f template.Resource, name ...string) *yaml.Node {
	if v := f.Prop(name...); v != nil {
		return v
	}
	return template.Get(f.Root, append([]string{"Globals", "Function"}, name...)...)
}

// ownTime is what a trigger gets for everything but publishing. PreSignUp's rules take
// milliseconds; at 128 MB a first call takes longer.
const ownTime = time.Second

// python is the runtime of the examples that are not built.
const python = "python3.13"

func timeout(f template.Resource) int {
	seconds, err := strconv.Atoi(template.Text(setting(f, "Timeout")))
	if err != nil {
		return 3 // Lambda's default
	}
	return seconds
}

// functions: every function has logs, tracing, an alias for rollbacks, and a comment
// about the impact of its failure.
func functions(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, f := range t.Resources(repository.FunctionType) {
			say := func(format string, args ...any) { out = append(out, f.String()+": "+fmt.Sprintf(format, args...)) }
			if !strings.Contains(t.CommentAbove(f.Key.Line), "# Failure impact:") {
				say("no '# Failure impact:' comment directly above")
			}
			runtime := "provided.al2023"
			if repository.OfAnotherTeam(t) && template.Text(template.Get(f.Node, "Metadata", "SkipBuild")) == "true" {
				runtime = python
			} else if template.Text(template.Get(f.Node, "Metadata", "BuildMethod")) != "go1.x" {
				say("Metadata BuildMethod is not go1.x")
			}
			for name, want := range map[string]string{"AutoPublishAlias": "live", "Tracing": "Active", "Runtime": runtime} {
				if got := template.Text(setting(f, name)); got != want {
					say("%s is %q, want %q", name, got, want)
				}
			}
			if setting(f, "VpcConfig") != nil {
				say("VpcConfig slows it down and needs a route to AWS")
			}
			if isTrigger(f) && timeout(f) >= 5 {
				say("Timeout %d is not below the 5 s of Cognito", timeout(f))
			}
			if need := publish.Budget + publish.Reserve + ownTime; isTrigger(f) && time.Duration(timeout(f))*time.Second < need {
				say("Timeout %d is below the %v that a trigger may take for its events and for its own work", timeout(f), need)
			}
			if isTrigger(f) {
				out = append(out, reserved(f)...)
			}
			out = append(out, logGroup(f)...)
			out = append(out, permission(f)...)
			out = append(out, functionAlarms(f, all)...)
		}
	}
	return out
}

// reserved: an operator can keep executions for each trigger, and does not by default.
// Zero would refuse everybody.
func reserved(f template.Resource) []string {
	var out []string
	if got := template.Texts(f.Prop("ReservedConcurrentExecutions")); !slices.Equal(got, []string{"ref:ReservedConcurrency", "ref:AWS::NoValue"}) {
		out = append(out, f.String()+": ReservedConcurrentExecutions is not !If [HasReservedConcurrency, !Ref ReservedConcurrency, !Ref AWS::NoValue]")
	}
	for _, p := range f.Parameters() {
		if p.Name != "ReservedConcurrency" {
			continue
		}
		allowed, err := regexp.Compile(template.Text(template.Get(f.Root, "Parameters", p.Name, "AllowedPattern")))
		if err != nil || !allowed.MatchString("") || !allowed.MatchString("300") || allowed.MatchString("0") || allowed.MatchString("-1") {
			out = append(out, f.Path+": ReservedConcurrency allows other values than none and a number above zero")
		}
		if p.Default == nil || *p.Default != "" {
			out = append(out, f.Path+": ReservedConcurrency is not empty by default")
		}
	}
	return out
}

func logGroup(f template.Resource) []string {
	if template.Text(setting(f, "LoggingConfig", "LogFormat")) != "JSON" {
		return []string{f.String() + ": LoggingConfig LogFormat is not JSON"}
	}
	want := template.Text(setting(f, "LoggingConfig", "LogGroup"))
	for _, g := range f.Resources("AWS::Logs::LogGroup") {
		if want == "ref:"+g.ID {
			return nil
		}
	}
	return []string{f.String() + ": LoggingConfig does not name a log group for this function"}
}

// permission: Cognito may call the alias of a trigger, from pools of this account only.
func permission(f template.Resource) []string {
	if !isTrigger(f) {
		return nil
	}
	for _, p := range f.Resources("AWS::Lambda::Permission") {
		if template.Text(p.Prop("FunctionName")) != "ref:"+f.ID+".Alias" || template.Text(p.Prop("Principal")) != "cognito-idp.amazonaws.com" {
			continue
		}
		if template.Text(p.Prop("SourceAccount")) != "ref:AWS::AccountId" || !strings.Contains(template.Text(p.Prop("SourceArn")), "${AWS::AccountId}:userpool/") {
			return []string{p.String() + ": SourceAccount or SourceArn does not restrict it to this account's pools"}
		}
		return nil
	}
	return []string{f.String() + ": no permission for Cognito on its alias live"}
}

// metricsOf returns the alarms of a stack by "metric dimension value".
func metricsOf(dir string, all []*template.Template) map[string]bool {
	out := map[string]bool{}
	for _, t := range all {
		if repository.Dir(t) != dir {
			continue
		}
		for _, a := range t.Resources("AWS::CloudWatch::Alarm") {
			template.Walk(a.Node, func(n *yaml.Node) {
				for _, d := range dimensions(n) {
					out[template.Text(template.Get(n, "MetricName"))+" "+template.Text(template.Get(d, "Value"))] = true
				}
			})
		}
	}
	return out
}

func dimensions(n *yaml.Node) []*yaml.Node {
	if d := template.Get(n, "Dimensions"); d != nil {
		return d.Content
	}
	return nil
}

func functionAlarms(f template.Resource, all []*template.Template) []string {
	var out []string
	alarms := metricsOf(repository.Dir(f.Template), all)
	for _, metric := range []string{"Errors", "Throttles"} {
		if !alarms[metric+" ref:"+f.ID] && !alarms[metric+" "+template.Text(f.Prop("FunctionName"))] {
			out = append(out, fmt.Sprintf("%s: no alarm on %s", f, metric))
		}
	}
	return out
}

// alarms: every alarm names a playbook that says what to do. Another team has none of ours.
func alarms(exists func(string) bool) repository.Rule {
	playbook := regexp.MustCompile(`docs/playbooks/[a-z0-9-]+\.md`)
	return func(all []*template.Template) []string {
		var out []string
		for _, t := range all {
			if repository.OfAnotherTeam(t) {
				continue
			}
			for _, a := range append(t.Resources("AWS::CloudWatch::Alarm"), t.Resources("AWS::CloudWatch::CompositeAlarm")...) {
				page := playbook.FindString(template.Text(a.Prop("AlarmDescription")))
				if page == "" {
					out = append(out, a.String()+": AlarmDescription names no docs/playbooks/<page>.md")
				} else if !exists(page) {
					out = append(out, a.String()+": the playbook "+page+" does not exist")
				}
			}
		}
		return out
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	repository.Report(t, functions(repository.Templates(t)))
}

func TestAlarmsHavePlaybooks(t *testing.T) {
	t.Parallel()
	repository.Report(t, alarms(repository.Exists)(repository.Templates(t)))
}

func TestFunctionsPlanted(t *testing.T) {
	t.Parallel()
	repository.Plant(t, functions, map[string]repository.Planted{
		"no_failure_impact": {"  # Failure impact: nobody can sign up.", "  # Nothing.", "Failure impact"},
		"comment_elsewhere": {"  # Really nobody.\n", "  # Really nobody.\n\n", "Failure impact"},
		"makefile_build":    {"go1.x", "makefile", "BuildMethod"},
		"no_alias":          {"AutoPublishAlias: live", "MemorySize: 128", "AutoPublishAlias"},
		"no_tracing":        {"Tracing: Active", "Tracing: PassThrough", "Tracing"},
		"in_a_vpc":          {"CodeUri: cmd/presignup", "CodeUri: cmd/presignup\n      VpcConfig: {}", "VpcConfig"},
		"short_trigger":     {"Timeout: 4", "Timeout: 3", "may take for its events"},
		"slow_trigger":      {"Timeout: 4", "Timeout: 5", "not below the 5 s"},
		"global_timeout":    {"      Timeout: 4\n", "", "not below the 5 s"},
		"not_reservable":    {"      ReservedConcurrentExecutions: !If [HasReservedConcurrency, !Ref ReservedConcurrency, !Ref AWS::NoValue]\n", "", "ReservedConcurrentExecutions is not"},
		"always_reserved":   {"!If [HasReservedConcurrency, !Ref ReservedConcurrency, !Ref AWS::NoValue]", "!Ref ReservedConcurrency", "ReservedConcurrentExecutions is not"},
		"reserves_nothing":  {"^$|^[1-9][0-9]{0,4}$", "^$|^[0-9]{1,5}$", "allows other values"},
		"reserves_always":   {"^$|^[1-9][0-9]{0,4}$', Default: ''", "^$|^[1-9][0-9]{0,4}$', Default: '5'", "not empty by default"},
		"text_logs":         {"LogFormat: JSON", "LogFormat: Text", "LogFormat"},
		"no_log_group":      {"LogGroup: !Ref PreSignUpLogs", "LogGroup: /other", "does not name a log group"},
		"no_permission":     {"Principal: cognito-idp.amazonaws.com", "Principal: s3.amazonaws.com", "no permission for Cognito"},
		"not_on_the_alias":  {"FunctionName: !Ref PreSignUpFunction.Alias", "FunctionName: !Ref PreSignUpFunction", "no permission for Cognito"},
		"any_account":       {"      SourceAccount: !Ref AWS::AccountId\n", "", "SourceAccount or SourceArn"},
		"any_source":        {"${AWS::AccountId}:userpool/*", "*:userpool/*", "SourceAccount or SourceArn"},
		"no_errors_alarm":   {"MetricName: Errors", "MetricName: Duration", "no alarm on Errors"},
		"others_throttles":  {"-good-presignup\"}]", "-bad-presignup\"}]", "no alarm on Throttles"},
	})
}

func TestAlarmsPlanted(t *testing.T) {
	t.Parallel()
	written := func(page string) bool { return !strings.Contains(page, "no-such-page") }
	repository.Plant(t, alarms(written), map[string]repository.Planted{
		"no_playbook":      {"Errors - docs/playbooks/function-errors.md", "Errors", "names no docs/playbooks"},
		"missing_playbook": {"docs/playbooks/dead-letters.md", "docs/playbooks/no-such-page.md", "no-such-page.md does not exist"},
	})
}
