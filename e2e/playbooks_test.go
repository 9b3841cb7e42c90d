package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// playbook says how a page of docs/playbooks is executed.
type playbook struct {
	// cause makes the trouble of the page. Without one, only the commands of its checks are
	// executed, in a healthy environment, together with other tests.
	cause func(*testing.T, *system)
	// values are what the reader puts in, such as the page's placeholders.
	values map[string]string
	// without are commands that are not executed, by a part of them, and why. A part that the
	// page no longer has fails the test.
	without map[string]string
	// says are texts of the commands' outputs.
	says []string
	// over fails unless the trouble is over.
	over func(*testing.T, *system)
}

const detaches = "TestAPoolThatExists detaches triggers; here the repair comes first"

// playbooks are the pages that TestPlaybooks executes.
func playbooks() map[string]playbook {
	return map[string]playbook{
		"triggers-not-called": {
			cause:   removePermission,
			without: map[string]string{"gatehouse detach": detaches, "gatehouse canary": "TestCanarySucceeds runs it"},
			says:    []string{"PreAuthentication: Cognito may not call gatehouse-local-signin-audit-preauthentication:live", "signin-audit/PreAuthenticationPermission"},
			over:    signsIn,
		},
		"consumer-late": {
			cause:  disableMapping,
			values: map[string]string{"CONSUMER=signin-audit-recorder": "CONSUMER=user-events-metrics"},
			says:   []string{`"Disabled"`, `"ApproximateNumberOfMessages"`, "user-events/MetricsSource"},
			over:   signsIn,
		},
		"notifications-failed": {
			cause: clearQueuePolicy,
			values: map[string]string{"<SubscriptionArn>": `"$(aws sns list-subscriptions-by-topic --topic-arn "$TOPIC_ARN" ` +
				`--query 'Subscriptions[0].SubscriptionArn' --output text)"`},
			says: []string{"gatehouse-local-user-events-metrics-dlq", "deadLetterTargetArn", "policy of gatehouse-local-user-events-metrics: missing: TheTopicSends"},
			over: signsIn,
		},
		"outbox-old": {
			cause: deleteRolePolicy,
			says:  []string{"waiting", `"Enabled"`, "policy DrainFunctionRolePolicy0: missing"},
			over:  signsIn,
		},
		"function-throttles": {
			cause:   stopPreSignUp,
			without: map[string]string{"gatehouse detach": detaches},
			says:    []string{`"ReservedConcurrentExecutions": 0`, `"ReservedConcurrentExecutions": 50`},
			over:    signsUp,
		},
		"findings-stopped": {
			cause: stopFindings,
			says:  []string{`"DISABLED"`, "State: expected ENABLED, is DISABLED", `"published"`},
			over:  looksForFindings,
		},
		"log-groups-unencrypted": {
			cause: takeKey,
			says:  []string{`"Enabled"`, keylessGroup, "gatehouse-local-log-encryptor-sweep", "null"},
			over:  hasKey,
		},
		"api-failures":           {},
		"api-refusals":           {},
		"api-slow":               {},
		"client-events":          {},
		"client-tokens":          {values: map[string]string{"<its id>": `"$WEB_CLIENT_ID"`}},
		"findings":               {},
		"function-errors":        {},
		"metric-exports":         {},
		"records-stopped":        {without: map[string]string{"aws cloudtrail get-trail-status": "the emulator has no trails"}},
		"trigger-slow":           {},
		"unknown-records":        {without: map[string]string{"record.json": "the reader saves a dead letter in it, and there is none"}},
		"unknown-signin-records": {without: map[string]string{"gatehouse events dead show": "there is no dead letter"}},
	}
}

// executedElsewhere are the other pages, each with the test that makes its trouble.
func executedElsewhere() map[string]string {
	return map[string]string{
		"canary-fails":       "TestCanarySucceeds runs the page, TestCanaryNamesWhatIsBroken makes the trouble",
		"dead-letters":       "TestDeadLettersAreKeptAndCanBeReplayed runs its commands on a message that it makes",
		"users-unannounced":  "TestUsersThatNobodyAnnounced makes such a user and runs the reconciler",
		"events-undelivered": "TestUndeliveredEventsAreOpenUntilRecovered runs its commands, which wait for two minutes",
	}
}

// TestPlaybookOfEveryPage: each page is executed, here or by a test that is named.
func TestPlaybookOfEveryPage(t *testing.T) {
	t.Parallel()
	here, elsewhere := playbooks(), executedElsewhere()
	pages := map[string]bool{}
	for _, file := range must(filepath.Glob("../docs/playbooks/*.md"))(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		pages[name] = true
		if _, ok := here[name]; ok == (elsewhere[name] != "") {
			t.Errorf("docs/playbooks/%s.md is not executed, or twice: add it to playbooks or to executedElsewhere", name)
		}
	}
	for name, why := range elsewhere {
		test, _, _ := strings.Cut(why, " ")
		found := slices.ContainsFunc(must(filepath.Glob("*_test.go"))(t), func(file string) bool {
			return bytes.Contains(must(os.ReadFile(file))(t), []byte("func "+test+"(t *testing.T)"))
		})
		if !pages[name] || !found {
			t.Errorf("%s: there is no such page, or no %s", name, test)
		}
	}
	for name := range here {
		if !pages[name] {
			t.Errorf("there is no docs/playbooks/%s.md", name)
		}
	}
}

// TestPlaybookChecks runs the checks of the pages whose trouble is not made.
func TestPlaybookChecks(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, page := range playbooks() {
		if page.cause == nil {
			s.execute(t, name, page)
		}
	}
}

// TestPlaybooks makes each trouble, follows its page, and looks whether it is over.
func TestPlaybooks(t *testing.T) {
	t.Parallel()
	s := alone(t)
	for name, page := range playbooks() {
		if page.cause == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			page.cause(t, s)
			s.execute(t, name, page)
			page.over(t, s)
		})
	}
	if out, err := s.gatehouse(t, "drift", "--repair", "--yes"); err != nil {
		t.Errorf("drift afterwards: %v\n%s", err, out)
	}
}

// execute runs the commands of a page, of its checks alone if there is no trouble.
func (s *system) execute(t *testing.T, name string, page playbook) {
	t.Helper()
	text := must(os.ReadFile(filepath.Join(s.root, "docs", "playbooks", name+".md")))(t)
	if page.cause == nil {
		text, _, _ = bytes.Cut(text, []byte("\n## Fix"))
	}
	all := must(steps(text))(t)
	if len(all) < 2 {
		t.Fatalf("%s has %d blocks of commands", name, len(all))
	}
	replace := []string{"ENVIRONMENT=production", "ENVIRONMENT=local", "fileb://services", "fileb://" + s.root + "/services"}
	for from, to := range page.values {
		replace = append(replace, from, to)
		if !bytes.Contains(text, []byte(from)) {
			t.Errorf("%s does not have %q", name, from)
		}
	}
	unused := map[string]bool{}
	for part := range page.without {
		unused[part] = true
	}
	for i := range all {
		all[i].script = strings.NewReplacer(replace...).Replace(withoutCommands(all[i].script, page.without, unused))
	}
	for part := range unused {
		t.Errorf("%s no longer has %q", name, part)
	}
	// The reader answers the repair's question with yes.
	all[0].script = ". .local/env\ngatehouse() { case \"$*\" in *--repair*) bin/gatehouse \"$@\" --yes;; *) bin/gatehouse \"$@\";; esac; }\n" + all[0].script
	outputs, codes := walk(t, s, all)
	for i, one := range all {
		// Status and drift say by their exit status that there is something to repair.
		tells := page.cause != nil && (strings.HasPrefix(one.script, "gatehouse status") || strings.HasPrefix(one.script, "gatehouse drift"))
		if codes[i] != 0 && !tells || strings.Contains(outputs[i], "An error occurred") {
			t.Errorf("%s, line %d: exit code %d\n%s%s", name, one.line, codes[i], one.script, outputs[i])
		}
	}
	output := strings.Join(outputs, "")
	for _, want := range page.says {
		if !strings.Contains(output, want) {
			t.Errorf("%s: the commands do not say %q:\n%s", name, want, output)
		}
	}
}

// withoutCommands leaves the lines of these commands out, with those that continue them.
func withoutCommands(script string, commands map[string]string, unused map[string]bool) string {
	var out strings.Builder
	skips := false
	for line := range strings.Lines(script) {
		for part := range commands {
			if strings.Contains(line, part) {
				skips = true
				delete(unused, part)
			}
		}
		if !skips {
			out.WriteString(line)
		}
		skips = skips && strings.HasSuffix(strings.TrimSpace(line), `\`)
	}
	if out.Len() == 0 {
		return "true\n"
	}
	return out.String()
}

func signsIn(t *testing.T, s *system) { s.member(t).signIn(t) }

func signsUp(t *testing.T, s *system) { s.newPerson(t).signUp(t) }

func stopPreSignUp(t *testing.T, s *system) {
	must(s.clients(t).lambda.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{
		FunctionName: aws.String("gatehouse-local-signup-guard-presignup"), ReservedConcurrentExecutions: aws.Int32(0),
	}))(t)
}

var findingsRule = aws.String("gatehouse-local-signin-audit-findings")

func stopFindings(t *testing.T, s *system) {
	must(s.clients(t).events.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: findingsRule}))(t)
}

func looksForFindings(t *testing.T, s *system) {
	rule := must(s.clients(t).events.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: findingsRule}))(t)
	if rule.State != ebtypes.RuleStateEnabled || aws.ToString(rule.ScheduleExpression) == "" {
		t.Errorf("the rule is %s, with the schedule %q", rule.State, aws.ToString(rule.ScheduleExpression))
	}
}

const keylessGroup = "/gatehouse/local/signup-guard/presignup"

func takeKey(t *testing.T, s *system) {
	must(s.clients(t).logs.DisassociateKmsKey(t.Context(), &cloudwatchlogs.DisassociateKmsKeyInput{LogGroupName: aws.String(keylessGroup)}))(t)
}

func hasKey(t *testing.T, s *system) {
	eventually(t, "the log group has the key", func() bool {
		groups := must(s.clients(t).logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String(keylessGroup)}))(t).LogGroups
		return len(groups) == 1 && groups[0].KmsKeyId != nil
	})
}
