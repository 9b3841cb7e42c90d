package templates

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// heartbeats are the metrics that scheduled functions write with each run that ends, by
// the folder of the function. Invocations would do as well, but they also count the calls
// of others, and runs that fail.
func heartbeats() map[string]string {
	return map[string]string{"encryptor": "LogGroupsUnencrypted", "findings": "FindingsRowsRead", "reconciler": "ReconcilerHours"}
}

// scheduled: a function that a schedule calls has an alarm that fires when nothing calls it
// any longer. Such a function causes no error, so no other alarm fires. written reports
// whether the code of a stack writes a metric.
func scheduled(written func(dir, metric string) bool) repository.Rule {
	return func(all []*template.Template) []string {
		var out []string
		for _, t := range all {
			if repository.OfAnotherTeam(t) {
				continue
			}
			for _, f := range t.Resources(repository.FunctionType) {
				if !onSchedule(f) {
					continue
				}
				dir, metric := repository.Dir(t), heartbeats()[filepath.Base(template.Text(f.Prop("CodeUri")))]
				switch {
				case !missed(dir, metric, f, all):
					out = append(out, f.String()+": a schedule calls it, and no alarm with TreatMissingData breaching watches Invocations, or a metric of heartbeats in rules/templates/scheduled_test.go")
				case metric != "" && !written(dir, metric):
					out = append(out, f.String()+": nothing writes its heartbeat "+metric)
				}
			}
			out = append(out, loose(t)...)
		}
		return out
	}
}

// onSchedule reports whether a schedule calls a function: an event of its own, or a rule or
// a schedule beside it.
func onSchedule(f template.Resource) bool {
	found := false
	template.Walk(f.Prop("Events"), func(n *yaml.Node) {
		found = found || slices.Contains([]string{"Schedule", "ScheduleV2"}, template.Text(template.Get(n, "Type")))
	})
	for _, s := range schedules(f.Template) {
		found = found || slices.ContainsFunc(targets(s), func(arn string) bool { return isCalled(arn, f.ID) })
	}
	return found
}

// schedules are the rules and schedules of a template that are functions' events in no
// template.
func schedules(t *template.Template) []template.Resource {
	return slices.DeleteFunc(append(t.Resources("AWS::Events::Rule"), t.Resources("AWS::Scheduler::Schedule")...), func(r template.Resource) bool {
		return r.Prop("ScheduleExpression") == nil
	})
}

func targets(schedule template.Resource) []string {
	var out []string
	for _, property := range []string{"Target", "Targets"} {
		template.Walk(schedule.Prop(property), func(n *yaml.Node) { out = append(out, template.Text(template.Get(n, "Arn"))) })
	}
	return out
}

func isCalled(arn, id string) bool {
	return slices.Contains([]string{"att:" + id + ".Arn", "ref:" + id + ".Alias", "ref:" + id}, arn)
}

// loose are the schedules of which nobody knows whom they call: no function, and no build
// whose success an alarm misses.
func loose(t *template.Template) []string {
	var out []string
	for _, s := range schedules(t) {
		calls := func(r template.Resource) bool {
			return slices.ContainsFunc(targets(s), func(arn string) bool { return isCalled(arn, r.ID) })
		}
		builds := slices.DeleteFunc(t.Resources("AWS::CodeBuild::Project"), func(r template.Resource) bool { return !successMissed(t, r) })
		if !slices.ContainsFunc(append(t.Resources(repository.FunctionType), builds...), calls) {
			out = append(out, s.String()+": a schedule that calls neither a function of its template nor a build that an alarm misses; nobody would notice that it is off")
		}
	}
	return out
}

// successMissed reports whether an alarm fires when a project has no successful build.
func successMissed(t *template.Template, project template.Resource) bool {
	return slices.ContainsFunc(t.Resources("AWS::CloudWatch::Alarm"), func(a template.Resource) bool {
		return template.Text(a.Prop("TreatMissingData")) == "breaching" && template.Text(a.Prop("Namespace")) == "AWS/CodeBuild" &&
			template.Text(a.Prop("MetricName")) == "SucceededBuilds" && slices.ContainsFunc(dimensions(a.Prop()), func(d *yaml.Node) bool {
			return template.Text(template.Get(d, "Value")) == "ref:"+project.ID
		})
	})
}

// missed reports whether an alarm of a stack fires when a function's metric is missing.
func missed(dir, metric string, f template.Resource, all []*template.Template) bool {
	for _, t := range all {
		if repository.Dir(t) != dir {
			continue
		}
		for _, a := range t.Resources("AWS::CloudWatch::Alarm") {
			if template.Text(a.Prop("TreatMissingData")) != "breaching" {
				continue
			}
			name := template.Text(a.Prop("MetricName"))
			switch template.Text(a.Prop("Namespace")) {
			case "Gatehouse":
				if metric != "" && name == metric {
					return true
				}
			case "AWS/Lambda":
				for _, d := range dimensions(a.Prop()) {
					of := template.Text(template.Get(d, "Value"))
					if name == "Invocations" && (of == "ref:"+f.ID || of == template.Text(f.Prop("FunctionName"))) {
						return true
					}
				}
			}
		}
	}
	return false
}

func TestScheduled(t *testing.T) {
	t.Parallel()
	code := map[string]string{}
	for _, file := range repository.Files(t, ".go") {
		if short := repository.Short(file); strings.HasPrefix(short, "services/") && !strings.HasSuffix(short, "_test.go") {
			dir := strings.Join(strings.Split(short, "/")[:2], "/")
			code[dir] += repository.Read(t, file)
		}
	}
	all := repository.Templates(t)
	repository.Report(t, scheduled(func(dir, metric string) bool { return strings.Contains(code[dir], `"`+metric+`"`) })(all))
	n := 0
	for _, one := range all {
		for _, f := range one.Resources(repository.FunctionType) {
			if onSchedule(f) {
				n++
			}
		}
	}
	if n != len(heartbeats()) {
		t.Errorf("%d functions have a schedule, %d a heartbeat", n, len(heartbeats()))
	}
}

func TestScheduledPlanted(t *testing.T) {
	t.Parallel()
	const function = `Resources:
  F: {Type: AWS::Serverless::Function, Properties: {FunctionName: f, CodeUri: cmd/findings, Events: {Rate: {Type: Schedule, Properties: {Schedule: rate(5 minutes)}}}}}
`
	const alarm = `  A: {Type: AWS::CloudWatch::Alarm, Properties: {Namespace: Gatehouse, MetricName: FindingsRowsRead, TreatMissingData: breaching}}
`
	const rule = `  R: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: rate(5 minutes), Targets: [{Arn: !GetAtt F.Arn}]}}
`
	const build = `Resources:
  P: {Type: AWS::CodeBuild::Project, Properties: {Name: p}}
  R: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: rate(1 hour), Targets: [{Arn: !GetAtt P.Arn}]}}
`
	const succeeds = `  A: {Type: AWS::CloudWatch::Alarm, Properties: {Namespace: AWS/CodeBuild, MetricName: SucceededBuilds, Dimensions: [{Name: ProjectName, Value: !Ref P}], TreatMissingData: breaching}}
`
	byRule := strings.Replace(function, "Events: {Rate: {Type: Schedule, Properties: {Schedule: rate(5 minutes)}}}", "Handler: x", 1) + rule
	for name, tc := range map[string]struct {
		text    string
		written bool
		want    string
	}{
		"has_one":          {function + alarm, true, ""},
		"invocations":      {function + strings.NewReplacer("Gatehouse", "AWS/Lambda", "FindingsRowsRead", "Invocations, Dimensions: [{Name: FunctionName, Value: f}]").Replace(alarm), true, ""},
		"invocations_of_g": {function + strings.NewReplacer("Gatehouse", "AWS/Lambda", "FindingsRowsRead", "Invocations, Dimensions: [{Name: FunctionName, Value: g}]").Replace(alarm), true, "no alarm"},
		"none":             {function, true, "no alarm"},
		"not_missing":      {function + strings.Replace(alarm, "breaching", "notBreaching", 1), true, "no alarm"},
		"other_metric":     {function + strings.Replace(alarm, "RowsRead", "Omitted", 1), true, "no alarm"},
		"not_written":      {function + alarm, false, "nothing writes its heartbeat FindingsRowsRead"},
		"other_function":   {strings.Replace(function, "cmd/findings", "cmd/other", 1) + alarm, true, "no alarm"},
		"scheduler":        {strings.Replace(function, "Type: Schedule,", "Type: ScheduleV2,", 1), true, "no alarm"},
		"by_a_rule":        {byRule, true, "no alarm"},
		"rule_with_alarm":  {byRule + alarm, true, ""},
		"rule_of_others":   {function + alarm + strings.Replace(rule, "!GetAtt F.Arn", "arn:aws:lambda:eu-central-1:111122223333:function:x", 1), true, "calls neither a function"},
		"build_with_alarm": {build + succeeds, true, ""},
		"build_alone":      {build, true, "nobody would notice"},
		"build_not_missed": {build + strings.Replace(succeeds, "breaching", "notBreaching", 1), true, "nobody would notice"},
		"not_scheduled":    {strings.Replace(function, "Schedule", "Api", 2), true, ""},
		"rule_on_events":   {byRule[:strings.Index(byRule, "  R:")] + strings.Replace(rule, "ScheduleExpression: rate(5 minutes)", "EventPattern: {source: [x]}", 1), true, ""},
	} {
		found := scheduled(func(string, string) bool { return tc.written })([]*template.Template{repository.MustParse(t, "services/good/template.yaml", tc.text)})
		if got := strings.Join(found, "\n"); (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: findings %q, want one with %q", name, got, tc.want)
		}
	}
}
