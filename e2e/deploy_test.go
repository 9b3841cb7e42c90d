package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"gatehouse.example/contracts"
)

// TestOneServiceDeploysAlone changes signup-guard, deploys it with its own
// command while people sign up and in, and looks at every other stack.
func TestOneServiceDeploysAlone(t *testing.T) {
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
	touch(t, filepath.Join(s.root, "services", "signup-guard", "cmd", "presignup", "main.go"))
	if err := s.local("deploy", "signup-guard"); err != nil {
		t.Fatal(err)
	}
	// The stream goes on for a while with the new version.
	goal := done.Load() + 5
	eventually(t, soon, "five more people", func() bool { return done.Load() >= goal })
	stop()
	if err := <-failed; err != nil {
		t.Fatalf("after %d people: %v", done.Load(), err)
	}

	for name, updated := range s.stacks(t) {
		changed := !updated.Equal(before[name])
		if own := strings.HasSuffix(name, "-signup-guard"); changed != own {
			t.Errorf("stack %s: changed is %v", name, changed)
		}
	}
}

// TestDenyEntryIsAStackUpdate denies a domain by a parameter, without a build.
func TestDenyEntryIsAStackUpdate(t *testing.T) {
	s := start(t)
	p := s.newPerson(t)
	was := s.setParameter(t, "gatehouse-local-signup-guard", "DenyDomains", p.domain)
	_, err := p.trySignUp(t)
	s.setParameter(t, "gatehouse-local-signup-guard", "DenyDomains", was)
	if err == nil {
		t.Error("the denied domain was accepted")
	}
	p.signUp(t)
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
		&cloudformation.DescribeStacksInput{StackName: &stack}, time.Minute); err != nil {
		t.Fatal(err)
	}
	return was
}

// TestExampleSubscriber deploys the example by its own command.
func TestExampleSubscriber(t *testing.T) {
	s := start(t)
	before := s.stacks(t)
	if err := s.local("deploy", "examples/subscriber"); err != nil {
		t.Fatal(err)
	}
	for name, updated := range s.stacks(t) {
		was, existed := before[name]
		if existed && !updated.Equal(was) {
			t.Errorf("stack %s changed", name)
		}
	}
	nobody := s.newPerson(t)
	nobody.email = "success+" + nobody.local + "@" + contracts.SyntheticDomain
	t.Cleanup(func() {
		_, _ = nobody.c.cognito.AdminDeleteUser(context.Background(), &cognito.AdminDeleteUserInput{UserPoolId: s.pool(), Username: &nobody.email})
	})
	nobody.signUp(t)
	nobody.confirm(t)
	must(nobody.signIn(t, password))(t)
	p := s.member(t)
	must(p.signIn(t, password))(t)
	eventually(t, soon, "the example tells of the sign-in", func() bool {
		return strings.Contains(s.logsOf(t, "/gatehouse/local/example-subscriber"), p.sub)
	})
	if strings.Contains(s.logsOf(t, "/gatehouse/local/example-subscriber"), nobody.sub) {
		t.Error("the example would write to a user whom nobody can be")
	}
}

// passThrough is one person signing up and in.
func (s *system) passThrough(t *testing.T) error {
	p := s.newPerson(t)
	if _, err := p.trySignUp(t); err != nil {
		return err
	}
	if err := p.tryConfirm(t); err != nil {
		return err
	}
	_, err := p.signIn(t, password)
	return err
}

// stacks returns when each stack was last changed.
func (s *system) stacks(t *testing.T) map[string]time.Time {
	t.Helper()
	out := must(s.clients(t).cloudformation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{}))(t)
	changed := map[string]time.Time{}
	for _, stack := range out.Stacks {
		at := stack.CreationTime
		if stack.LastUpdatedTime != nil {
			at = stack.LastUpdatedTime
		}
		changed[*stack.StackName] = *at
	}
	return changed
}

// touch makes a real change to a source file and takes it back afterwards.
func touch(t *testing.T, path string) {
	t.Helper()
	was := must(os.ReadFile(path))(t)
	t.Cleanup(func() {
		if err := os.WriteFile(path, was, 0o600); err != nil {
			t.Error(err)
		}
	})
	changed := string(was) + "\nfunc init() { println(`{\"msg\":\"a new version\"}`) }\n"
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}
