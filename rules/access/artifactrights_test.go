package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// rights are actions that AWS's own examples give to a role of pipelines. The emulator
// does not ask for them.
type rights struct {
	// by is the service that assumes the role, or empty for another role, and has an
	// action that tells what the role is for.
	by, has string
	needs   []string
	source  string
}

func documentedRights() []rights {
	return []rights{
		{"", "cloudformation:CreateChangeSet", []string{"cloudformation:ValidateTemplate", "s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:ListBucket"},
			"CodePipeline User Guide, pipelines-create-cross-account and how-to-custom-role"},
		{"codepipeline.amazonaws.com", "s3:GetObject", []string{"s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"}, "CodePipeline User Guide, how-to-custom-role"},
		{"codepipeline.amazonaws.com", "cloudformation:CreateChangeSet", []string{"cloudformation:ValidateTemplate"}, "CodePipeline User Guide, how-to-custom-role"},
		{"codebuild.amazonaws.com", "s3:PutObject", []string{"s3:GetBucketAcl", "s3:GetBucketLocation"}, "CodeBuild User Guide, setting-up-service-role"},
	}
}

// documented: a role that deploys from artifacts has what AWS's examples give it.
func documented(all []*template.Template) []string {
	var out []string
	for _, t := range ofPipelines(all) {
		for _, role := range t.Resources("AWS::IAM::Role") {
			by := ""
			for _, s := range repository.Statements(role.Prop("AssumeRolePolicyDocument")) {
				by += strings.Join(template.Texts(template.Get(s, "Principal", "Service")), "")
			}
			var given []string
			for _, s := range repository.Statements(role.Prop("Policies")) {
				given = append(given, template.Texts(template.Get(s, "Action"))...)
			}
			for _, r := range documentedRights() {
				for _, action := range r.needs {
					if by == r.by && slices.Contains(given, r.has) && !slices.Contains(given, action) {
						out = append(out, fmt.Sprintf("%s: %s is not allowed, which AWS's example for such a role has: %s", role, action, r.source))
					}
				}
			}
		}
	}
	return out
}

func TestDocumentedRights(t *testing.T) {
	t.Parallel()
	repository.Report(t, documented(repository.Templates(t)))
}

func TestDocumentedRightsPlanted(t *testing.T) {
	t.Parallel()
	mutate(t, documented, map[string]mutation{
		"template_unseen":  {"roles/deploy.yaml", "cloudformation:ValidateTemplate", "cloudformation:GetTemplate", "DeployRole: cloudformation:ValidateTemplate is not allowed"},
		"bucket_unseen":    {"roles/deploy.yaml", "[s3:GetBucketLocation, s3:GetBucketVersioning, s3:ListBucket]", "[s3:GetBucketLocation, s3:ListBucket]", "DeployRole: s3:GetBucketVersioning is not allowed"},
		"pipeline_unaware": {"pipeline.yaml", "s3:GetBucketAcl, s3:GetBucketLocation, s3:GetBucketVersioning", "s3:GetBucketAcl, s3:GetBucketVersioning", "PipelineRole: s3:GetBucketLocation is not allowed"},
		"check_unaware":    {"checks.yaml", "Action: [s3:GetBucketAcl, s3:GetBucketLocation]", "Action: [s3:GetBucketAcl]", "ArtifactRole: s3:GetBucketLocation is not allowed"},
		"build_unaware":    {"pipeline.yaml", "Action: [s3:GetBucketAcl, s3:GetBucketLocation]", "Action: [s3:GetBucketAcl]", "BuildRole: s3:GetBucketLocation is not allowed"},
	})
}
