package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/template"
)

// everyWidgetHasData does what the story does not, and waits until each of Gatehouse's own
// metrics on each deployed dashboard has data: a name or a dimension that is wrong draws an
// empty graph, and no deployment fails.
func (s *system) everyWidgetHasData(t *testing.T) {
	t.Helper()
	s.rareActs(t)
	drawn := s.drawn(t)
	if len(drawn) < 40 {
		t.Errorf("only %d own lines on all dashboards", len(drawn))
	}
	progress(t, func() (string, bool) {
		written := s.written(t)
		missing := slices.DeleteFunc(slices.Clone(drawn), func(line string) bool { return written[line] })
		return "data of " + strings.Join(missing, ", "), len(missing) == 0
	})
}

// rareActs are those that an hour's story has not: an app's message that is refused, an
// attempt that somebody gave up, a finding, and the schedules of findings and of the sweep.
func (s *system) rareActs(t *testing.T) {
	t.Helper()
	body := `{"name":"` + uuid.NewString()[:8] + `","subject":"erika"}`
	s.guest(t).send(t, guestQueue, body)
	defer s.discard(t, s.env[guestQueue]+"-dlq", body)

	sub := uuid.NewString()
	act := contracts.Act{ID: uuid.NewString(), PoolARN: s.poolARN(), Subject: sub, ClientID: *s.nativeClient(), Time: time.Now().UTC().Add(-30 * time.Minute)}
	attempt, err := contracts.NewSigninAttempted(act, contracts.SigninAttempted{})
	check(t, err)
	finding, err := contracts.NewSecurityFinding(contracts.Act{PoolARN: act.PoolARN, Subject: sub, ClientID: act.ClientID}, contracts.SecurityFinding{
		Rule: contracts.RuleAccountsHeldLocked, Severity: contracts.SeverityMedium, Counts: map[string]int{"hours": 3},
		From: act.Time.Add(-6 * time.Hour).Format(time.RFC3339), To: act.Time.Format(time.RFC3339),
	})
	check(t, err)
	c := s.clients(t)
	for _, ev := range []event.Event{attempt, finding} {
		text, err := contracts.Encode(ev)
		check(t, err)
		must(c.sns.Publish(t.Context(), publish.Message(s.env["TOPIC_ARN"], ev, string(text))))(t)
	}
	trail := &actors.Trail{Table: c.dynamodb, Name: s.env["AUDIT_TABLE"]}
	progress(t, func() (string, bool) {
		rows, err := trail.Of(t.Context(), sub)
		return "audit rows", err == nil && len(rows) == 2
	})
	payload := must(os.ReadFile(filepath.Join(s.root, "services", "signin-audit", "events", "findings.json")))(t)
	out := must(c.lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("gatehouse-local-signin-audit-findings:live"), Payload: payload}))(t)
	if out.FunctionError != nil {
		t.Errorf("findings: %s", out.Payload)
	}
	s.sweep(t)
}

// own is a line of Gatehouse in the dashboards, and the search is one of several lines.
var own = regexp.MustCompile(`\{Gatehouse,([A-Za-z,]+)\} MetricName=(.+) Environment=`)

// drawn are the own lines of all deployed dashboards: the name of the metric and those of
// its dimensions.
func (s *system) drawn(t *testing.T) []string {
	t.Helper()
	c := s.clients(t).cloudwatch
	var out []string
	names := s.dashboards(t)
	for _, name := range names {
		raw := must(c.GetDashboard(t.Context(), &cloudwatch.GetDashboardInput{DashboardName: &name}))(t).DashboardBody
		var body struct {
			Widgets []struct {
				Properties struct{ Metrics [][]any }
			}
		}
		check(t, json.Unmarshal([]byte(aws.ToString(raw)), &body))
		for _, w := range body.Widgets {
			for _, line := range w.Properties.Metrics {
				out = append(out, ownLines(line)...)
			}
		}
	}
	if len(names) < 4 {
		t.Errorf("%d dashboards, want one of each of four services", len(names))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// dashboards are the names of the dashboards in all templates. The emulator lists them with
// times that the SDK cannot read.
func (s *system) dashboards(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, file := range must(filepath.Glob(filepath.Join(s.root, "services", "*", "*.yaml")))(t) {
		for _, d := range must(template.ReadFile(file))(t).Resources("AWS::CloudWatch::Dashboard") {
			out = append(out, strings.ReplaceAll(template.Text(d.Prop("DashboardName")), "${Environment}", "local"))
		}
	}
	return out
}

// ownLines are the metrics of Gatehouse that a line of a widget draws.
func ownLines(line []any) []string {
	if options, ok := line[0].(map[string]any); ok {
		m := own.FindStringSubmatch(fmt.Sprint(options["expression"]))
		if m == nil {
			return nil
		}
		var out []string
		for _, name := range regexp.MustCompile(`\w{3,}`).FindAllString(m[2], -1) { // not OR
			out = append(out, name+" "+m[1])
		}
		return out
	}
	if line[0] != emf.Namespace {
		return nil
	}
	return []string{fmt.Sprintf("%s %s", line[1], line[2])}
}

// written are the metrics of Gatehouse that have data in this environment.
func (s *system) written(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	pages := cloudwatch.NewListMetricsPaginator(s.clients(t).cloudwatch, &cloudwatch.ListMetricsInput{Namespace: aws.String(emf.Namespace)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.WithoutCancel(t.Context()))
		check(t, err)
		for _, m := range page.Metrics {
			var dims []string
			for _, d := range m.Dimensions {
				dims = append(dims, *d.Name)
			}
			slices.Sort(dims)
			if slices.ContainsFunc(m.Dimensions, func(d cwtypes.Dimension) bool { return *d.Name == "Environment" && *d.Value == "local" }) {
				out[*m.MetricName+" "+strings.Join(dims, ",")] = true
			}
		}
	}
	return out
}
