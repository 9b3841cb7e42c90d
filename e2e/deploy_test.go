package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// TestOneServiceDeploysAlone changes signup-guard in a copy of the repository, deploys
// it with its own command while people sign up and in, and looks at every other stack.
func TestOneServiceDeploysAlone(t *testing.T) {
	t.Parallel()
	hold(t, &deployments)
	s := start(t)
	before := s.stacks(t)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var done atomic.Int64
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		for ctx.Err() == nil {
			if err := s.passThrough(t); err != nil {
				failed <- err
				return
			}
			done.Add(1)
		}
	}()
	changed := s.copied(t)
	edited(t, filepath.Join(changed.root, "services", "signup-guard", "cmd", "presignup", "main.go"))
	check(t, changed.local("deploy", "signup-guard"))
	// More people sign up with the new version.
	goal := done.Load() + 5
	eventually(t, "five more people", func() bool { return done.Load() >= goal })
	stop()
	if err := <-failed; err != nil {
		t.Fatalf("after %d people: %v", done.Load(), err)
	}

	after := s.stacks(t)
	for name, was := range before {
		changed := !after[name].Equal(was)
		if own := strings.HasSuffix(name, "-signup-guard"); changed != own {
			t.Errorf("stack %s: changed is %v", name, changed)
		}
	}
}

// TestDenyEntryIsAStackUpdate denies a domain by a parameter, without a build.
func TestDenyEntryIsAStackUpdate(t *testing.T) {
	t.Parallel()
	hold(t, &deployments)
	s := start(t)
	p := s.newPerson(t)
	was := s.setParameter(t, "gatehouse-local-signup-guard", "DenyDomains", p.domain)
	err := p.SignUp(t.Context())
	s.setParameter(t, "gatehouse-local-signup-guard", "DenyDomains", was)
	if err == nil {
		t.Error("the denied domain was accepted")
	}
	p.signUp(t)
}

// TestChangedParametersReachTheAlias changes parameters of functions without a build. The
// version behind the alias gets each value, not only $LATEST.
func TestChangedParametersReachTheAlias(t *testing.T) {
	t.Parallel()
	hold(t, &deployments)
	s := start(t)
	for _, tc := range []struct{ stack, parameter, value, function, variable string }{
		{"log-encryptor", "ExcludePrefixes", "/e2e/nothing", "log-encryptor-encryptor", "EXCLUDE_PREFIXES"},
		{"user-events", "AppEventsPerMinute", "301", "user-events-client-events", "EVENTS_PER_MINUTE"},
	} {
		variable := func() string {
			out := must(s.clients(t).lambda.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{
				FunctionName: aws.String("gatehouse-local-" + tc.function), Qualifier: aws.String("live"),
			}))(t)
			return out.Environment.Variables[tc.variable]
		}
		before := variable()
		was := s.setParameter(t, "gatehouse-local-"+tc.stack, tc.parameter, tc.value)
		if got := variable(); got != tc.value {
			t.Errorf("%s is %q behind the alias, want %q", tc.variable, got, tc.value)
		}
		s.setParameter(t, "gatehouse-local-"+tc.stack, tc.parameter, was)
		if got := variable(); got != before {
			t.Errorf("%s is %q behind the alias, want %q again", tc.variable, got, before)
		}
	}
}

// setParameter updates one parameter of a stack, waits, and returns its former value.
func (s *system) setParameter(t *testing.T, stack, name, value string) string {
	t.Helper()
	client := s.clients(t).cloudformation
	out := must(client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack}))(t).Stacks[0]
	update := &cloudformation.UpdateStackInput{
		StackName: &stack, UsePreviousTemplate: aws.Bool(true),
		Capabilities: append(out.Capabilities, types.CapabilityCapabilityAutoExpand),
	}
	was := ""
	for _, p := range out.Parameters {
		next := types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)}
		if *p.ParameterKey == name {
			was = aws.ToString(p.ParameterValue)
			next = types.Parameter{ParameterKey: p.ParameterKey, ParameterValue: &value}
		}
		update.Parameters = append(update.Parameters, next)
	}
	must(client.UpdateStack(t.Context(), update))(t)
	quick := func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 200*time.Millisecond, time.Second
	}
	if err := cloudformation.NewStackUpdateCompleteWaiter(client, quick).Wait(t.Context(),
		&cloudformation.DescribeStacksInput{StackName: &stack}, limit); err != nil {
		t.Fatal(err)
	}
	return was
}

// passThrough is one person signing up and in.
func (s *system) passThrough(t *testing.T) error {
	p, ctx := s.newPerson(t), t.Context()
	if err := p.SignUp(ctx); err != nil {
		return err
	}
	if err := p.Confirm(ctx, signUpCode); err != nil {
		return err
	}
	return p.SignInByPassword(ctx, password)
}

// stacks returns when each of the local environment's stacks was last changed.
func (s *system) stacks(t *testing.T) map[string]time.Time {
	t.Helper()
	out := must(s.clients(t).cloudformation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{}))(t)
	changed := map[string]time.Time{}
	for _, stack := range out.Stacks {
		if !strings.HasPrefix(*stack.StackName, "gatehouse-local-") {
			continue
		}
		at := stack.CreationTime
		if stack.LastUpdatedTime != nil {
			at = stack.LastUpdatedTime
		}
		changed[*stack.StackName] = *at
	}
	return changed
}

// copied is the same system with a copy of the repository, because other tests read
// the sources too.
func (s *system) copied(t *testing.T) *system {
	t.Helper()
	other := *s
	other.root = t.TempDir()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", `git ls-files -z --cached --others --exclude-standard --deduplicate |
		while IFS= read -r -d '' f; do [ -f "$f" ] && printf '%s\0' "$f"; done | xargs -0 cp --parents -t "$0"`, other.root)
	cmd.Dir = s.root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	for _, name := range []string{"bin", ".local"} {
		check(t, os.Symlink(filepath.Join(s.root, name), filepath.Join(other.root, name)))
	}
	return &other
}

// edited makes a real change to a source file.
func edited(t *testing.T, path string) {
	t.Helper()
	was := must(os.ReadFile(path))(t)
	check(t, os.WriteFile(path, append(was, "\nfunc init() { println(`{\"msg\":\"a new version\"}`) }\n"...), 0o600))
}
