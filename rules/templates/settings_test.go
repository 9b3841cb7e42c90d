package templates

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// settings: every function has the standard names, the permissions boundary, and the
// CPU setting with which it was measured. Another team chooses its own.
func settings(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		if repository.OfAnotherTeam(t) {
			continue
		}
		for _, f := range t.Resources(repository.FunctionType) {
			say := func(format string, args ...any) { out = append(out, f.String()+": "+fmt.Sprintf(format, args...)) }
			name := path.Base(template.Text(f.Prop("CodeUri")))
			if stack := path.Base(repository.Dir(t)); strings.HasPrefix(repository.Dir(t), "services/") {
				if got, want := template.Text(f.Prop("FunctionName")), "gatehouse-${Environment}-"+stack+"-"+name; got != want {
					say("FunctionName is %q, want %q", got, want)
				}
				group := template.Get(t.Root, "Resources", strings.TrimPrefix(template.Text(setting(f, "LoggingConfig", "LogGroup")), "ref:"))
				if got, want := template.Text(template.Get(group, "Properties", "LogGroupName")), "/gatehouse/${Environment}/"+stack+"/"+name; got != want {
					say("LogGroupName is %q, want %q", got, want)
				}
			}
			for _, s := range [][2]string{{"Handler", "bootstrap"}, {"AutoPublishAliasAllProperties", "true"}, {"Architectures", "ref:Architecture"}} {
				if got := strings.Join(template.Texts(setting(f, s[0])), " "); got != s[1] {
					say("%s is %q, want %q", s[0], got, s[1])
				}
			}
			if f.Prop("Role") == nil && !strings.Contains(repository.Flat(f.Node)+globals(t), "PermissionsBoundary=!If[HasBoundary ref:PermissionsBoundaryArn") {
				say("no PermissionsBoundary: the pipeline may not create a role without one")
			}
			for _, variable := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
				if strings.Contains(repository.Flat(f.Node)+globals(t), variable) {
					say("sets %s: a function without that file trusts nobody, and a trigger reads all roots again", variable)
				}
			}
			// Less garbage collection for a few megabytes: it saves a fifth of a consumer's CPU
			// time, which `make load` measures with this value.
			if readsQueue(f) && strings.HasPrefix(repository.Dir(t), "services/") && !strings.Contains(repository.Flat(f.Node), "GOGC=400") {
				say("Environment has no GOGC=400, as a consumer's")
			}
			for _, variable := range []string{"GATEHOUSE_ENVIRONMENT=ref:Environment", "GOMAXPROCS=1"} {
				if !strings.Contains(repository.Flat(f.Node)+globals(t), variable) {
					say("Environment has no %s", variable)
				}
			}
		}
	}
	return out
}

// readsQueue reports whether Lambda calls a function with the messages of a queue.
func readsQueue(f template.Resource) bool {
	return slices.ContainsFunc(f.Resources("AWS::Lambda::EventSourceMapping"), func(m template.Resource) bool {
		return template.Text(m.Prop("FunctionName")) == "ref:"+f.ID+".Alias"
	})
}

func globals(t *template.Template) string {
	if g := template.Get(t.Root, "Globals"); g != nil {
		return repository.Flat(g)
	}
	return ""
}

func TestSettings(t *testing.T) {
	t.Parallel()
	repository.Report(t, settings(repository.Templates(t)))
}

func TestSettingsPlanted(t *testing.T) {
	t.Parallel()
	repository.Plant(t, settings, map[string]repository.Planted{
		"function_name": {"FunctionName: !Sub gatehouse-${Environment}-good-presignup", "FunctionName: !Sub gatehouse-${Environment}-presignup", "FunctionName is"},
		"no_name":       {"      FunctionName: !Sub gatehouse-${Environment}-good-presignup\n", "", "FunctionName is"},
		"log_group":     {"/gatehouse/${Environment}/good/presignup", "/gatehouse/${Environment}/presignup", "LogGroupName is"},
		"handler":       {"    Handler: bootstrap\n", "", "Handler is"},
		"alias":         {"    AutoPublishAliasAllProperties: true\n", "", "AutoPublishAliasAllProperties is"},
		"architecture":  {"    Architectures: [!Ref Architecture]\n", "", "Architectures is"},
		"boundary":      {"    PermissionsBoundary: !If [HasBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]\n", "", "PermissionsBoundary"},
		"environment":   {"GATEHOUSE_ENVIRONMENT: !Ref Environment, ", "", "GATEHOUSE_ENVIRONMENT"},
		"roots":         {`GOMAXPROCS: "1"`, `GOMAXPROCS: "1", SSL_CERT_DIR: /none`, "sets SSL_CERT_DIR"},
		"collects_much": {`GOGC: "400", `, "", "no GOGC=400"},
		"one_cpu":       {`, GOMAXPROCS: "1"`, "", "GOMAXPROCS"},
	})
}
