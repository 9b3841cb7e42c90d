package templates

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// maxAlarms is the number of alarms that CodeDeploy watches for one deployment group.
const maxAlarms = 10

// preferences: a pipeline can shift calls gradually to a new version of every function,
// watched by metric alarms of this function. CodeDeploy's documentation does not
// mention composite alarms, and CloudWatch lists them only on request.
func preferences(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		if !strings.HasPrefix(t.Path, "services/") {
			continue
		}
		for _, f := range t.Resources(repository.FunctionType) {
			for name, want := range map[string]string{"Enabled": "ref:GradualDeployment", "Role": "ref:DeploymentRoleArn", "Type": "ref:DeploymentType"} {
				if got := template.Text(setting(f, "DeploymentPreference", name)); got != want {
					out = append(out, fmt.Sprintf("%s: DeploymentPreference %s is %q, want %q", f, name, got, want))
				}
			}
			out = append(out, watchers(f, all)...)
		}
	}
	return out
}

// watchers returns what is wrong with the alarms in a function's preference.
func watchers(f template.Resource, all []*template.Template) []string {
	var out []string
	var named []string
	for _, name := range template.Texts(setting(f, "DeploymentPreference", "Alarms")) {
		if name != "ref:AWS::NoValue" {
			named = append(named, name)
		}
	}
	seen := map[string]bool{}
	for _, name := range named {
		metrics := metricsAlarmed(f, name, all)
		if len(metrics) == 0 {
			out = append(out, fmt.Sprintf("%s: %s in DeploymentPreference is not a metric alarm of this function", f, name))
		}
		for _, m := range metrics {
			seen[m] = true
		}
	}
	for _, metric := range []string{"Errors", "Throttles"} {
		if !seen[metric] {
			out = append(out, fmt.Sprintf("%s: no alarm on %s in DeploymentPreference", f, metric))
		}
	}
	if isTrigger(f) && !seen["Duration"] {
		out = append(out, f.String()+": no alarm on Duration in DeploymentPreference, but a person waits for this function")
	}
	if len(named) > maxAlarms {
		out = append(out, fmt.Sprintf("%s: %d alarms, more than CodeDeploy's %d", f, len(named), maxAlarms))
	}
	return out
}

// metricsAlarmed returns the function's metrics that an alarm watches. The alarm is
// given by its name or a !Ref.
func metricsAlarmed(f template.Resource, name string, all []*template.Template) []string {
	var out []string
	for _, t := range all {
		if repository.Dir(t) != repository.Dir(f.Template) {
			continue
		}
		for _, a := range t.Resources("AWS::CloudWatch::Alarm") {
			if name != template.Text(a.Prop("AlarmName")) && (name != "ref:"+a.ID || t.Path != f.Path) {
				continue
			}
			template.Walk(a.Node, func(n *yaml.Node) {
				for _, d := range dimensions(n) {
					if v := template.Text(template.Get(d, "Value")); v == "ref:"+f.ID || v == template.Text(f.Prop("FunctionName")) {
						out = append(out, template.Text(template.Get(n, "MetricName")))
					}
				}
			})
		}
	}
	return out
}

// gradual: in translated templates with gradual deployments, CodeDeploy moves each
// alias with the given role, watches alarms, and rolls back automatically.
func gradual(all []*template.Template) []string {
	out := noRoleOfSAM(all)
	for _, t := range all {
		groups := map[string]template.Resource{}
		for _, g := range t.Resources("AWS::CodeDeploy::DeploymentGroup") {
			groups["ref:"+g.ID] = g
			if template.Text(g.Prop("ServiceRoleArn")) != "ref:DeploymentRoleArn" {
				out = append(out, g.String()+": ServiceRoleArn is not DeploymentRoleArn")
			}
			if template.Text(g.Prop("AlarmConfiguration", "Enabled")) != "true" || len(g.Prop("AlarmConfiguration", "Alarms").Content) == 0 {
				out = append(out, g.String()+": no alarms")
			}
			events := template.Texts(g.Prop("AutoRollbackConfiguration", "Events"))
			for _, event := range []string{"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"} {
				if template.Text(g.Prop("AutoRollbackConfiguration", "Enabled")) != "true" || !slices.Contains(events, event) {
					out = append(out, g.String()+": no rollback on "+event)
				}
			}
		}
		for _, a := range t.Resources("AWS::Lambda::Alias") {
			update := template.Get(a.Node, "UpdatePolicy", "CodeDeployLambdaAliasUpdate")
			if _, ok := groups[template.Text(template.Get(update, "DeploymentGroupName"))]; !ok {
				out = append(out, a.String()+": no deployment group for it")
			}
			if template.Get(t.Root, "Resources", strings.TrimPrefix(template.Text(template.Get(update, "ApplicationName")), "ref:")) == nil {
				out = append(out, a.String()+": no CodeDeploy application")
			}
		}
	}
	return out
}

// atOnce: translated templates without gradual deployments have no CodeDeploy
// resources, which the emulator refuses. SAM treats some forms of 'false' as 'true'.
func atOnce(all []*template.Template) []string {
	out := noRoleOfSAM(all)
	for _, t := range all {
		for _, r := range t.Resources("") {
			if strings.HasPrefix(r.Type, "AWS::CodeDeploy::") {
				out = append(out, r.String()+": "+r.Type+" though GradualDeployment is 'false'")
			}
		}
	}
	return out
}

// noRoleOfSAM: the role that SAM generates for CodeDeploy has no boundary.
func noRoleOfSAM(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("AWS::IAM::Role") {
			for _, s := range repository.Statements(r.Prop("AssumeRolePolicyDocument")) {
				if slices.Contains(repository.Principals(s), "codedeploy.amazonaws.com") {
					out = append(out, r.String()+": SAM generates a role for CodeDeploy; set Role in DeploymentPreference")
				}
			}
		}
	}
	return out
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	repository.Report(t, preferences(repository.Templates(t)))
}

func TestPreferencesPlanted(t *testing.T) {
	t.Parallel()
	const alarms = `Alarms: [!Ref PreSignUpErrors, !Sub "gatehouse-${Environment}-good-presignup-throttles", !Ref PreSignUpSlow]`
	repository.Plant(t, preferences, map[string]repository.Planted{
		"always":        {"Enabled: !Ref GradualDeployment", "Enabled: true", "DeploymentPreference Enabled is"},
		"by_if":         {"Enabled: !Ref GradualDeployment", "Enabled: !If [OnAws, true, false]", "DeploymentPreference Enabled is"},
		"no_role":       {", Role: !Ref DeploymentRoleArn", "", "DeploymentPreference Role is"},
		"fixed_type":    {"Type: !Ref DeploymentType", "Type: AllAtOnce", "DeploymentPreference Type is"},
		"blind":         {"      DeploymentPreference: {" + alarms + "}\n", "", "no alarm on Errors in DeploymentPreference"},
		"no_throttles":  {`!Sub "gatehouse-${Environment}-good-presignup-throttles", `, "", "no alarm on Throttles in DeploymentPreference"},
		"slow_unseen":   {", !Ref PreSignUpSlow]", "]", "no alarm on Duration"},
		"others_alarm":  {"Alarms: [!Ref PreSignUpErrors", "Alarms: [!Ref DeadAlarm", "ref:DeadAlarm in DeploymentPreference is not a metric alarm"},
		"composite":     {"Alarms: [!Ref PreSignUpErrors", "Alarms: [!Ref Composite", "ref:Composite in DeploymentPreference is not a metric alarm"},
		"unknown":       {"presignup-throttles\", !Ref PreSignUpSlow", "throttles\", !Ref PreSignUpSlow", "is not a metric alarm"},
		"too_many":      {alarms, "Alarms: [" + strings.Repeat("!Ref PreSignUpErrors, ", 11) + "]", "11 alarms, more than"},
		"condition_off": {alarms, "Alarms: [!If [OnAws, !Ref Composite, !Ref AWS::NoValue]]", "ref:Composite in DeploymentPreference"},
	})
}

// TestCfnLintGradual lints the templates with CodeDeploy. Without this, cfn-lint
// translates them with the parameters' defaults, and never sees that form. One error
// is planted in the same run.
func TestCfnLintGradual(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(path, text string) string {
		file := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatalf("os.MkdirAll: %v", err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatalf("os.WriteFile: %v", err)
		}
		return file
	}
	asking := false
	var args []string
	passes := map[string]repository.Passed{}
	for _, one := range repository.Templates(t) {
		text, asked := asksForGradual(strings.Join(one.Lines, "\n"))
		file := put(one.Path, text) // the nested templates must be in the same folder
		asking = asking || asked
		pass := repository.Unchanged(t, "cfn-lint-gradual", gradualFlags(), repository.LintPins(), "gradual_test.go", filepath.Join(repository.Root, one.Path))
		if asked && !pass.Known {
			args = append(args, file)
			passes[file] = pass
		}
	}
	if !asking {
		t.Fatal("no template with gradual deployments")
	}
	if len(args) == 0 {
		t.Log("no template changed since cfn-lint last passed")
		return
	}
	bad, ok := asksForGradual(strings.Replace(repository.Read(t, filepath.Join(repository.Root, "services", "log-encryptor", "template.yaml")),
		"Role: !Ref DeploymentRoleArn", "Role: !GetAtt Nobody.Arn", 1))
	if !ok {
		t.Fatal("log-encryptor has no gradual deployments")
	}
	planted := put("planted.yaml", bad)
	guilty := map[string]bool{}
	for _, f := range lint(t, gradualFlags(), append(args, planted)...) {
		guilty[f.Filename] = true
		if f.Filename != planted {
			t.Error(f)
		}
	}
	if !guilty[planted] {
		t.Error("cfn-lint does not check the deployment group")
	}
	for file, pass := range passes {
		if guilty[planted] && !guilty[file] {
			pass.Remember(t, nil)
		}
	}
}

// gradualFlags omits the informational checks, which TestCfnLint covers.
func gradualFlags() []string { return []string{"--region", "us-east-1", "--"} }

// asksForGradual changes a template's defaults to gradual deployments.
func asksForGradual(text string) (changed string, ok bool) {
	changed = text
	for name, value := range map[string]string{"DeploymentRoleArn": "arn:aws:iam::111122223333:role/x", "GradualDeployment": "'true'"} {
		changed = regexp.MustCompile(`(?m)^(  `+name+`:\n(?:    .*\n)*?    Default: ).*$`).ReplaceAllString(changed, "${1}"+value)
	}
	return changed, changed != text
}
