package docs

import (
	"regexp"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

var deploysAgain = regexp.MustCompile(`(?i)\b(re-?deploy|deploy\b[^.:;,]{0,80}\bagain)\b`)

// redeployed returns the playbooks that deploy something again as a repair, and do not
// name the command that sets back what was changed by hand. CloudFormation compares
// templates only, so a deployment of an equal template changes nothing.
func redeployed(file, text string) []string {
	if !strings.HasPrefix(file, "docs/playbooks/") || strings.Contains(text, "gatehouse drift") {
		return nil
	}
	if said := deploysAgain.FindString(strings.Join(strings.Fields(text), " ")); said != "" {
		return []string{file + ": " + said + ": this repairs nothing that was changed by hand; use gatehouse drift --repair"}
	}
	return nil
}

func TestPlaybooksDoNotDeployAgain(t *testing.T) {
	t.Parallel()
	for _, file := range repository.Files(t, ".md") {
		repository.Report(t, redeployed(repository.Short(file), repository.Read(t, file)))
	}
}

func TestPlaybooksDoNotDeployAgainPlanted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"Deploy the stack again.": 1, "Deploy `user-events`\nagain.": 1, "Redeploy it.": 1, "Deploy it, and try again.": 0,
		"The next deployment moves it on again.": 0, "To deploy again would not help: gatehouse drift --repair": 0,
	} {
		if got := redeployed("docs/playbooks/a.md", text); len(got) != want {
			t.Errorf("%q: findings %q, want %d", text, got, want)
		}
	}
	if got := redeployed("docs/deploy-aws.md", "Deploy it again."); len(got) != 0 {
		t.Errorf("another page: findings %q", got)
	}
}
