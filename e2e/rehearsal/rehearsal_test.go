package rehearsal

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// port is the proxy's.
const port = 5066

// page is the transcript, below the repository's root.
const page = "docs/rehearsal.md"

// steps are the commands, as a reader types them, with the text above each.
var steps = []struct{ title, text, command string }{
	{"Check", "Nothing is changed.", "check"},
	{"Deploy", "The account is empty. The pages and the API have names of their own, so that two certificates are made.", "deploy --yes"},
	{"Deploy again", "Nothing has changed, which CloudFormation confirms for each stack.", "deploy --yes"},
	{"Destroy", "What holds data is retained.", "destroy --yes dev"},
	{"Deploy after that", "The retained resources are not used again.", "deploy --yes"},
}

// TestRehearsal runs the commands on an emulator without stacks and compares their
// output with the page. `UPDATE=1` writes the page.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	a := begin(t)
	var text strings.Builder
	text.WriteString(header)
	for _, step := range steps {
		fmt.Fprintf(&text, "\n## %s\n\n%s\n\n```console\n$ %s\n%s```\n", step.title, step.text, shown(step.command), stable(a.gatehouse(t, step.command)))
	}
	path := filepath.Join(a.root, filepath.FromSlash(page))
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("%s differs (-want +got); if the change is meant, run this test with UPDATE=1:\n%s", page, diff)
	}
}

const header = `# A rehearsal of a deployment

This is what the commands of [deploy-aws.md](deploy-aws.md) print when they deploy ` + "`dev`" + ` from a bare account, on the
emulator and not on AWS. A test runs them and compares this page: ` + "`UPDATE=1 go test ./e2e/rehearsal`" + ` writes it again.
Times, ids and the repository's path are replaced. Before it, the test starts an empty local system
(` + "`gatehouse local up --empty`" + `), makes the zone ` + "`rehearsal.test`" + `, and puts ` + "`DomainName`" + ` and ` + "`HostedZoneId`" + ` into the
` + "`dev`" + ` blocks of ` + "`platform`" + ` and ` + "`api`" + `.
`

// shown is the command that a reader types.
func shown(command string) string {
	name, rest, _ := strings.Cut(command, " ")
	yes := map[string]string{"": "", "--yes": " YES=1", "--yes dev": " YES=dev"}[rest]
	return "make " + name + "-aws ENVIRONMENT=dev EMULATOR=1" + yes
}

// account is an emulator without stacks, and a copy of the repository to deploy from.
type account struct{ root, copy, dir string }

func begin(t *testing.T) *account {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	a := &account{root: root, copy: filepath.Join(t.TempDir(), "gatehouse"), dir: filepath.Join(root, ".local", "test-rehearsal")}
	a.local(t, "down")
	if err := os.RemoveAll(a.dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"contracts", "lambdakit", "platform", "services"} {
		if err := os.CopyFS(filepath.Join(a.copy, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.work", "pipeline/stack-policy.json", "tools/requirements.txt"} {
		a.write(t, name, a.read(t, filepath.Join(root, name)))
	}
	a.local(t, "up", "--empty")
	t.Cleanup(func() { a.local(t, "down") })
	a.names(t)
	return a
}

// names makes the zone and gives the pages and the API a name in it.
func (a *account) names(t *testing.T) {
	t.Helper()
	aws := func(args ...string) string {
		return a.run(t, exec.Command(filepath.Join(a.root, ".local", "venv", "bin", "aws"), append(args, "--output", "text")...))
	}
	id := aws("route53", "create-hosted-zone", "--name", "rehearsal.test", "--caller-reference", "rehearsal", "--query", "HostedZone.Id")
	zone := strings.TrimPrefix(strings.TrimSpace(id), "/hostedzone/")
	aws("route53", "change-resource-record-sets", "--hosted-zone-id", zone, "--change-batch",
		`{"Changes":[{"Action":"CREATE","ResourceRecordSet":{"Name":"rehearsal.test","Type":"A","TTL":60,"ResourceRecords":[{"Value":"127.0.0.1"}]}}]}`)
	for file, name := range map[string]string{"platform/samconfig.toml": "signin", "services/api/samconfig.toml": "api"} {
		before, block, found := strings.Cut(a.read(t, filepath.Join(a.copy, file)), "[dev.deploy.parameters]")
		if !found {
			t.Fatalf("%s has no block of dev", file)
		}
		block = strings.Replace(block, `'DomainName=""'`, `"DomainName=`+name+`.rehearsal.test"`, 1)
		block = strings.Replace(block, `'HostedZoneId=""'`, `"HostedZoneId=`+zone+`"`, 1)
		a.write(t, file, before+"[dev.deploy.parameters]"+block)
	}
}

func (a *account) read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func (a *account) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(a.copy, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a *account) venv() string { return filepath.Join(a.root, ".local", "venv") }

func (a *account) local(t *testing.T, command string, more ...string) {
	t.Helper()
	args := []string{"local", command, "--dir", a.dir, "--venv", a.venv(), "--port", strconv.Itoa(port)}
	cmd := exec.Command(filepath.Join(a.root, "bin", "gatehouse"), append(args, more...)...)
	cmd.Dir = a.root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("gatehouse %v: %v\n%s", args, err, out)
	}
}

func (a *account) gatehouse(t *testing.T, command string) string {
	t.Helper()
	name, rest, _ := strings.Cut(command, " ")
	args := append([]string{"aws", name, "--environment", "dev", "--emulator", "--venv", a.venv()}, strings.Fields(rest)...)
	return a.run(t, exec.Command(filepath.Join(a.root, "bin", "gatehouse"), args...))
}

// run runs a command in the copy, with the emulator's endpoint.
func (a *account) run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	cmd.Dir = a.copy
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL=http://127.0.0.1:"+strconv.Itoa(port), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s %v\n%s", filepath.Base(cmd.Path), cmd.Args[1:], out)
	if err != nil {
		t.Fatalf("%s: %v", cmd.Args[1], err)
	}
	return string(out)
}

// varying is what differs between two runs, and what stands for it on the page. Numbers
// of resources are among them, so that the page does not change with every template.
var varying = []struct{ pattern, text string }{
	{`(?m)^· .*\n`, ""},
	{`(?m) \(\d+s\)$`, ""},
	{`(?m) +$`, ""},
	{`go1\.\d+\.\d+`, "go1.26"},
	{`\d+ concurrent executions, \d+`, "1000 concurrent executions, 1000"},
	{`lookup rehearsal\.test.*`, "lookup rehearsal.test: no such host"},
	{`\d+ resources, \d+ of`, "N resources, M of"},
	{`localhost:\d+`, "localhost:5067"},
	{`\bZ[A-Z0-9]{10,}\b`, "Z0123456789ABCDEFGHIJ"},
	{`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "0a1b2c3d-0000-0000-0000-000000000000"},
	{`-[0-9A-F]{13}\b`, "-0123456789ABC"},
	{`us-east-1_[A-Za-z0-9]{9}`, "us-east-1_AbCdEfGhI"},
	{`(ClientId +)[A-Za-z0-9]{26}`, "${1}1a2b3c4d5e6f7g8h9i0j1k2l3m"},
	{`(ApiId +)[a-z0-9]+`, "${1}a1b2c3d4"},
}

// stable replaces what differs between two runs. Stacks are compared two at a time, and
// so end in any order.
func stable(output string) string {
	for _, v := range varying {
		output = regexp.MustCompile(v.pattern).ReplaceAllString(output, v.text)
	}
	before, after, planned := strings.Cut(output, "\nPlan, in this order")
	if !planned {
		return output
	}
	lines := strings.Split(before, "\n")
	first := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "✓") })
	last := len(lines) - 1
	for last > first && !strings.HasPrefix(lines[last], "✓") {
		last--
	}
	slices.Sort(lines[first : last+1])
	return strings.Join(lines, "\n") + "\nPlan, in this order" + after
}
