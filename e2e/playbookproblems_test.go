package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/tools/actors"
)

// byHand is the problem of a change by hand, which the commands of the page repair.
func byHand(change, over func(*testing.T, *system), values map[string]string) func(*testing.T, *system) outage {
	return func(t *testing.T, s *system) outage {
		change(t, s)
		return outage{values: values, over: func() { over(t, s) }}
	}
}

func signsIn(t *testing.T, s *system) { s.member(t).signIn(t) }

func signsUp(t *testing.T, s *system) { s.newPerson(t).signUp(t) }

func stopPreSignUp(t *testing.T, s *system) { s.reserve(t, "gatehouse-local-signup-guard-presignup") }

// reserve sets a function's concurrency to zero.
func (s *system) reserve(t *testing.T, function string) {
	t.Helper()
	must(s.clients(t).lambda.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: &function, ReservedConcurrentExecutions: aws.Int32(0)}))(t)
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

// breaks moves the alias of a function to a version without settings, which cannot start, as
// a deployment might. It returns the version before.
func (s *system) breaks(t *testing.T, function string) (before string) {
	t.Helper()
	c, live := s.clients(t).lambda, aws.String("live")
	alias := must(c.GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: &function, Name: live}))(t)
	must(c.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: &function, Environment: &lambdatypes.Environment{Variables: map[string]string{}}}))(t)
	broken := must(c.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: &function}))(t)
	must(c.UpdateAlias(t.Context(), &lambda.UpdateAliasInput{FunctionName: &function, Name: live, FunctionVersion: broken.Version}))(t)
	return aws.ToString(alias.FunctionVersion)
}

// brokenHandler is a deployment of the API with a function that cannot start.
func brokenHandler(t *testing.T, s *system) outage {
	s.breaks(t, "gatehouse-local-api-handler")
	id, deployment := s.parameter(t, "api", "api-id"), ""
	s.awsJSON(t, &deployment, "apigateway", "create-deployment", "--rest-api-id", id, "--stage-name", "live", "--query", "id")
	answer := s.call(t, http.MethodGet, "/guest", "")
	if answer.Status < http.StatusInternalServerError {
		t.Errorf("a handler that cannot start answers %d", answer.Status)
	}
	return outage{
		values: map[string]string{
			"<traceId>": traceOf(answer),
			"<id>":      `"$(aws apigateway get-deployments --rest-api-id $API --query 'sort_by(items,&createdDate)[-2].id' --output text)"`,
		},
		over: func() {
			if out, err := s.run(t, "aws", "apigateway", "delete-deployment", "--rest-api-id", id, "--deployment-id", deployment); err != nil {
				t.Errorf("the stage still has the new deployment: %v\n%s", err, out)
			}
		},
	}
}

func traceOf(answer reply) string {
	root, _, _ := strings.Cut(answer.Header.Get("X-Amzn-Trace-Id"), ";")
	return strings.TrimPrefix(root, "Root=")
}

// accessTokenForUser is an app that sends the wrong one of its tokens.
func accessTokenForUser(t *testing.T, s *system) outage {
	tokens := s.member(t).tokens(t)
	if got := s.call(t, http.MethodGet, "/user", tokens.access).Status; got != http.StatusUnauthorized {
		t.Errorf("/user answers %d to an access token", got)
	}
	return outage{over: func() {
		if got := s.call(t, http.MethodGet, "/user", tokens.id).Status; got != http.StatusOK {
			t.Errorf("/user answers %d to an ID token", got)
		}
	}}
}

// slowTable delays the table for longer than the alarm of the API allows.
func slowTable(t *testing.T, s *system) outage {
	token := s.member(t).tokens(t).id
	s.disturb(t, fault{Service: "dynamodb", Action: "Query", Mode: "delay", Milliseconds: 3100})
	answer := s.call(t, http.MethodGet, "/activity", token)
	s.undisturb(t)
	if answer.Status != http.StatusOK {
		t.Errorf("a slow table: %d", answer.Status)
	}
	return outage{values: map[string]string{"<traceId>": traceOf(answer)}, over: func() {
		if got := s.call(t, http.MethodGet, "/activity", token).Status; got != http.StatusOK {
			t.Errorf("/activity answers %d", got)
		}
	}}
}

// invalidAppEvent is a guest's message with one field too many.
func invalidAppEvent(t *testing.T, s *system) outage {
	body := `{"name":"` + uuid.NewString()[:8] + `","who":"user"}`
	s.guest(t).send(t, guestQueue, body)
	s.inQueue(t, s.env[guestQueue]+"-dlq", body)
	return outage{over: func() {}}
}

// tokensOverBudget uses up the budget of the machine client in the ledger's rows of this
// hour and the next, and then gets a token.
func tokensOverBudget(t *testing.T, s *system) outage {
	c, table, client := s.clients(t), s.parameter(t, "user-events", "ledger-table-name"), s.env["MACHINE_CLIENT_ID"]
	for _, later := range []time.Duration{0, time.Hour} {
		row := "tokens#" + client + "#" + time.Now().Add(later).UTC().Format("2006-01-02T15Z")
		must(c.dynamodb.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &table, Key: map[string]dynamotypes.AttributeValue{"event": &dynamotypes.AttributeValueMemberS{Value: row}},
			UpdateExpression: aws.String("ADD #sum :n"), ExpressionAttributeNames: map[string]string{"#sum": "sum"}, ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":n": &dynamotypes.AttributeValueMemberN{Value: "1000000"}},
		}))(t)
	}
	s.machineToken(t)
	eventually(t, "the alarm on tokens", func() bool { return s.alarm(t, "client-tokens-over-budget") == "ALARM" })
	return outage{values: map[string]string{"<its id>": client}, sees: []string{client}, over: func() {
		for _, later := range []time.Duration{0, time.Hour} {
			row := "tokens#" + client + "#" + time.Now().Add(later).UTC().Format("2006-01-02T15Z")
			must(c.dynamodb.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
				TableName: &table, Key: map[string]dynamotypes.AttributeValue{"event": &dynamotypes.AttributeValueMemberS{Value: row}},
			}))(t)
		}
	}}
}

// foundAttack is somebody who guessed a password, as CloudTrail's records tell, and then
// took a trigger out of the pool.
func foundAttack(t *testing.T, s *system) outage {
	p, last := s.member(t), time.Now().UTC().Add(-25*time.Minute)
	p.signIn(t)
	act := contracts.Act{PoolARN: s.poolARN(), Subject: p.Sub, ClientID: *s.nativeClient()}
	for i := range 12 {
		act.ID, act.Time = uuid.NewString(), last.Add(-time.Duration(i+1)*time.Second)
		s.publishes(t, must(contracts.NewSigninFailed(act, contracts.SigninFailed{Reason: contracts.FailedPassword, Via: contracts.ViaAPI}))(t))
	}
	act.ID, act.Time = uuid.NewString(), last
	s.publishes(t, must(contracts.NewSigninSucceeded(act, contracts.SigninSucceeded{}))(t))
	detachedTrigger(t, s)
	trail := &actors.Trail{Table: s.clients(t).dynamodb, Name: s.env["AUDIT_TABLE"]}
	progress(t, func() (string, bool) {
		rows, err := trail.Of(t.Context(), p.Sub)
		out, _ := s.gatehouse(t, "audit", "show", "--type", "pool.changed")
		return fmt.Sprintf("%d audit rows, and\n%s", len(rows), out), err == nil && len(rows) >= 15 && strings.Contains(out, "pool.changed")
	})
	from, to := last.Add(-5*time.Minute).Format(time.RFC3339), last.Add(10*time.Minute).Format(time.RFC3339)
	progress(t, func() (string, bool) {
		out, err := s.gatehouse(t, "findings", "announce", "--environment", "local", "--from", from, "--to", to)
		check(t, err)
		found := must(s.gatehouse(t, "findings", "list", "--json"))(t)
		return out + found, strings.Contains(found, p.Sub)
	})
	return outage{
		values: map[string]string{"SUB=5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11": "SUB=" + p.Sub, "2026-11-22T03:00:00Z": from, "2026-11-22T09:00:00Z": to},
		sees:   []string{p.Sub},
		over: func() {
			if err := p.SignInByPassword(t.Context(), password); err == nil || !strings.Contains(err.Error(), "PasswordReset") {
				t.Errorf("after the reset the password: %v", err)
			}
		},
	}
}

func (s *system) publishes(t *testing.T, ev event.Event) {
	t.Helper()
	must(s.clients(t).sns.Publish(t.Context(), publish.Message(s.env["TOPIC_ARN"], ev, string(must(contracts.Encode(ev))(t)))))(t)
}

// brokenTrigger is a deployment of a trigger that cannot start.
func brokenTrigger(t *testing.T, s *system) outage {
	p := s.member(t)
	before := s.breaks(t, "gatehouse-local-signin-audit-preauthentication")
	if err := p.SignInByPassword(t.Context(), password); err == nil {
		t.Error("somebody signs in although the trigger cannot start")
	}
	return outage{values: map[string]string{"<previous version>": before}, over: func() { p.signIn(t) }}
}

// recordsOff is a rule that is disabled, and a trail that does not log.
func recordsOff(t *testing.T, s *system) outage {
	rule, trail := "gatehouse-local-signin-audit-signin-records", "gatehouse-e2e"
	must(s.clients(t).events.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: &rule}))(t)
	if out, err := s.run(t, "aws", "cloudtrail", "create-trail", "--name", trail, "--s3-bucket-name", trail); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := s.member(t)
	return outage{values: map[string]string{"<name of the trail>": trail}, over: func() {
		if logs, err := s.run(t, "aws", "cloudtrail", "get-trail-status", "--name", trail, "--query", "IsLogging"); err != nil || strings.TrimSpace(logs) != "true" {
			t.Errorf("the trail logs: %s, %v", logs, err)
		}
		if out, err := s.run(t, "aws", "cloudtrail", "delete-trail", "--name", trail); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		if err := p.SignInByPassword(t.Context(), "a wrong one"); err == nil {
			t.Error("a wrong password signs in")
		}
		progress(t, func() (string, bool) {
			rows, err := s.gatehouse(t, "audit", "show", "--user", p.Sub)
			return rows, err == nil && strings.Contains(rows, "user.signin.failed")
		})
	}}
}

// slowTopic is a topic that answers nothing while a person signs in, until the trigger gives
// up and sends the event to the outbox.
func slowTopic(t *testing.T, s *system) outage {
	p, meter := s.member(t), actors.NewMeter(s.clients(t).cloudwatch, "local", began)
	before := must(meter.Sum(t.Context(), publish.MetricFellBack))(t)
	s.disturb(t, fault{Service: "sns", Action: "Publish", Mode: "hang"})
	p.signIn(t)
	eventually(t, "the metric", func() bool { return must(meter.Sum(t.Context(), publish.MetricFellBack))(t) > before })
	return outage{over: func() {
		s.undisturb(t)
		p.signIn(t)
		if out, err := s.gatehouse(t, "drift", "--repair", "--yes"); err != nil {
			t.Errorf("attach the trigger again: %v\n%s", err, out)
		}
	}}
}

// unknownAccountRecord is a record of an operation that account-records does not know, and
// one that it knows and that failed too often.
func unknownAccountRecord(t *testing.T, s *system) outage {
	queue, id := s.queue(t, "user-events-account-records"), uuid.NewString()
	record := s.unknownRecord(id)
	failed := fmt.Sprintf("%*s", 1+time.Now().Nanosecond()%1000, "") + string(must(os.ReadFile("../lambdakit/cloudtrail/testdata/confirm-post.json"))(t))
	must(s.operator(t).clients(t).sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &record}))(t)
	must(s.consumer(t, queue).clients(t).sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(queue + "-dlq"), MessageBody: &failed}))(t)
	s.inQueue(t, queue+"-dlq", record, failed)
	file := filepath.Join(t.TempDir(), "record.json")
	check(t, os.WriteFile(file, []byte(record), 0o600))
	return outage{values: map[string]string{"record.json": file}, sees: []string{id}, over: func() {
		// Until somebody deploys a function that knows the operation, it comes back.
		s.inQueue(t, queue+"-dlq", record)
		progress(t, func() (string, bool) {
			out, err := s.events(t, "dead", "drop", nameOf(queue)+"-dlq", id, "--yes")
			return out, err == nil
		})
	}}
}

// unknownSigninRecord is a record of an operation that signin-records does not know.
func unknownSigninRecord(t *testing.T, s *system) outage {
	queue, id := s.queue(t, "signin-audit-signin-records"), uuid.NewString()
	record := s.unknownRecord(id)
	must(s.operator(t).clients(t).sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &record}))(t)
	s.inQueue(t, queue+"-dlq", record)
	return outage{values: map[string]string{"<id>": id}, sees: []string{id}, over: func() {}}
}

// failedExport writes what the consumer does when the endpoint refuses counts. The local
// system has OtlpMetrics off.
func failedExport(t *testing.T, s *system) outage {
	s.logs(t, "/gatehouse/local/user-events/metrics", `{"level":"ERROR","message":"counts not exported","error":"otlp: status 503"}`, time.Now())
	s.counts(t, "MetricExportsFailed")
	return outage{over: func() {}}
}

// oldSystemDown writes what the trigger does when the old system fails. The local system has
// none, but its table.
func oldSystemDown(t *testing.T, s *system) outage {
	s.logs(t, "/gatehouse/local/migration/usermigration", `{"level":"ERROR","message":"refused","code":"failed","error":"usermigration: the answer has the status 503"}`, time.Now())
	s.counts(t, "MigrationsFailed")
	return outage{over: func() {}}
}
