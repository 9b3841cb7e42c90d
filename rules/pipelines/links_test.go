package pipelines

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/template"
)

// commitPages returns the page of a commit on each host that a connection can have, with the
// host's name in CodeConnections. The forms are those that the hosts' own APIs answer: html
// in https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commits/, html_url in
// https://docs.github.com/rest/commits/commits, commit.web_url in GitLab's page
// user/project/changelogs.
func commitPages() map[string]string {
	return map[string]string{
		"Bitbucket": "https://bitbucket.org/example/gatehouse/commits/#{Src.CommitId}",
		"GitHub":    "https://github.com/example/gatehouse/commit/#{Src.CommitId}",
		"GitLab":    "https://gitlab.com/example/gatehouse/-/commit/#{Src.CommitId}",
	}
}

// linkFindings: an approval links to the commit on the host that bootstrap.yaml connects.
func linkFindings(src pipelineFiles) []string {
	text, err := src.read("pipeline/bootstrap.yaml")
	if err != nil {
		return []string{err.Error()}
	}
	bootstrap, err := template.Parse("pipeline/bootstrap.yaml", []byte(text))
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	hosts := template.Texts(template.Get(bootstrap.Root, "Parameters", "SourceProvider", "AllowedValues"))
	if want := slices.Sorted(maps.Keys(commitPages())); !slices.Equal(hosts, want) {
		out = append(out, fmt.Sprintf("bootstrap.yaml connects %v, want %v, whose pages of commits are known", hosts, want))
	}
	for host, page := range commitPages() {
		for file, service := range map[string]string{servicePipeline: "signup-guard", pipelinePipeline: ""} {
			m, err := readPipeline(src, file, service, "multi", "SourceProvider", host)
			if err != nil {
				out = append(out, err.Error())
				continue
			}
			for _, s := range m.Pipeline.Stages {
				for _, a := range s.Actions {
					if got := a.Configuration["ExternalEntityLink"]; a.ActionTypeID.String() == pipeline.Approval && got != page {
						out = append(out, fmt.Sprintf("%s: the approval of a commit on %s links to %s, want %s", file, host, got, page))
					}
				}
			}
			if passed := "${SourceProvider}"; service == "" && strings.Count(m.parametersText(), passed) != 9 {
				out = append(out, file+": does not give each pipeline "+passed)
			}
		}
	}
	return out
}

// parametersText returns the parameters that the pipelines' pipeline gives to the others.
func (m pipelineModel) parametersText() string {
	text, err := m.sources.read(m.template.Path)
	if err != nil {
		return ""
	}
	var out []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, "ParameterOverrides:") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

func TestApprovalLinks(t *testing.T) {
	t.Parallel()
	repository.Report(t, linkFindings(nil))
}

func TestApprovalLinksPlanted(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]plantedPipeline{
		"always_github":     {servicePipeline, "https://${Host}/", "https://github.com/", "on GitLab links to https://github.com"},
		"another_page":      {pipelinePipeline, "Commit: -/commit", "Commit: commit", "on GitLab links to https://gitlab.com/example/gatehouse/commit"},
		"host_not_known":    {pipelinePipeline, "GitLab: {", "Gitlab: {", "GitLab"},
		"not_passed_on":     {pipelinePipeline, `,"SourceProvider":"${SourceProvider}"`, "", "does not give each pipeline"},
		"connected_as_well": {"pipeline/bootstrap.yaml", "[Bitbucket, GitHub, GitLab]", "[Bitbucket, GitHub, GitHubEnterpriseServer, GitLab]", "whose pages of commits are known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := repository.Read(t, filepath.Join(repository.Root, p.file))
			if !strings.Contains(text, p.old) {
				t.Fatalf("the text to replace is missing in %s: %s", p.file, p.old)
			}
			got := strings.Join(linkFindings(pipelineFiles{p.file: strings.Replace(text, p.old, p.new, 1)}), "\n")
			if !strings.Contains(got, p.want) {
				t.Errorf("findings %q, want one with %q", got, p.want)
			}
		})
	}
}
