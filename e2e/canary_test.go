package e2e

import (
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/contracts"
)

// TestCanarySucceeds runs the canary as the playbook of its failures does. It finds what
// the canary did in the metric of synthetic events, in the audit trail with its mark, and
// nowhere else. It compares metrics, so it is alone.
func TestCanarySucceeds(t *testing.T) {
	t.Parallel()
	s := alone(t)
	before := s.settled(t)
	report := filepath.Join(t.TempDir(), "canary.xml")
	output := s.canaryPlaybook(t, "--timeout "+limit.String()+" --junit "+report)
	for _, secret := range []string{s.env["MACHINE_CLIENT_SECRET"], "eyJ", "aA1-", "Bearer"} {
		if strings.Contains(output, secret) {
			t.Errorf("the canary prints a secret, it begins with %.4s", secret)
		}
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Cases    []struct {
			Name string `xml:"name,attr"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(must(os.ReadFile(report))(t), &suite); err != nil || suite.Failures != 0 || suite.Tests != strings.Count(output, "ok  ") {
		t.Errorf("report with %d tests and %d failures, error %v\n%s", suite.Tests, suite.Failures, err, output)
	}
	s.noCanaries(t)

	after := s.settled(t)
	if n := after["SyntheticEvents"] - before["SyntheticEvents"]; n != 8 {
		t.Errorf("SyntheticEvents rose by %v, want 8: a refusal, a sign-up, a user, two attempts, a failure, a success and a deletion", n)
	}
	for name, n := range after {
		// A token names the client of machines, and records are counted before they are read.
		if unmarked := []string{"ClientTokensIssued", "RecordsRead"}; name != "SyntheticEvents" && !slices.Contains(unmarked, name) && n != before[name] {
			t.Errorf("the canary is in the metrics of people: %s was %v and is %v", name, before[name], n)
		}
	}
	// Nine rows: the eight, and a token.
	rows := must(s.gatehouse(t, "audit", "show", "--limit", "9"))(t)
	if strings.Count(rows, " synthetic ")+strings.Count(rows, " synthetic\n") != 8 || !strings.Contains(rows, "domain="+contracts.SyntheticDomain) {
		t.Errorf("gatehouse audit show:\n%s", rows)
	}
}

// canaryPlaybook runs the commands of docs/playbooks/canary-fails.md with more flags for
// the canary, and returns their output. Each step that the page's table explains must be
// one that the canary prints.
func (s *system) canaryPlaybook(t *testing.T, flags string) string {
	t.Helper()
	page := must(os.ReadFile(filepath.Join(s.root, "docs", "playbooks", "canary-fails.md")))(t)
	all := must(steps(page))(t)
	all[0].script = ". .local/env\ngatehouse() { case $1 in canary) bin/gatehouse \"$@\" " + flags + ";; *) bin/gatehouse \"$@\";; esac; }\n" + strings.Replace(all[0].script, "production", "local", 1)
	outputs, codes := walk(t, s, all)
	for i, one := range all {
		if codes[i] != 0 {
			t.Fatalf("line %d: exit code %d\n%s%s", one.line, codes[i], one.script, outputs[i])
		}
	}
	output := strings.Join(outputs, "")
	rows := regexp.MustCompile("(?m)^ *\\| (`[^|]*) \\|").FindAllStringSubmatch(string(page), -1)
	if len(rows) < 5 {
		t.Errorf("the table of the page has %d rows of steps", len(rows))
	}
	for _, row := range rows {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			step := strings.ReplaceAll(regexp.QuoteMeta(name[1]), "…", ".*")
			if !regexp.MustCompile(`(?m)^ok +[0-9.]+s +` + step).MatchString(output) {
				t.Errorf("the page explains the step %s, which the canary does not print:\n%s", name[1], output)
			}
		}
	}
	return output
}

// TestCanaryNamesWhatIsBroken breaks one thing at a time, which all tests share.
func TestCanaryNamesWhatIsBroken(t *testing.T) {
	t.Parallel()
	s := alone(t)
	for name, tc := range map[string]struct {
		plant  func(*testing.T, *system) (restore func())
		failed string
		says   string
	}{
		"topic_and_outbox_refuse": {topicAndOutboxRefuse, "event " + contracts.TypeSignupRejected, "0 of 1 arrived in the queue after "},
		"detached_trigger":        {detachedTrigger, "event " + contracts.TypeSigninSucceeded, "0 of 1 arrived in the queue after "},
	} {
		t.Run(name, func(t *testing.T) {
			restore := tc.plant(t, s)
			output, err := s.brokenCanary(t, tc.failed)
			restore()
			_, summary, _ := strings.Cut(output, "gatehouse: canary of local: ")
			if err == nil || !strings.Contains(summary, tc.failed) {
				t.Errorf("it ends with %v and %q, want %q\n%s", err, summary, tc.failed, output)
			}
			found := slices.ContainsFunc(strings.Split(output, "\n"), func(line string) bool {
				return strings.HasPrefix(line, "FAIL ") && strings.Contains(line, tc.failed) && strings.Contains(line, tc.says)
			})
			if !found {
				t.Errorf("no line FAIL of %s with %q:\n%s", tc.failed, tc.says, output)
			}
			s.noCanaries(t)
		})
	}
}

// brokenCanary runs the canary until its time is over. A busy machine may need more
// time to come to the step that fails.
func (s *system) brokenCanary(t *testing.T, failed string) (output string, err error) {
	t.Helper()
	for timeout := 10 * time.Second; timeout <= limit; timeout *= 2 {
		if output, err = s.canary(t, "--timeout", timeout.String()); err == nil || strings.Contains(output, failed) {
			break
		}
	}
	return output, err
}

func topicAndOutboxRefuse(t *testing.T, s *system) func() {
	s.disturb(t, fault{Service: "sns", Action: "Publish", Mode: "refuse"})
	s.disturb(t, fault{Service: "sqs", Action: "SendMessage", Mode: "refuse"})
	return func() { s.undisturb(t) }
}

// detachedTrigger is what a careless update of the pool does.
func detachedTrigger(t *testing.T, s *system) func() {
	pool := s.clients(t).cognito
	attached := must(pool.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: s.pool()}))(t).UserPool.LambdaConfig
	detached := *attached
	detached.PostAuthentication = nil
	must(pool.UpdateUserPool(t.Context(), &cognito.UpdateUserPoolInput{UserPoolId: s.pool(), LambdaConfig: &detached}))(t)
	return func() {
		must(pool.UpdateUserPool(t.Context(), &cognito.UpdateUserPoolInput{UserPoolId: s.pool(), LambdaConfig: attached}))(t)
	}
}

func (s *system) canary(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return s.gatehouse(t, append([]string{"canary"}, args...)...)
}

// settled are the sums of the metrics once no event is on its way to them and they
// no longer change, for longer than the proxy takes to read them from the log lines.
func (s *system) settled(t *testing.T) map[string]float64 {
	t.Helper()
	outbox, metrics := s.queue(t, "user-events-outbox"), s.queue(t, "user-events-metrics")
	last, since := s.sums(t), time.Now()
	progress(t, func() (string, bool) {
		now, waiting := s.sums(t), s.depth(t, outbox)+s.depth(t, metrics)
		if waiting > 0 || !maps.Equal(now, last) {
			last, since = now, time.Now()
		}
		return fmt.Sprintf("%d events on their way to the metrics %v", waiting, now), time.Since(since) > 10*time.Second
	})
	return last
}

// noCanaries checks that no user, queue or subscription is left.
func (s *system) noCanaries(t *testing.T) {
	t.Helper()
	c := s.clients(t)
	users := must(c.cognito.ListUsers(t.Context(), &cognito.ListUsersInput{UserPoolId: s.pool(), Filter: aws.String(`email ^= "success"`)}))(t).Users
	queues := must(c.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{QueueNamePrefix: aws.String("gatehouse-local-canary-")}))(t).QueueUrls
	if len(users) > 0 || len(queues) > 0 {
		t.Errorf("left behind: %d users, queues %v", len(users), queues)
	}
	topic := s.env["TOPIC_ARN"]
	for pages := sns.NewListSubscriptionsByTopicPaginator(c.sns, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic}); pages.HasMorePages(); {
		for _, subscription := range must(pages.NextPage(t.Context()))(t).Subscriptions {
			if strings.Contains(aws.ToString(subscription.Endpoint), "-canary-") {
				t.Errorf("left behind: the subscription of %s", aws.ToString(subscription.Endpoint))
			}
		}
	}
}
