package pipelines

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// buildImages are CodeBuild's images with Go 1.26, and the machine type of each
// (github.com/aws/aws-codebuild-docker-images, 2026-04).
func buildImages() map[string]string {
	return map[string]string{
		"aws/codebuild/amazonlinux-aarch64-standard:3.0": "ARM_CONTAINER",
		"aws/codebuild/amazonlinux-aarch64-standard:4.0": "ARM_CONTAINER",
		"aws/codebuild/amazonlinux-x86_64-standard:5.0":  "LINUX_CONTAINER",
		"aws/codebuild/amazonlinux-x86_64-standard:6.0":  "LINUX_CONTAINER",
		"aws/codebuild/standard:7.0":                     "LINUX_CONTAINER",
		"aws/codebuild/standard:8.0":                     "LINUX_CONTAINER",
	}
}

// projectFindings: a project's machine supports its image, and the project is its
// pipeline's. pipeline.Read refuses a cache.
func projectFindings(m pipelineModel) []string {
	var out []string
	for name, p := range m.Projects {
		say := func(format string, args ...any) { out = append(out, name+": "+fmt.Sprintf(format, args...)) }
		e := p.Environment
		machine, ok := buildImages()[e.Image]
		switch {
		case strings.Contains(e.Type, "LAMBDA") || strings.Contains(e.ComputeType, "LAMBDA"):
			say("Lambda compute has no Go 1.26 and 15 minutes")
		case !ok:
			say("the image %q is unknown, or does not contain Go 1.26", e.Image)
		case machine != e.Type:
			say("the image %s runs on %s, not on %s", e.Image, machine, e.Type)
		}
		if (e.Type == "ARM_CONTAINER") != (m.parameters["Architecture"] == "arm64") {
			say("the machine is %s, the architecture %s", e.Type, m.parameters["Architecture"])
		}
		if !regexp.MustCompile(`^BUILD_GENERAL1_(SMALL|MEDIUM|LARGE)$`).MatchString(e.ComputeType) {
			say("ComputeType %q", e.ComputeType)
		}
		if e.PrivilegedMode {
			say("PrivilegedMode is on, but only Docker needs it")
		}
		of, kind := m.service, strings.TrimPrefix(name, "gatehouse-"+m.service+"-")
		if check, ok := strings.CutPrefix(name, "gatehouse-checks-"); ok {
			of, kind = "checks", check
		}
		if want := "/gatehouse/tools/" + of + "/" + kind; p.LogsConfig.CloudWatchLogs.GroupName != want || p.LogsConfig.CloudWatchLogs.Status != "ENABLED" {
			say("logs to %q, want %q", p.LogsConfig.CloudWatchLogs.GroupName, want)
		}
		if !strings.HasSuffix(p.ServiceRole, "/gatehouse-tools-"+of+"-"+kind) {
			say("the role is %s, which belongs to another project", p.ServiceRole)
		}
		if p.Source.Type != "CODEPIPELINE" || p.Artifacts.Type != "CODEPIPELINE" || p.EncryptionKey == "" {
			say("its source, artifacts or key are not those of its pipeline")
		}
		for _, minutes := range []int{p.TimeoutInMinutes, p.QueuedTimeoutInMinutes} {
			if minutes < 5 || minutes > 480 {
				say("a time limit of %d minutes, want 5 to 480", minutes)
			}
		}
		if spec, err := m.projectSpec(p); err != nil {
			say("%v", err)
		} else if !slices.Contains([]string{"1.26"}, spec.Phases["install"].Runtimes["golang"]) {
			say("%s has Go %q, want 1.26", p.Source.BuildSpec, spec.Phases["install"].Runtimes["golang"])
		}
	}
	return append(out, commandFindings(m)...)
}

// connectionFindings: CodeBuild reads a repository with the project's role, and refuses to
// make a project whose role may not use the connection.
func connectionFindings(t *template.Template) []string {
	var out []string
	for _, p := range t.Resources("AWS::CodeBuild::Project") {
		auth := p.Prop("Source", "Auth")
		if template.Text(template.Get(auth, "Type")) != "CODECONNECTIONS" {
			continue
		}
		connection := template.Text(template.Get(auth, "Resource"))
		for _, action := range []string{"GetConnection", "GetConnectionToken", "UseConnection"} {
			if !slices.Contains(granted(p, "codeconnections:"+action), connection) {
				out = append(out, fmt.Sprintf("%s: its role lacks codeconnections:%s on %s", p, action, connection))
			}
		}
	}
	return out
}

// granted are the resources on which the policies in a project's role allow an action. A
// policy of its own would be made after the project.
func granted(p template.Resource, action string) []string {
	var out []string
	for _, role := range p.Resources("AWS::IAM::Role") {
		if template.Text(p.Prop("ServiceRole")) != "att:"+role.ID+".Arn" {
			continue
		}
		for _, s := range repository.Statements(role.Prop("Policies")) {
			if slices.Contains(template.Texts(template.Get(s, "Action")), action) {
				out = append(out, template.Texts(template.Get(s, "Resource"))...)
			}
		}
	}
	return out
}

// pipelineEvents are the events of pipelines that a notification rule can name.
func pipelineEvents() []string {
	var out []string
	for subject, states := range map[string]string{
		"action-execution": "succeeded failed canceled started", "stage-execution": "started succeeded resumed canceled failed",
		"pipeline-execution": "failed canceled started resumed succeeded superseded", "manual-approval": "failed needed succeeded",
	} {
		for _, state := range strings.Fields(states) {
			out = append(out, "codepipeline-pipeline-"+subject+"-"+state)
		}
	}
	return out
}

// notificationFindings: a notification is sent when a pipeline fails or waits for approval.
func notificationFindings(m pipelineModel) []string {
	var out []string
	all := m.template.Resources("AWS::CodeStarNotifications::NotificationRule")
	if len(all) != 1 {
		return []string{fmt.Sprintf("%d notification rules, want one", len(all))}
	}
	ids := template.Texts(all[0].Prop("EventTypeIds"))
	for _, id := range ids {
		if !slices.Contains(pipelineEvents(), id) {
			out = append(out, "unknown event "+id)
		}
	}
	for _, id := range []string{"manual-approval-failed", "manual-approval-needed", "pipeline-execution-canceled", "pipeline-execution-failed"} {
		if !slices.Contains(ids, "codepipeline-pipeline-"+id) {
			out = append(out, "no notification of "+id)
		}
	}
	if target := template.Text(template.Get(all[0].Prop("Targets").Content[0], "TargetAddress")); target != "{{resolve:ssm:/gatehouse/tools/pipeline/notification-topic-arn}}" {
		out = append(out, "notifies "+target)
	}
	if got, want := m.text(template.Text(all[0].Prop("Resource"))), "arn:aws:codepipeline:eu-central-1:"+toolsAccount+":"+m.Pipeline.Name; got != want {
		out = append(out, fmt.Sprintf("notifies of %s, want %s", got, want))
	}
	return out
}

// fixedNames are immutable properties: CloudFormation would have to replace the
// resource. Policies in other accounts and templates contain these names.
func fixedNames() map[string][]string {
	const boundary = "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/gatehouse/tools/gatehouse-tools-boundary"
	return map[string][]string{
		servicePipeline: {
			"Pipeline Name=gatehouse-${Service}",
			"BuildProject Name=gatehouse-${Service}-build",
			"BuildLogGroup LogGroupName=/gatehouse/tools/${Service}/build",
			"PipelineRole RoleName=gatehouse-tools-${Service}-pipeline Path=/gatehouse/tools/${Service}/ PermissionsBoundary=" + boundary,
			"BuildRole RoleName=gatehouse-tools-${Service}-build Path=/gatehouse/tools/${Service}/ PermissionsBoundary=" + boundary,
			"UnitReports Name=${BuildProject}-unit", "CoverageReports Name=${BuildProject}-coverage",
			"Notifications Name=gatehouse-${Service}-pipeline",
		},
		checksFile: {
			"UnapprovedProject Name=gatehouse-checks-unapproved", "ApprovedProject Name=gatehouse-checks-approved", "ArtifactProject Name=gatehouse-checks-artifact",
			"UnapprovedLogGroup LogGroupName=/gatehouse/tools/checks/unapproved", "ApprovedLogGroup LogGroupName=/gatehouse/tools/checks/approved", "ArtifactLogGroup LogGroupName=/gatehouse/tools/checks/artifact",
			"UnapprovedRole RoleName=gatehouse-tools-checks-unapproved Path=/gatehouse/tools/checks/ PermissionsBoundary=" + boundary,
			"ApprovedRole RoleName=gatehouse-tools-checks-approved Path=/gatehouse/tools/checks/ PermissionsBoundary=" + boundary,
			"ArtifactRole RoleName=gatehouse-tools-checks-artifact Path=/gatehouse/tools/checks/ PermissionsBoundary=" + boundary,
			"UnapprovedReports Name=${UnapprovedProject}-environment", "ApprovedReports Name=${ApprovedProject}-environment",
		},
		pipelinePipeline: {
			"PipelinesPipeline Name=gatehouse-pipelines",
			"PipelinesRole RoleName=gatehouse-tools-pipelines-pipeline Path=/gatehouse/tools/pipelines/ PermissionsBoundary=" + boundary,
			"CloudFormationRole RoleName=gatehouse-tools-pipelines-cloudformation Path=/gatehouse/tools/pipelines/",
			"PipelinesNotifications Name=gatehouse-pipelines-pipeline",
		},
	}
}

// namesOf compares the names in a template with fixedNames.
func namesOf(t *template.Template) []string {
	var got, out []string
	for _, r := range t.Resources("") {
		line := r.ID
		for _, property := range []string{"Name", "LogGroupName", "RoleName", "Path", "PermissionsBoundary"} {
			if r.Prop(property) != nil {
				line += " " + property + "=" + template.Text(r.Prop(property))
			}
		}
		got = append(got, line)
	}
	want := fixedNames()[t.Path]
	for _, line := range got {
		if !slices.Contains(want, line) {
			out = append(out, "not as others refer to it: "+line)
		}
	}
	if len(got) != len(want) {
		out = append(out, fmt.Sprintf("%s: %d resources, want %d", t.Path, len(got), len(want)))
	}
	return out
}

// fixedNameFindings: the names are those that other accounts and templates use.
func fixedNameFindings(m pipelineModel) []string {
	out := namesOf(m.template)
	if m.checks != nil {
		out = append(out, namesOf(m.checks)...)
	}
	if folder := m.parameters["ArtifactFolder"]; m.service != "" && folder != m.Pipeline.Name[:min(len(m.Pipeline.Name), 20)] {
		out = append(out, "ArtifactFolder is "+folder+", want the first twenty characters of "+m.Pipeline.Name)
	}
	if m.service == "" {
		return out
	}
	environment, err := m.sources.read("pipeline/environment.yaml")
	if err != nil {
		return append(out, err.Error())
	}
	given := regexp.MustCompile(`ArtifactFolder: ([a-z-]+),.* Service: ` + m.service + `,`).FindStringSubmatch(environment)
	if given == nil || given[1] != m.parameters["ArtifactFolder"] {
		out = append(out, "environment.yaml allows the deploy role to read another ArtifactFolder")
	}
	return out
}

func TestConnections(t *testing.T) {
	t.Parallel()
	check := func(all []*template.Template) []string { return connectionFindings(all[0]) }
	repository.PlantIn(t, canaryFile, check, map[string]repository.Planted{
		"not_used":         {", codeconnections:UseConnection]", "]", "lacks codeconnections:UseConnection"},
		"other_connection": {"Auth: {Type: CODECONNECTIONS, Resource: '{{resolve:ssm:/gatehouse/tools/pipeline/connection-arn}}'}", "Auth: {Type: CODECONNECTIONS, Resource: other}", "on other"},
	})
}

func TestPipelineProjectsPlanted(t *testing.T) {
	t.Parallel()
	plantPipelines(t, map[string]plantedPipeline{
		"unknown_image":        {"", "amazonlinux-aarch64-standard:4.0", "amazonlinux-aarch64-standard:5.0", "is unknown"},
		"x86_image_on_arm":     {"", "amazonlinux-aarch64-standard:4.0", "amazonlinux-x86_64-standard:6.0", "runs on LINUX_CONTAINER"},
		"arm_image_on_x86":     {"", "amazonlinux-x86_64-standard:6.0", "amazonlinux-aarch64-standard:4.0", "runs on ARM_CONTAINER"},
		"machines_swapped":     {"", "OnArm: !Equals [!Ref Architecture, arm64]", "OnArm: !Equals [!Ref Architecture, x86_64]", "the architecture"},
		"lambda":               {"", "Type: !If [OnArm, ARM_CONTAINER, LINUX_CONTAINER]", "Type: !If [OnArm, ARM_LAMBDA_CONTAINER, LINUX_LAMBDA_CONTAINER]", "Lambda compute has no Go"},
		"cached":               {"", "      # No cache: ", "      Cache: {Type: S3, Location: artifacts/cache, CacheNamespace: go}\n      # No cache: ", `unknown field "Cache"`},
		"privileged":           {"", "        ComputeType: BUILD_GENERAL1_MEDIUM", "        PrivilegedMode: true\n        ComputeType: BUILD_GENERAL1_MEDIUM", "PrivilegedMode"},
		"too_long":             {"", "TimeoutInMinutes: 30", "TimeoutInMinutes: 600", "want 5 to 480"},
		"anothers_role":        {checksFile, "ServiceRole: !GetAtt UnapprovedRole.Arn", "ServiceRole: !GetAtt ApprovedRole.Arn", "belongs to another project"},
		"anothers_log":         {checksFile, "GroupName: !Ref UnapprovedLogGroup", "GroupName: !Ref ApprovedLogGroup", "logs to"},
		"check_renamed":        {checksFile, "Name: gatehouse-checks-approved\n", "Name: gatehouse-checks-released\n", "not as others refer to it"},
		"older_go":             {"pipeline/buildspec.yml", "golang: '1.26'", "golang: '1.24'", "want 1.26"},
		"unknown_event":        {"", "codepipeline-pipeline-manual-approval-needed", "codepipeline-pipeline-manual-approval-wanted", "unknown event"},
		"not_notified":         {"", "codepipeline-pipeline-manual-approval-failed, ", "", "no notification of manual-approval-failed"},
		"notified_of_others":   {"", "${AWS::AccountId}:${Pipeline}", "${AWS::AccountId}:gatehouse-pipelines", "notifies of"},
		"renamed":              {"", "Name: !Sub gatehouse-${Service}\n", "Name: !Sub gatehouse-pipeline-${Service}\n", "not as others refer to it"},
		"renamed_role":         {"", "RoleName: !Sub gatehouse-tools-${Service}-build", "RoleName: !Sub gatehouse-${Service}-build", "not as others refer to it"},
		"no_boundary":          {"", "      PermissionsBoundary: !Sub arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/gatehouse/tools/gatehouse-tools-boundary\n", "", "not as others refer to it"},
		"other_path":           {"", "      Path: !Sub /gatehouse/tools/${Service}/\n", "", "not as others refer to it"},
		"folder_of_others":     {"pipeline/config/signup-guard.json", "gatehouse-signup-gua", "gatehouse-signin-aud", "ArtifactFolder is"},
		"folder_not_read":      {"pipeline/environment.yaml", "ArtifactFolder: gatehouse-signup-gua,", "ArtifactFolder: gatehouse-signup-guard,", "to read another ArtifactFolder"},
		"folder_too_long":      {"pipeline/config/signup-guard.json", "gatehouse-signup-gua", "gatehouse-signup-guard", "ArtifactFolder"},
		"unknown_name":         {"", "/gatehouse/tools/pipeline/connection-arn", "/gatehouse/tools/pipeline/connection", "does not write the SSM name"},
		"pipelines_renamed":    {pipelinePipeline, "Name: gatehouse-pipelines\n", "Name: gatehouse-all\n", "not as others refer to it"},
		"pipelines_no_ceiling": {pipelinePipeline, "      PermissionsBoundary: ", "      Description: ", "not as others refer to it"},
	})
}
