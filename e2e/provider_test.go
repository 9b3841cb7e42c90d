package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"gatehouse.example/contracts"
	"gatehouse.example/e2e/chromium"
)

// provided runs `gatehouse local provider`, as a person at the laptop does: it deploys the
// platform with the provider. What it returns is Ctrl-C.
func (s *system) provided(t *testing.T, name string) (stop func() error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(s.root, "bin", "gatehouse"), "local", "provider", "--name", name,
		"--dir", s.dir, "--port", strconv.Itoa(s.port), "--venv", filepath.Join(s.root, ".local", "venv"))
	cmd.Dir, cmd.Stderr = s.root, os.Stderr
	out := must(cmd.StdoutPipe())(t)
	check(t, cmd.Start())
	stop = sync.OnceValue(func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return fmt.Errorf("os.Process.Signal: %w", err)
		}
		return cmd.Wait()
	})
	t.Cleanup(func() { _ = stop() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), name+" is an identity provider of the pool") {
			return stop
		}
	}
	t.Fatalf("gatehouse local provider: %v", stop())
	return nil
}

// webProviders are those that the platform's web client names.
func (s *system) webProviders(t *testing.T) []string {
	t.Helper()
	return must(s.clients(t).cognito.DescribeUserPoolClient(t.Context(), &cognito.DescribeUserPoolClientInput{
		UserPoolId: s.pool(), ClientId: aws.String(s.env["WEB_CLIENT_ID"]),
	}))(t).UserPoolClient.SupportedIdentityProviders
}

// TestProvider deploys the platform with an identity provider and without it again. In
// between somebody is refused by it, signs in with it for the first time, and again, in a
// browser.
func TestProvider(t *testing.T) {
	t.Parallel()
	hold(t, &deployments)
	s := start(t)
	inbox, before, began := s.subscribe(t), s.stacks(t), time.Now()
	stop := s.provided(t, "Acme")
	t.Logf("deployed in %s", time.Since(began).Round(time.Second/10))
	if got := s.webProviders(t); !slices.Equal(got, []string{"COGNITO", "Acme"}) {
		t.Errorf("the web client names %v", got)
	}
	s.federatedInBrowser(t, "Acme", inbox)

	began = time.Now()
	if err := stop(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	t.Logf("deployed without it in %s", time.Since(began).Round(time.Second/10))
	if got := s.webProviders(t); !slices.Equal(got, []string{"COGNITO"}) {
		t.Errorf("without the provider the web client names %v", got)
	}
	left := must(s.clients(t).cognito.ListIdentityProviders(t.Context(), &cognito.ListIdentityProvidersInput{UserPoolId: s.pool()}))(t).Providers
	for _, p := range left {
		if *p.ProviderName == "Acme" {
			t.Error("the provider is still there")
		}
	}
	for name, changed := range s.stacks(t) {
		if was, known := before[name]; name != "gatehouse-local-platform" && !strings.Contains(name, "-platform-") && (!known || !changed.Equal(was)) {
			t.Errorf("the stack %s is new or changed", name)
		}
	}
	stack := must(s.clients(t).cloudformation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("gatehouse-local-platform")}))(t).Stacks[0]
	if stack.StackStatus != "UPDATE_COMPLETE" {
		t.Errorf("the platform is in %s", stack.StackStatus)
	}
}

// federatedInBrowser uses the platform's own client, by the page /app.
func (s *system) federatedInBrowser(t *testing.T, name string, inbox inbox) {
	w := window{must(chromium.OpenTrusting(t.Context(), 1100, 900, s.certificateKey(t)))(t), t}
	t.Cleanup(w.Close)
	email := s.newPerson(t).Email
	leave := func(button string) {
		t.Helper()
		w.must(w.Heading("Welcome"), w.Click("Sign in"), w.Heading("Sign in"), w.Click("Continue with "+name), w.Heading(name),
			w.Fill("Email address", email), w.Click(button))
	}
	w.must(w.Visit(s.env["AWS_ENDPOINT_URL"] + "/app"))
	leave("Refuse")
	w.must(w.Until(`location.pathname === "/app"`), w.Until(`document.body.innerText.includes("access_denied")`))
	w.must(w.Visit(s.env["AWS_ENDPOINT_URL"] + "/app"))
	leave("Sign in")
	w.must(w.Heading("You are signed in"), w.Says(email))
	sub := must(chromium.Script[string](w.Browser, `JSON.parse(atob(JSON.parse(sessionStorage.tokens).id_token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub`))(t)
	inbox.wait(t, 1, of(contracts.TypeSigninSucceeded, sub))
	exactly(t, inbox, 0, of(contracts.TypeSigninAttempted, sub))
	w.must(w.Click("Sign out"))
	leave("Sign in")
	w.must(w.Heading("You are signed in"), w.Says(email))
	inbox.wait(t, 1, of(contracts.TypeSigninAttempted, sub))
	inbox.wait(t, 2, of(contracts.TypeSigninSucceeded, sub))
	s.barrier(t, inbox)
	exactly(t, inbox, 1, of(contracts.TypeUserCreated, sub))
}
