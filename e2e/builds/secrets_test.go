package builds

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// leak is what gitleaks reports.
type leak struct{ RuleID, File, Commit, Secret string }

// gitleaks scans with a configuration, and returns what it finds.
func gitleaks(t *testing.T, config, kind, dir string) []leak {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.json")
	args := []string{kind, dir, "--no-banner", "--log-level=error", "--exit-code=0", "--config=" + config, "--report-format=json", "--report-path=" + report}
	if kind == "git" {
		args = append(args, "--log-opts=HEAD") // not the branches of others in the same clone
	}
	tool, err := filepath.Abs(filepath.Join(root, ".local", "scanners", "gitleaks"))
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, tool, args...)
	raw, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var found []leak
	if err := json.Unmarshal(raw, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestNoSecrets: neither the files nor their history contain a secret.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	repo, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(repo, "e2e", "scanners", "gitleaks.toml")
	tree := sources(t, "tree")
	for _, f := range append(gitleaks(t, config, "dir", tree), gitleaks(t, config, "git", repo)...) {
		t.Errorf("%s in %s (commit %q); if it is none, add it to e2e/scanners/gitleaks.toml", f.RuleID, strings.TrimPrefix(f.File, tree), f.Commit)
	}
	raw, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	entries := regexp.MustCompile(`'''(.*)'''`).FindAllStringSubmatch(string(raw), -1)
	if len(entries) == 0 {
		t.Error("no entry in gitleaks.toml; was its form changed?")
	}
	plain := filepath.Join(t.TempDir(), "plain.toml")
	if err := os.WriteFile(plain, []byte("[extend]\nuseDefault = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := append(gitleaks(t, plain, "dir", tree), gitleaks(t, plain, "git", repo)...)
	for _, entry := range entries {
		needed := false
		for _, f := range all {
			needed = needed || regexp.MustCompile(entry[1]).MatchString(f.Secret)
		}
		if !needed {
			t.Errorf("gitleaks.toml: nothing needs %s", entry[1])
		}
	}
}

// TestSecretsAreFound plants secrets: in a file, and in a commit that a later one
// reverts. They are joined here, so that this file has none.
func TestSecretsAreFound(t *testing.T) {
	t.Parallel()
	repo := t.TempDir()
	config, err := filepath.Abs(filepath.Join(root, "e2e", "scanners", "gitleaks.toml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(repo, "settings.txt")
	for _, planted := range [][2]string{
		{"aws-access-token", "aws_access_key_id = AKIA" + "QYLPMN5HFIQR7XYA"},
		{"github-pat", "token: ghp_" + "x7Kd93mQpZ0aB4cVr8LwT2yHn6sJf5gEu1Xo"},
		{"private-key", "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA3Tz2mr7SZiAMfQyuvBjM9Oi0Z5PLqEvFSEbNbyx0aJUKJd9E\n" +
			"uJmHkUqVZzXqk3m0Yy1h0D3n0u8m3y5c7nQ2b1JpR9T4s6W8x0A2C4E6G8I0K2M4\n-----END RSA " + "PRIVATE KEY-----"},
	} {
		if err := os.WriteFile(file, []byte(planted[1]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		found := gitleaks(t, config, "dir", repo)
		if len(found) != 1 || found[0].RuleID != planted[0] {
			t.Errorf("%s: found %v", planted[0], found)
		}
	}
	commit(t, repo)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	run(t, repo, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qam", "remove it")
	if found := gitleaks(t, config, "dir", repo); len(found) != 0 {
		t.Errorf("found %v in files that are gone", found)
	}
	if found := gitleaks(t, config, "git", repo); len(found) != 1 || found[0].RuleID != "private-key" {
		t.Errorf("found %v in the history", found)
	}
}

// TestVulnerabilitiesAreFound: govulncheck names a module that a database of the test
// calls vulnerable, and `make vulnerabilities` then fails.
func TestVulnerabilitiesAreFound(t *testing.T) {
	t.Parallel()
	db := t.TempDir()
	const entry = `{"schema_version":"1.3.1","id":"GO-2026-9999","modified":"2026-11-22T00:00:00Z","published":"2026-11-22T00:00:00Z","summary":"planted",
"database_specific":{"url":"https://pkg.go.dev/vuln/GO-2026-9999"},
"affected":[{"package":{"name":"github.com/google/uuid","ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
"ecosystem_specific":{"imports":[{"path":"github.com/google/uuid"}]}}]}`
	for file, text := range map[string]string{
		"index/db.json":        `{"modified":"2026-11-22T00:00:00Z"}`,
		"index/modules.json":   `[{"path":"github.com/google/uuid","vulns":[{"id":"GO-2026-9999","modified":"2026-11-22T00:00:00Z"}]}]`,
		"index/vulns.json":     `[{"id":"GO-2026-9999","modified":"2026-11-22T00:00:00Z"}]`,
		"ID/GO-2026-9999.json": entry,
	} {
		path := filepath.Join(db, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		database, proxy string
		fails           bool
		want            string
	}{
		"planted":       {"file://" + db, "", true, "Found in: github.com/google/uuid"},
		"not_reachable": {"https://vuln.go.dev", "http://127.0.0.1:1", false, "nothing was checked"},
	} {
		cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "vulnerabilities", "VULNERABILITIES="+tc.database, "SCANNED=./contracts/...")
		cmd.Dir, cmd.Env = root, append(os.Environ(), "HTTPS_PROXY="+tc.proxy)
		out, err := cmd.CombinedOutput()
		if (err != nil) != tc.fails || !strings.Contains(string(out), tc.want) {
			t.Errorf("%s: %v, want %s\n%s", name, err, tc.want, out)
		}
	}
}
