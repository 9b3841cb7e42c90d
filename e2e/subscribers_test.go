package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
)

// exampleFolders are the examples of other teams' stacks.
func exampleFolders() []string { return []string{"subscriber", "subscriber-python"} }

// TestExampleSubscriber deploys the examples with their own command.
func TestExampleSubscriber(t *testing.T) {
	t.Parallel()
	hold(t, &deployments)
	s := start(t)
	before := s.stacks(t)
	for _, folder := range exampleFolders() {
		check(t, s.local("deploy", "examples/"+folder))
	}
	after := s.stacks(t)
	for name, was := range before {
		if !after[name].Equal(was) && !strings.Contains(name, "-example-") {
			t.Errorf("stack %s changed", name)
		}
	}
	synthetic := s.newPerson(t)
	synthetic.Email = "success+" + synthetic.local + "@" + contracts.SyntheticDomain
	t.Cleanup(func() { check(t, synthetic.Delete(context.WithoutCancel(t.Context()))) })
	synthetic.signUp(t)
	synthetic.confirm(t)
	synthetic.signIn(t)
	p := s.member(t)
	p.signIn(t)
	for _, folder := range exampleFolders() {
		group := "/gatehouse-local-example-" + folder + "/"
		eventually(t, folder+" logs the sign-in", func() bool { return strings.Contains(s.logsOf(t, group), p.Sub) })
		if strings.Contains(s.logsOf(t, group), synthetic.Sub) {
			t.Errorf("%s would write to a synthetic user", folder)
		}
	}
}

// TestExamplesOutsideTheRepository copies each example to a folder where nothing else of the
// repository is, and does what its README says: tests, build, deployment under another
// name, deletion.
func TestExamplesOutsideTheRepository(t *testing.T) {
	t.Parallel()
	hold(t, &deployments)
	s := start(t)
	for _, folder := range exampleFolders() {
		t.Run(folder, func(t *testing.T) {
			dir := t.TempDir()
			check(t, os.CopyFS(dir, os.DirFS(filepath.Join(s.root, "examples", folder))))
			name := "team-" + uuid.NewString()[:8]
			overrides := "AlarmEmail='' Architecture=" + architecture() + " Environment=local LogRetentionDays=1 OperatorArn='' PermissionsBoundaryArn=''"
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				s.outside(t, dir, "go", "test", "./...")
				s.outside(t, dir, "sam", "build", "--config-env", "local", "--parameter-overrides", overrides)
			} else {
				s.outside(t, dir, "python3", "-B", "-m", "unittest", "discover", "-s", "tests")
			}
			t.Cleanup(func() { s.outside(t, dir, "sam", "delete", "--no-prompts", "--stack-name", name) })
			s.outside(t, dir, "sam", "deploy", "--config-env", "local", "--resolve-s3", "--stack-name", name, "--parameter-overrides", overrides)
			p := s.member(t)
			p.signIn(t)
			eventually(t, "the copy logs the creation and the sign-in", func() bool {
				log := s.logsOf(t, "/"+name+"/")
				return strings.Contains(log, p.Sub) && strings.Contains(log, contracts.TypeUserCreated) && strings.Contains(log, contracts.TypeSigninSucceeded)
			})
			s.notifiesOwnTopic(t, name)
		})
	}
}

// architecture is this machine's, as Lambda calls it.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// notifiesOwnTopic checks that a stack has alarms, and that all notify its own topic.
func (s *system) notifiesOwnTopic(t *testing.T, stack string) {
	t.Helper()
	client := cloudwatch.NewFromConfig(s.env.Config())
	out := must(client.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String(stack + "-")}))(t)
	if len(out.MetricAlarms) < 4 {
		t.Errorf("%d alarms", len(out.MetricAlarms))
	}
	for _, a := range out.MetricAlarms {
		if len(a.AlarmActions) != 1 || !strings.HasSuffix(a.AlarmActions[0], ":"+stack+"-alarms") {
			t.Errorf("%s notifies %q", *a.AlarmName, a.AlarmActions)
		}
	}
}

// outside runs a program in a folder outside of the repository, with the caches of Go and
// no workspace. SAM's own settings are in the folder of the system.
func (s *system) outside(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), limit)
	defer cancel()
	caches := strings.Fields(string(must(exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOMODCACHE").Output())(t)))
	path := filepath.Join(s.root, ".local", "venv", "bin", name)
	if !fileExists(path) {
		path = must(exec.LookPath(name))(t)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.Env = append(s.environ(), "CGO_ENABLED=0", "GOCACHE="+caches[0], "GOMODCACHE="+caches[1], "GOPROXY=off", "SAM_CLI_TELEMETRY=0")
	running <- struct{}{}
	defer func() { <-running }()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// TestSubscribePage types the blocks of docs/subscribe.md and compares the output.
func TestSubscribePage(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.forget(t, "erika.bus@example.net")
	s.plays(t, filepath.Join(s.root, "docs", "subscribe.md"))
}

// TestBodyFiltersAreNested: what a filter of the scope MessageBody finds, and that a key
// with a dot is not a way to write it here. docs/subscribe.md says what AWS documents.
func TestBodyFiltersAreNested(t *testing.T) {
	t.Parallel()
	s := start(t)
	nested := s.filtered(t, `{"data":{"via":["signup"]},"type":["`+contracts.TypeUserCreated+`"]}`)
	dotted := s.filtered(t, `{"data.via":["signup"],"type":["`+contracts.TypeUserCreated+`"]}`)
	all := s.subscribe(t)
	p := s.member(t)
	p.signIn(t)
	nested.wait(t, 1, of(contracts.TypeUserCreated, p.Sub))
	all.wait(t, 1, of(contracts.TypeSigninSucceeded, p.Sub))
	for name, in := range map[string]inbox{"nested": nested, "dotted": dotted} {
		want := map[string]int{"nested": 1}[name]
		if got := in.find(t, func(e event.Event) bool { return e.Subject() == p.Sub }); len(got) != want {
			t.Errorf("%s: %d events, want %d; docs/subscribe.md says what the emulator does", name, len(got), want)
		}
	}
}

// filtered is an inbox with a filter on the body of the events.
func (s *system) filtered(t *testing.T, policy string) inbox {
	t.Helper()
	in := s.subscribe(t)
	for _, attribute := range [][2]string{{"FilterPolicyScope", "MessageBody"}, {"FilterPolicy", policy}} {
		must(s.clients(t).sns.SetSubscriptionAttributes(t.Context(), &sns.SetSubscriptionAttributesInput{
			SubscriptionArn: &in.Subscription, AttributeName: &attribute[0], AttributeValue: &attribute[1],
		}))(t)
	}
	return in
}
