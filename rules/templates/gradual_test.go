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
)

// maxAlarms is how many alarms CodeDeploy watches for one deployment group.
const maxAlarms = 10

// preferences: a pipeline can move calls to a new version of every function step by
// step, watched by plain alarms of that very function. CodeDeploy's documentation
// promises nothing of composite alarms, and CloudWatch lists them only on request.
func preferences(all []*repository.Template) []string {
	var out []string
	for _, t := range all {
		if !strings.HasPrefix(t.Path, "services/") {
			continue
		}
		for _, f := range t.Resources(repository.FunctionType) {
			for name, want := range map[string]string{"Enabled": "ref:GradualDeployment", "Role": "ref:DeploymentRoleArn", "Type": "ref:DeploymentType"} {
				if got := repository.Text(setting(f, "DeploymentPreference", name)); got != want {
					out = append(out, fmt.Sprintf("%s: DeploymentPreference %s is %q, want %q", f, name, got, want))
				}
			}
			out = append(out, watchers(f, all)...)
		}
	}
	return out
}

// watchers are what is wrong with the alarms of a function's preference.
func watchers(f repository.Resource, all []*repository.Template) []string {
	var out []string
	var named []string
	for _, name := range repository.Texts(setting(f, "DeploymentPreference", "Alarms")) {
		if name != "ref:AWS::NoValue" {
			named = append(named, name)
		}
	}
	seen := map[string]bool{}
	for _, name := range named {
		metrics := metricsAlarmed(f, name, all)
		if len(metrics) == 0 {
			out = append(out, fmt.Sprintf("%s: %s in DeploymentPreference is no plain alarm on a metric of this function", f, name))
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
		out = append(out, f.String()+": no alarm on Duration in DeploymentPreference, and a person waits for it")
	}
	if len(named) > maxAlarms {
		out = append(out, fmt.Sprintf("%s: %d alarms, and CodeDeploy takes %d", f, len(named), maxAlarms))
	}
	return out
}

// metricsAlarmed are the function's metrics that the plain alarm of a name, or of
// a !Ref, looks at.
func metricsAlarmed(f repository.Resource, name string, all []*repository.Template) []string {
	var out []string
	for _, t := range all {
		if t.Dir() != f.Dir() {
			continue
		}
		for _, a := range t.Resources("AWS::CloudWatch::Alarm") {
			if name != repository.Text(a.Prop("AlarmName")) && (name != "ref:"+a.ID || t.Path != f.Path) {
				continue
			}
			repository.Walk(a.Node, func(n *yaml.Node) {
				for _, d := range dimensions(n) {
					if v := repository.Text(repository.Get(d, "Value")); v == "ref:"+f.ID || v == repository.Text(f.Prop("FunctionName")) {
						out = append(out, repository.Text(repository.Get(n, "MetricName")))
					}
				}
			})
		}
	}
	return out
}

// gradual looks at translated templates that ask for gradual deployments: each
// alias is moved by CodeDeploy, as our role, watched, and moved back by itself.
func gradual(all []*repository.Template) []string {
	out := noRoleOfSAM(all)
	for _, t := range all {
		groups := map[string]repository.Resource{}
		for _, g := range t.Resources("AWS::CodeDeploy::DeploymentGroup") {
			groups["ref:"+g.ID] = g
			if repository.Text(g.Prop("ServiceRoleArn")) != "ref:DeploymentRoleArn" {
				out = append(out, g.String()+": ServiceRoleArn is not DeploymentRoleArn")
			}
			if repository.Text(g.Prop("AlarmConfiguration", "Enabled")) != "true" || len(g.Prop("AlarmConfiguration", "Alarms").Content) == 0 {
				out = append(out, g.String()+": no alarms")
			}
			events := repository.Texts(g.Prop("AutoRollbackConfiguration", "Events"))
			for _, event := range []string{"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"} {
				if repository.Text(g.Prop("AutoRollbackConfiguration", "Enabled")) != "true" || !slices.Contains(events, event) {
					out = append(out, g.String()+": no rollback on "+event)
				}
			}
		}
		for _, a := range t.Resources("AWS::Lambda::Alias") {
			update := repository.Get(a.Node, "UpdatePolicy", "CodeDeployLambdaAliasUpdate")
			if _, ok := groups[repository.Text(repository.Get(update, "DeploymentGroupName"))]; !ok {
				out = append(out, a.String()+": no deployment group moves it")
			}
			if repository.Get(t.Root, "Resources", strings.TrimPrefix(repository.Text(repository.Get(update, "ApplicationName")), "ref:")) == nil {
				out = append(out, a.String()+": no CodeDeploy application")
			}
		}
	}
	return out
}

// atOnce looks at translated templates that ask for none: an emulator refuses every
// resource of CodeDeploy, and SAM takes some ways of saying 'false' as 'true'.
func atOnce(all []*repository.Template) []string {
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

// noRoleOfSAM: SAM's own role for CodeDeploy has no boundary.
func noRoleOfSAM(all []*repository.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("AWS::IAM::Role") {
			for _, s := range repository.Statements(r.Prop("AssumeRolePolicyDocument")) {
				if slices.Contains(repository.Principals(s), "codedeploy.amazonaws.com") {
					out = append(out, r.String()+": SAM makes a role for CodeDeploy; give the DeploymentPreference a Role")
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
		"others_alarm":  {"Alarms: [!Ref PreSignUpErrors", "Alarms: [!Ref DeadAlarm", "ref:DeadAlarm in DeploymentPreference is no plain alarm"},
		"composite":     {"Alarms: [!Ref PreSignUpErrors", "Alarms: [!Ref Composite", "ref:Composite in DeploymentPreference is no plain alarm"},
		"unknown":       {"presignup-throttles\", !Ref PreSignUpSlow", "throttles\", !Ref PreSignUpSlow", "is no plain alarm"},
		"too_many":      {alarms, "Alarms: [" + strings.Repeat("!Ref PreSignUpErrors, ", 11) + "]", "11 alarms, and CodeDeploy takes 10"},
		"condition_off": {alarms, "Alarms: [!If [OnAws, !Ref Composite, !Ref AWS::NoValue]]", "ref:Composite in DeploymentPreference"},
	})
}

// TestCfnLintGradual shows cfn-lint the form with CodeDeploy in it: by itself it
// translates a template with the parameters' defaults, and never sees that form.
// One error is planted in the same run.
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
	for _, template := range repository.Templates(t) {
		text, asked := asksForGradual(strings.Join(template.Lines, "\n"))
		file := put(template.Path, text) // nested ones have to lie beside
		asking = asking || asked
		pass := repository.Unchanged(t, "cfn-lint-gradual", gradualFlags(), repository.LintPins(), "gradual_test.go", filepath.Join(repository.Root, template.Path))
		if asked && !pass.Known {
			args = append(args, file)
			passes[file] = pass
		}
	}
	if !asking {
		t.Fatal("no template can be deployed gradually")
	}
	if len(args) == 0 {
		t.Log("no template changed since cfn-lint last passed")
		return
	}
	bad, ok := asksForGradual(strings.Replace(repository.Read(t, filepath.Join(repository.Root, "services", "log-encryptor", "template.yaml")),
		"Role: !Ref DeploymentRoleArn", "Role: !GetAtt Nobody.Arn", 1))
	if !ok {
		t.Fatal("log-encryptor cannot be deployed gradually")
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
		t.Error("cfn-lint does not see the deployment group")
	}
	for file, pass := range passes {
		if guilty[planted] && !guilty[file] {
			pass.Remember(t, nil)
		}
	}
}

// gradualFlags leave out what only informs: the form as it stands is held to that.
func gradualFlags() []string { return []string{"--region", "us-east-1", "--"} }

// asksForGradual gives a template defaults that ask for gradual deployments.
func asksForGradual(text string) (changed string, ok bool) {
	changed = text
	for name, value := range map[string]string{"DeploymentRoleArn": "arn:aws:iam::111122223333:role/x", "GradualDeployment": "'true'"} {
		changed = regexp.MustCompile(`(?m)^(  `+name+`:\n(?:    .*\n)*?    Default: ).*$`).ReplaceAllString(changed, "${1}"+value)
	}
	return changed, changed != text
}
