package pipelines

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/policy"
)

// reachFindings: what runs before an approval can assume no role of production, directly
// or through other roles and projects, and cannot write what a later stage reads. In mode
// single nothing can. It looks at sts:AssumeRole and codebuild:StartBuild, whose caller
// chooses the commands. Which roles may be passed on is the subject of rules/access.
func reachFindings(m pipelineModel) []string {
	all, err := m.roles()
	if err != nil {
		return []string{err.Error()}
	}
	denied, err := m.bucketDenials()
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	approved := false
	for _, s := range m.Pipeline.Stages {
		for _, a := range s.Actions {
			approved = approved || a.ActionTypeID.String() == pipeline.Approval
			for _, from := range m.runAs(a) {
				reached := m.reach(from, all)
				for _, arn := range slices.Sorted(maps.Keys(reached)) {
					if !approved && strings.Contains(arn, ":role/gatehouse/production/") {
						out = append(out, fmt.Sprintf("%s/%s: a commit that nobody approved reaches %s through %s", s.Name, a.Name, arn, reached[arn]))
					}
				}
				if want := m.roleOf("production", "canary"); s.Name == "Production" && a.ActionTypeID.String() == pipeline.Test && reached[want] == "" {
					out = append(out, fmt.Sprintf("%s/%s: cannot assume %s", s.Name, a.Name, want))
				}
				if !approved {
					out = append(out, m.written(s.Name+"/"+a.Name, from, all, denied)...)
				}
			}
		}
	}
	return append(out, subscriptionFindings(all)...)
}

// runAs returns the roles with which an action runs what is in the repository: its code in
// a build, its template in a deployment.
func (m pipelineModel) runAs(a pipeline.Action) []string {
	switch a.ActionTypeID.String() {
	case pipeline.Build, pipeline.Test:
		return []string{m.Projects[a.Configuration["ProjectName"]].ServiceRole}
	case pipeline.CloudFormation:
		return slices.DeleteFunc([]string{a.RoleArn, a.Configuration["RoleArn"]}, func(arn string) bool { return arn == "" })
	}
	return nil
}

// reach returns the roles that a role can become, itself included, and through which
// roles. A role counts if either its trust or the other one's policy suffices.
func (m pipelineModel) reach(from string, all []role) map[string]string {
	reached := map[string]string{from: from}
	for todo := []string{from}; len(todo) > 0; todo = todo[1:] {
		for _, r := range all {
			if r.arn != todo[0] {
				continue
			}
			var next []string
			for _, other := range all {
				if r.mayAssume(other) || other.trusts(r) {
					next = append(next, other.arn)
				}
			}
			for name, serviceRole := range m.startable() {
				project := "arn:aws:codebuild:eu-central-1:" + toolsAccount + ":project/" + name
				if (policy.Request{Action: "codebuild:StartBuild", Resource: project}).Allowed(r.policies...) {
					next = append(next, serviceRole)
				}
			}
			for _, arn := range next {
				if reached[arn] == "" {
					reached[arn] = reached[r.arn] + " > " + arn
					todo = append(todo, arn)
				}
			}
		}
	}
	return reached
}

// startable returns the role of each project that a role could start: those of the
// pipeline, and the canaries of canary.yaml, which a schedule starts.
func (m pipelineModel) startable() map[string]string {
	out := map[string]string{}
	for name, p := range m.Projects {
		out[name] = p.ServiceRole
	}
	for environment := range environmentAccounts() {
		out["gatehouse-canary-"+environment] = "arn:aws:iam::" + toolsAccount + ":role/gatehouse/tools/canary/gatehouse-tools-canary-" + environment
	}
	return out
}

// written: no role before the approval can write an artifact that a later stage trusts,
// and none at all can replace or delete code. The artifact Built is not trusted: the stage
// Checksums compares it.
func (m pipelineModel) written(where, from string, all []role, denied policy.Document) []string {
	folder := "arn:aws:s3:::artifacts/" + m.parameters["ArtifactFolder"] + "/"
	code := "arn:aws:s3:::artifacts/code/" + m.service + "/0123"
	once := map[string]string{"s3:objectcreationoperation": "true", "s3:if-none-match": "*"}
	forbidden := []policy.Request{
		{Action: "s3:PutObject", Resource: folder + "SourceZip/0123456", Keys: once},
		{Action: "s3:PutObject", Resource: folder + "Approved/0123456", Keys: once},
		{Action: "s3:PutObject", Resource: code, Keys: map[string]string{"s3:objectcreationoperation": "true"}},
		{Action: "s3:DeleteObject", Resource: code},
		{Action: "s3:DeleteObjectVersion", Resource: code},
	}
	var out []string
	for _, r := range all {
		if r.arn != from {
			continue
		}
		for _, request := range forbidden {
			if request.Allowed(append(slices.Clone(r.policies), denied)...) {
				out = append(out, fmt.Sprintf("%s: a commit that nobody approved may call %s on %s", where, request.Action, request.Resource))
			}
		}
	}
	everything := policy.Document{Statement: []policy.Statement{{Effect: "Allow", Action: policy.Strings{"*"}, Resource: policy.Strings{"*"}}}}
	for _, request := range forbidden[2:] {
		if request.Allowed(everything, denied) {
			out = append(out, fmt.Sprintf("pipeline/bootstrap.yaml: the bucket's policy does not deny %s on code", request.Action))
		}
	}
	return out
}

// subscriptionFindings: the canary's role can subscribe its own queue to the topic of its
// environment, and nothing else.
func subscriptionFindings(all []role) []string {
	var out []string
	for _, r := range all {
		environment, ok := strings.CutSuffix(r.arn[strings.LastIndex(r.arn, "/")+1:], "-canary")
		if !ok {
			continue
		}
		in := "eu-central-1:" + account(r.arn) + ":" + environment
		for endpoint, want := range map[string]bool{
			"sqs arn:aws:sqs:" + in + "-canary-0123":                                    true,
			"sqs arn:aws:sqs:" + in + "-signin-audit":                                   false,
			"sqs arn:aws:sqs:eu-central-1:999999999999:" + environment + "-canary-0123": false,
			"https https://example.org/" + in + "-canary-0123":                          false,
			"lambda arn:aws:sqs:" + in + "-canary-0123":                                 false,
		} {
			protocol, to, _ := strings.Cut(endpoint, " ")
			request := policy.Request{Action: "sns:Subscribe", Resource: "arn:aws:sns:" + in + "-user-events", Keys: map[string]string{"sns:protocol": protocol, "sns:endpoint": to}}
			if got := request.Allowed(r.policies...); got != want {
				out = append(out, fmt.Sprintf("%s: whether it can subscribe %s to the topic is %v, want %v", r.arn, endpoint, got, want))
			}
		}
	}
	if len(out) == 0 && !slices.ContainsFunc(all, func(r role) bool { return strings.HasSuffix(r.arn, "/gatehouse-production-canary") }) {
		out = append(out, "there is no canary's role in production")
	}
	return out
}

func TestPipelineReachPlanted(t *testing.T) {
	t.Parallel()
	const (
		environment = "pipeline/environment.yaml"
		bootstrap   = "pipeline/bootstrap.yaml"
		integration = "ProjectName: gatehouse-checks-unapproved\n                    EnvironmentVariables: !Sub '[{\"name\":\"SERVICE\",\"value\":\"${Service}\"},{\"name\":\"ENVIRONMENT\",\"value\":\"test\"}"
		logs        = "              - {Effect: Allow, Action: [logs:CreateLogStream, logs:PutLogEvents], Resource: !GetAtt BuildLogGroup.Arn}\n"
		more        = "              - {Effect: Allow, Action: %s, Resource: !Sub '%s'}\n"
		unapproved  = "reaches arn:aws:iam::444444444444:role/gatehouse/production/pipeline/gatehouse-production-canary"
	)
	planted := func(action, resource string) string { return logs + fmt.Sprintf(more, action, resource) }
	for name, p := range map[string]plantedPipeline{
		"project_swapped":      {"", integration, strings.Replace(integration, "unapproved", "approved", 1), "Integration/Integration: a commit that nobody approved " + unapproved},
		"canary_swapped":       {"", "ProjectName: gatehouse-checks-approved", "ProjectName: gatehouse-checks-unapproved", "Production/Canary: cannot assume"},
		"roles_of_any_account": {checksFile, "iam::${TestAccount}:role/gatehouse/test/pipeline/gatehouse-test-canary", "iam::*:role/gatehouse/*/pipeline/gatehouse-*-canary", unapproved},
		"trust_widened":        {environment, "role/gatehouse/tools/checks/gatehouse-tools-checks-${Commits}", "role/gatehouse/tools/checks/gatehouse-tools-checks-*${Commits}", unapproved},
		"trust_of_builds":      {environment, "role/gatehouse/tools/checks/gatehouse-tools-checks-${Commits}", "role/gatehouse/tools/*", "Build/Build: a commit that nobody approved " + unapproved},
		"trust_swapped":        {environment, "{Commits: !If [IsProduction, approved, unapproved]}", "{Commits: !If [IsProduction, unapproved, approved]}", unapproved},
		"starts_the_canary":    {"", logs, planted("codebuild:StartBuild", "arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project/gatehouse-checks-*"), "gatehouse-tools-signup-guard-build > arn:aws:iam::111111111111:role/gatehouse/tools/checks/gatehouse-tools-checks-approved > "},
		"starts_the_scheduled": {"", logs, planted("codebuild:StartBuild", "arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project/gatehouse-canary-*"), "gatehouse-tools-signup-guard-build > arn:aws:iam::111111111111:role/gatehouse/tools/canary/gatehouse-tools-canary-production > "},
		"deploys_itself":       {"", logs, planted("sts:AssumeRole", "arn:${AWS::Partition}:iam::${ProductionAccount}:role/gatehouse/production/pipeline/*-deploy"), "Build/Build: a commit that nobody approved reaches arn:aws:iam::444444444444:role/gatehouse/production/pipeline/gatehouse-production-signup-guard-deploy"},
		"deploy_trusts_builds": {"pipeline/roles/deploy.yaml", "gatehouse-tools-${Service}-pipeline\n", "gatehouse-tools-${Service}-*\n", "Build/Build: a commit that nobody approved reaches arn:aws:iam::444444444444:role/gatehouse/production/pipeline/gatehouse-production-signup-guard-deploy"},
		"writes_what_is_next":  {"", "${ArtifactFolder}/Built/*'", "${ArtifactFolder}/*'", "may call s3:PutObject on arn:aws:s3:::artifacts/gatehouse-signup-gua/Approved/"},
		"tests_write":          {checksFile, "                Action: [s3:GetObject, s3:GetObjectVersion]\n", "                Action: [s3:GetObject, s3:GetObjectVersion, s3:PutObject]\n", "may call s3:PutObject on arn:aws:s3:::artifacts/gatehouse-signup-gua/SourceZip/"},
		"code_overwritten":     {bootstrap, `{s3:if-none-match: "true"}`, `{s3:if-none-match: "false"}`, "does not deny s3:PutObject on code"},
		"code_of_one_service":  {bootstrap, "${ArtifactBucket.Arn}/code/*", "${ArtifactBucket.Arn}/code/api/*", "does not deny s3:PutObject on code"},
		"code_deleted":         {bootstrap, "[s3:DeleteObject, s3:DeleteObjectVersion]", "s3:DeleteObject", "does not deny s3:DeleteObjectVersion on code"},
		"any_protocol":         {environment, "                  StringEquals: {sns:Protocol: sqs}\n", "", "can subscribe lambda"},
		"any_endpoint":         {environment, "                  StringLike: {sns:Endpoint: ", "                  # {", "can subscribe sqs arn:aws:sqs:eu-central-1:444444444444:gatehouse-production-signin-audit"},
		"never_subscribes":     {environment, "gatehouse-${Environment}-canary-*\"}", "gatehouse-canary-*\"}", "is false, want true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := cmp.Or(p.file, servicePipeline)
			text := repository.Read(t, filepath.Join(repository.Root, file))
			if !strings.Contains(text, p.old) {
				t.Fatalf("the text to replace is missing in %s: %s", file, p.old)
			}
			m, err := readPipeline(pipelineFiles{file: strings.ReplaceAll(text, p.old, p.new)}, servicePipeline, "signup-guard", "multi")
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(reachFindings(m), "\n"); !strings.Contains(got, p.want) {
				t.Errorf("findings %q, want one with %q", got, p.want)
			}
		})
	}
}

func TestPipelineReach(t *testing.T) {
	t.Parallel()
	services, err := pipelineServices()
	if err != nil {
		t.Fatal(err)
	}
	all, findings := readPipelines(nil, services)
	for _, m := range all {
		findings = append(findings, reachFindings(m)...)
	}
	repository.Report(t, findings)
}
