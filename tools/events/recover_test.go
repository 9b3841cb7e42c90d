package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/publish"
)

// groups are log groups in memory; each answers one line a page. Lines were written an hour
// before now, or when `at` says.
type groups struct {
	lines map[string][]string
	at    map[string]time.Time
	asked []*cloudwatchlogs.FilterLogEventsInput
	// gone is a group that is deleted after it was listed.
	gone string
}

func (g *groups) DescribeLogGroups(_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	out := &cloudwatchlogs.DescribeLogGroupsOutput{}
	for _, name := range slices.Sorted(maps.Keys(g.lines)) {
		if strings.HasPrefix(name, *in.LogGroupNamePrefix) {
			out.LogGroups = append(out.LogGroups, types.LogGroup{LogGroupName: &name})
		}
	}
	return out, nil
}

func (g *groups) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	g.asked = append(g.asked, in)
	if *in.LogGroupName == g.gone {
		return nil, fmt.Errorf("operation error: %w", &types.ResourceNotFoundException{})
	}
	next, _ := strconv.Atoi(aws.ToString(in.NextToken))
	out := &cloudwatchlogs.FilterLogEventsOutput{}
	if lines := g.lines[*in.LogGroupName]; next < len(lines) {
		at, known := g.at[lines[next]]
		if !known {
			at = noon.Add(-time.Hour)
		}
		if strings.Contains(lines[next], strings.Trim(*in.FilterPattern, `"`)) {
			out.Events = []types.FilteredLogEvent{{Message: &lines[next], Timestamp: aws.Int64(at.UnixMilli())}}
		}
		if next+1 < len(lines) {
			out.NextToken = aws.String(strconv.Itoa(next + 1))
		}
	}
	return out, nil
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// rows is the ledger's table in memory.
type rows struct {
	items map[string]map[string]dynamotypes.AttributeValue
	fail  bool
}

func newRows() *rows { return &rows{items: map[string]map[string]dynamotypes.AttributeValue{}} }

func (r *rows) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if r.fail {
		return nil, errors.New("no")
	}
	return &dynamodb.GetItemOutput{Item: r.items[in.Key["event"].(*dynamotypes.AttributeValueMemberS).Value]}, nil
}

func (r *rows) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if r.fail {
		return nil, errors.New("no")
	}
	r.items[in.Item["event"].(*dynamotypes.AttributeValueMemberS).Value] = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

// claim is what the metrics consumer writes.
func (r *rows) claim(key string, until time.Time) {
	r.items[key] = map[string]dynamotypes.AttributeValue{
		"event":   &dynamotypes.AttributeValueMemberS{Value: key},
		"expires": &dynamotypes.AttributeValueMemberN{Value: strconv.FormatInt(until.Unix(), 10)},
	}
}

// meter is CloudWatch in memory.
type meter struct {
	values []cloudwatch.PutMetricDataInput
	fail   bool
}

func (m *meter) PutMetricData(_ context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	if m.fail {
		return nil, errors.New("no")
	}
	m.values = append(m.values, *in)
	return &cloudwatch.PutMetricDataOutput{}, nil
}

// box is an outbox in memory.
type box struct {
	bodies []string
	traces []string
	fail   bool
}

func (b *box) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if b.fail {
		return nil, errors.New("no")
	}
	b.bodies = append(b.bodies, *in.MessageBody)
	b.traces = append(b.traces, aws.ToString(in.MessageSystemAttributes["AWSTraceHeader"].StringValue))
	return &sqs.SendMessageOutput{}, nil
}

// logged is what lambdakit/publish logs, in one of the two formats.
func logged(asJSON bool, body string) string {
	var b bytes.Buffer
	var h slog.Handler = slog.NewTextHandler(&b, nil)
	if asJSON {
		h = slog.NewJSONHandler(&b, nil)
	}
	slog.New(h).Error("event kept in this line only; `gatehouse events recover` puts it back",
		publish.UndeliveredKey, json.RawMessage(body), "topicError", "sns: \"x\"", "outboxError", "y")
	return b.String()
}

// bench is a recoverer and what it works with.
type bench struct {
	*Recoverer
	logs  *groups
	box   *box
	rows  *rows
	meter *meter
	out   bytes.Buffer
	now   time.Time
}

func newBench(lines map[string][]string) *bench {
	b := &bench{logs: &groups{lines: lines, at: map[string]time.Time{}}, box: &box{}, rows: newRows(), meter: &meter{}, now: noon}
	now := func() time.Time { return b.now }
	b.Recoverer = &Recoverer{
		Environment: "test", Logs: b.logs, Outbox: b.box, OutboxURL: "url",
		Ledger: &Ledger{Table: b.rows, Name: "ledger", Now: now}, Metrics: b.meter, Out: &b.out, Now: now,
	}
	return b
}

func (b *bench) run(t *testing.T, o RecoverOptions) string {
	t.Helper()
	b.out.Reset()
	if err := b.Recover(t.Context(), o); err != nil {
		t.Errorf("Recover: %v", err)
	}
	return b.out.String()
}

func TestRecover(t *testing.T) {
	t.Parallel()
	// The same id from another source is another event.
	elsewhere := strings.Replace(document("1"), `"source":"s"`, `"source":"another"`, 1)
	b := newBench(map[string][]string{
		"/gatehouse/test/a/f":    {logged(true, document("1")), "START", logged(false, document("2")), logged(true, document("1"))},
		"/gatehouse/test/b/g":    {logged(false, document("3")), logged(true, elsewhere)},
		"/gatehouse/testing/a/f": {logged(true, document("4"))},
	})
	text := b.run(t, RecoverOptions{DryRun: true})
	contains(t, &b.out, "would send 4 events", `would send: "gatehouse.user.created.v1" "2"`, "logged 2026-11-22T11:00:00Z in /gatehouse/test/a/f", `topic "sns: \"x\"", outbox "y"`)
	if len(b.box.bodies)+len(b.rows.items)+len(b.meter.values) != 0 {
		t.Errorf("the dry run changed something: %s", text)
	}
	b.run(t, RecoverOptions{})
	contains(t, &b.out, "sent 4 events", "0 were sent before", "nothing is left")
	got := map[string]bool{}
	for _, body := range b.box.bodies {
		got[body] = true
	}
	want := map[string]bool{document("1"): true, document("2"): true, document("3"): true, elsewhere: true}
	if diff := cmp.Diff(want, got); diff != "" || len(b.box.bodies) != 4 {
		t.Errorf("%d sent (-want +got):\n%s", len(b.box.bodies), diff)
	}
	// The ledger knows what was sent.
	b.run(t, RecoverOptions{DryRun: true})
	contains(t, &b.out, "would send 0 events", "4 were sent before", `was sent: "gatehouse.user.created.v1" "1"`)
	b.run(t, RecoverOptions{})
	contains(t, &b.out, "sent 0 events", "4 were sent before")
	if len(b.box.bodies) != 4 {
		t.Errorf("%d sent after a second run", len(b.box.bodies))
	}
	b.run(t, RecoverOptions{Again: true})
	contains(t, &b.out, "sent 4 events")
	for _, in := range b.logs.asked {
		if in.StartTime != nil {
			t.Errorf("read from %d on, want everything that is kept", *in.StartTime)
		}
	}
	if b.run(t, RecoverOptions{Since: time.Hour}); *b.logs.asked[len(b.logs.asked)-1].StartTime != noon.Add(-time.Hour).UnixMilli() {
		t.Error("--since is not where the logs are read from")
	}
	if len(b.meter.values) != 3 {
		t.Errorf("the alarm was closed %d times, want 3: not in a dry run, and not if older lines were not read", len(b.meter.values))
	}
}

// The metrics have seen an event that its log line says is undelivered: the answer of SNS
// was lost, or a queue has delivered it after all.
// TestRecoverGoesOnWithTheTrace: the drain's run is linked to the run that wrote the line.
func TestRecoverGoesOnWithTheTrace(t *testing.T) {
	t.Parallel()
	traced := strings.Replace(document("1"), "{", `{"traceparent":"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",`, 1)
	b := newBench(map[string][]string{"/gatehouse/test/a/f": {logged(true, traced), logged(true, document("2"))}})
	b.run(t, RecoverOptions{})
	want := []string{"", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}
	if slices.Sort(b.box.traces); !slices.Equal(b.box.traces, want) {
		t.Errorf("traces %q, want %q", b.box.traces, want)
	}
}

func TestRecoverAsksWhatHasArrived(t *testing.T) {
	t.Parallel()
	b := newBench(map[string][]string{"/gatehouse/test/a/f": {logged(true, document("1")), logged(true, document("2"))}})
	b.rows.claim("s#1", noon.Add(time.Hour))
	b.rows.claim("s#2", noon.Add(-time.Hour)) // DynamoDB deletes late
	b.run(t, RecoverOptions{})
	contains(t, &b.out, "sent 1 events", "1 have arrived", "nothing is left")
	if diff := cmp.Diff([]string{document("2")}, b.box.bodies); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	// After a month the claim is gone, and the line is still there.
	b.now = noon.Add(40 * 24 * time.Hour)
	b.run(t, RecoverOptions{})
	contains(t, &b.out, "sent 0 events", "2 were sent before")
	b.rows.fail = true
	if err := b.Recover(t.Context(), RecoverOptions{}); err == nil || !strings.Contains(err.Error(), "--again sends without asking") {
		t.Errorf("error %v, want one that says how to send without the ledger", err)
	}
	b.run(t, RecoverOptions{Again: true})
	contains(t, &b.out, "sent 2 events")
}

func TestRecoverClosesTheAlarmWhenNothingIsLeft(t *testing.T) {
	t.Parallel()
	const group = "/gatehouse/test/a/f"
	fresh, bad := logged(true, document("1")), logged(true, `{"id":"no event"}`)
	for name, tc := range map[string]struct {
		lines       []string
		o           RecoverOptions
		prepare     func(*bench)
		closes      bool
		says, fails string
	}{
		"nothing":             {closes: true, says: "nothing is left"},
		"recovered":           {lines: []string{fresh}, closes: true, says: "nothing is left"},
		"dry_run":             {lines: []string{fresh}, o: RecoverOptions{DryRun: true}, says: "would send 1"},
		"older_lines":         {lines: []string{fresh}, o: RecoverOptions{Since: time.Hour}, says: "leave out --since"},
		"fresh":               {lines: []string{fresh}, prepare: func(b *bench) { b.logs.at[fresh] = noon.Add(-time.Minute) }, says: "run this again in two minutes"},
		"unreadable":          {lines: []string{bad}, says: "unreadable: a line of", fails: "--ignore-unreadable"},
		"unreadable_accepted": {lines: []string{bad}, o: RecoverOptions{IgnoreUnreadable: true}, closes: true, says: "nothing is left"},
		"outbox_refuses":      {lines: []string{fresh}, prepare: func(b *bench) { b.box.fail = true }, fails: "after 0 sent events: sqs.SendMessage"},
		"metric_refused":      {prepare: func(b *bench) { b.meter.fail = true }, fails: "is not closed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(map[string][]string{group: tc.lines})
			if tc.prepare != nil {
				tc.prepare(b)
			}
			err := b.Recover(t.Context(), tc.o)
			if (err != nil) != (tc.fails != "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("error %v, want %q", err, tc.fails)
			}
			contains(t, &b.out, tc.says)
			if (len(b.meter.values) == 1) != tc.closes {
				t.Fatalf("%d values of the metric, want the alarm closed: %v", len(b.meter.values), tc.closes)
			}
			if !tc.closes {
				return
			}
			d := b.meter.values[0].MetricData[0]
			if *b.meter.values[0].Namespace != "Gatehouse" || *d.MetricName != publish.MetricUndelivered || *d.Value != 0 || *d.Dimensions[0].Value != "test" || !d.Timestamp.Equal(noon) {
				t.Errorf("metric %+v", d)
			}
		})
	}
}

// What is logged while the logs are read is recovered too, and not hidden by the value that
// closes the alarm.
func TestRecoverReadsWhatCameMeanwhile(t *testing.T) {
	t.Parallel()
	late := logged(true, document("late"))
	b := newBench(map[string][]string{"/gatehouse/test/a/f": {"START"}})
	passes := 0
	b.Now = func() time.Time { // the first pass takes three minutes
		if passes++; passes == 2 {
			b.now = b.now.Add(3 * time.Minute)
			b.logs.lines["/gatehouse/test/a/f"] = []string{late}
			b.logs.at[late] = noon.Add(30 * time.Second)
		}
		return b.now
	}
	b.run(t, RecoverOptions{})
	contains(t, &b.out, `sent: "gatehouse.user.created.v1" "late"`, "nothing is left")
	if at := b.meter.values[0].MetricData[0].Timestamp; !at.Equal(noon.Add(3 * time.Minute)) {
		t.Errorf("the alarm is closed as of %v", at)
	}
}

func TestRecoverSkipsAGroupThatIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBench(map[string][]string{"/gatehouse/test/a/f": nil, "/gatehouse/test/b/g": {logged(true, document("1"))}})
	b.logs.gone = "/gatehouse/test/a/f"
	b.run(t, RecoverOptions{})
	contains(t, &b.out, "sent 1 events", "nothing is left")
}

// What a person wrote into a logged value must not pass for a kept event.
func TestKeptEventIgnoresQuotedOnes(t *testing.T) {
	t.Parallel()
	for _, asJSON := range []bool{true, false} {
		var b bytes.Buffer
		var h slog.Handler = slog.NewTextHandler(&b, nil)
		if asJSON {
			h = slog.NewJSONHandler(&b, nil)
		}
		slog.New(h).Error("forgiven", "source", ` `+publish.UndeliveredKey+`="{}"`, "more", publish.UndeliveredKey)
		if body, kept := readKept(b.String()); kept {
			t.Errorf("JSON %v: took %q out of %s", asJSON, body.body, &b)
		}
	}
}

func FuzzKeptEvent(f *testing.F) {
	f.Add(logged(true, document("1")))
	f.Add(logged(false, document("1")))
	f.Add(`a="unclosed`)
	f.Add(`=`)
	f.Fuzz(func(t *testing.T, message string) {
		event, kept := readKept(message)
		if !kept && event.body != nil {
			t.Errorf("a body that was not kept: %q", event.body)
		}
	})
}
