package events

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/consume"
)

const source, dlq = "gatehouse-test-a-work", "gatehouse-test-a-work-dlq"

func TestReplay(t *testing.T) {
	t.Parallel()
	const poison = "ann@example.org"
	for _, tc := range []struct {
		name         string
		bodies       []string
		o            replayOptions
		moved, stays int
		err          string
	}{
		{"all", []string{document("1"), document("2")}, replayOptions{}, 2, 0, ""},
		{"empty", nil, replayOptions{}, 0, 0, ""},
		{"more_than_a_batch", documents(25), replayOptions{}, 25, 0, ""},
		{"limited", []string{document("1"), document("2"), document("3")}, replayOptions{limit: 2}, 2, 1, ""},
		{"dry_run", []string{document("1"), document("2")}, replayOptions{dryRun: true}, 0, 2, ""},
		{"poison_stays", []string{poison, document("1")}, replayOptions{}, 1, 1, "--force"},
		{"record_of_cloudtrail", []string{`{"eventSource":"cognito-idp.amazonaws.com","eventType":"AwsApiCall","eventName":"New","eventID":"e","eventTime":"2026-11-22T09:30:00Z"}`}, replayOptions{}, 1, 0, ""},
		{"poison_forced", []string{poison, document("1")}, replayOptions{force: true}, 2, 0, ""},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			b := newBroker()
			b.link(source, dlq)
			b.put(dlq, tc.bodies...)
			var out bytes.Buffer
			err := (&replayer{client: b, out: &out}).replay(t.Context(), found(t, b, source), tc.o)
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
			got := []int{len(b.queues[source]), len(b.queues[dlq])}
			if diff := cmp.Diff([]int{tc.moved, tc.stays}, got); diff != "" {
				t.Errorf("moved and staying (-want +got):\n%s", diff)
			}
			for _, m := range b.queues[dlq] {
				if _, held := b.held[*m.ReceiptHandle]; held {
					t.Errorf("a message that stays is hidden")
				}
			}
			for _, m := range b.queues[source] {
				if *m.MessageAttributes["type"].StringValue != "t" {
					t.Error("message attributes were lost")
				}
			}
			if strings.Contains(out.String(), poison) {
				t.Errorf("the body of an invalid message is shown:\n%s", &out)
			}
		})
	}
}

// bubble runs a subtest whose clock moves when everything waits.
func bubble(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, f)
	})
}

// An answer that has no message, or only known ones, is not an empty queue.
func TestReplayReadsTheWholeQueue(t *testing.T) {
	t.Parallel()
	many := make([]string, 40)
	for i := range many {
		many[i] = document(strconv.Itoa(i))
	}
	for _, tc := range []struct {
		name    string
		bodies  []string
		prepare func(*broker)
		stays   int
		err     string
	}{
		{"empty_answers", many, func(b *broker) { b.empty = 3 }, 0, ""},
		// What stays is visible again before the rest was read.
		{"refused_come_back", slices.Concat([]string{"x"}, many), func(b *broker) { b.slow = 25 * time.Second }, 1, "1 messages in"},
		{"a_batch_of_refused_comes_back", slices.Concat(slices.Repeat([]string{"x"}, 10), many), func(b *broker) { b.slow = 25 * time.Second }, 10, "10 messages in"},
		{"held_for_a_while", many, func(b *broker) { b.hide(dlq, 5, time.Minute) }, 0, ""},
		{"held_for_an_hour", many, func(b *broker) { b.hide(dlq, 5, time.Hour) }, 5, "about 5 more"},
		// A moved message is delivered once more: it is not moved a second time.
		{"copy_of_a_moved_one", many, func(b *broker) { b.again = true }, 0, ""},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			b := newBroker()
			b.link(source, dlq)
			b.put(dlq, tc.bodies...)
			tc.prepare(b)
			err := (&replayer{client: b, out: &bytes.Buffer{}}).replay(t.Context(), found(t, b, source), replayOptions{})
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
			got := []int{len(b.queues[source]), len(b.queues[dlq])}
			if diff := cmp.Diff([]int{len(tc.bodies) - tc.stays, tc.stays}, got); diff != "" {
				t.Errorf("moved and staying (-want +got):\n%s", diff)
			}
		})
	}
}

// Nothing is deleted that the source queue has not taken.
func TestReplayLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testReplayLosesNothing)
}

func testReplayLosesNothing(t *testing.T) {
	b := newBroker()
	b.link(source, dlq)
	b.put(dlq, document("1"), document("2"), document("3"))
	b.failSend = 1
	q := found(t, b, dlq)
	err := (&replayer{client: b, out: &bytes.Buffer{}}).replay(t.Context(), q, replayOptions{})
	if err == nil || !strings.Contains(err.Error(), "after 1 moved") {
		t.Errorf("error %v, want one that says how far it came", err)
	}
	want := []string{"send " + document("1"), "delete " + document("1")}
	if diff := cmp.Diff(want, b.log); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if err := (&replayer{client: b, out: &bytes.Buffer{}}).replay(t.Context(), q, replayOptions{}); err != nil || len(b.queues[source]) != 3 {
		t.Errorf("second run: error %v, %d messages moved in all, want 3", err, len(b.queues[source]))
	}
}

func TestReplayNeedsOneSource(t *testing.T) {
	t.Parallel()
	b := newBroker()
	b.link(source, dlq)
	b.link("gatehouse-test-other", dlq)
	err := (&replayer{client: b, out: &bytes.Buffer{}}).replay(t.Context(), found(t, b, dlq), replayOptions{})
	if err == nil || !strings.Contains(err.Error(), "2 queues") {
		t.Errorf("error %v", err)
	}
}

func TestReplayDenied(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"AccessDenied": "the policy of " + source + " does not let the operator send", "AccessDeniedException": "apps only", "Throttling": "after 0 moved messages: sqs.SendMessage: api error Throttling",
	} {
		b := newBroker()
		b.link(source, dlq)
		b.put(dlq, document("1"))
		b.deny = code
		err := (&replayer{client: b, out: &bytes.Buffer{}}).replay(t.Context(), found(t, b, source), replayOptions{})
		if err == nil || !strings.Contains(err.Error(), want) || len(b.queues[dlq]) != 1 {
			t.Errorf("%s: error %v, want one with %q; %d messages left", code, err, want, len(b.queues[dlq]))
		}
	}
}

// TestReplayGoesOnWithTheTrace: the run that gets the copy is linked to the sender's trace.
func TestReplayGoesOnWithTheTrace(t *testing.T) {
	t.Parallel()
	const header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	b := newBroker()
	b.link(source, dlq)
	b.put(dlq, document("1"), document("2"))
	b.queues[dlq][0].Attributes["AWSTraceHeader"] = header
	if err := (&replayer{client: b, out: &bytes.Buffer{}}).replay(t.Context(), found(t, b, source), replayOptions{}); err != nil || len(b.queues[source]) != 2 {
		t.Fatalf("%v, %d moved", err, len(b.queues[source]))
	}
	var got []string
	for _, m := range b.queues[source] {
		got = append(got, m.Attributes["AWSTraceHeader"])
	}
	if slices.Sort(got); !slices.Equal(got, []string{"", header}) {
		t.Errorf("traces %q", got)
	}
}

// TestReplayDropsTheReason: it is about the last time.
func TestReplayDropsTheReason(t *testing.T) {
	t.Parallel()
	b := newBroker()
	b.link(source, dlq)
	b.put(dlq, document("1"))
	b.queues[dlq][0].MessageAttributes[consume.ReasonAttribute] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("type_too_long")}
	var out bytes.Buffer
	r := &replayer{client: b, out: &out}
	if err := r.replay(t.Context(), found(t, b, source), replayOptions{dryRun: true}); err != nil {
		t.Fatal(err)
	}
	contains(t, &out, `moved for "type_too_long"`)
	if err := r.replay(t.Context(), found(t, b, source), replayOptions{}); err != nil || len(b.queues[source]) != 1 {
		t.Fatalf("%v, %d moved", err, len(b.queues[source]))
	}
	got := b.queues[source][0].MessageAttributes
	if _, kept := got[consume.ReasonAttribute]; kept || got["type"].StringValue == nil {
		t.Errorf("attributes %v", got)
	}
}

// documents are n different events.
func documents(n int) []string {
	var out []string
	for i := range n {
		out = append(out, document(strconv.Itoa(i)))
	}
	return out
}

// returning is a broker whose consumer moves each message back at once.
type returning struct{ *broker }

func (b returning) SendMessage(ctx context.Context, in *sqs.SendMessageInput, o ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	out, err := b.broker.SendMessage(ctx, in, o...)
	b.put(dlq, *in.MessageBody)
	last := &b.queues[dlq][len(b.queues[dlq])-1]
	last.MessageId = aws.String("back" + strconv.Itoa(len(b.log)))
	last.ReceiptHandle = aws.String(dlq + "/" + *last.MessageId)
	return out, err
}

// TestReplayEnds although the consumer cannot handle what was moved.
func TestReplayEnds(t *testing.T) {
	t.Parallel()
	b := returning{newBroker()}
	b.link(source, dlq)
	b.put(dlq, document("1"), document("2"))
	var out bytes.Buffer
	err := (&replayer{client: b, out: &out}).replay(t.Context(), found(t, b.broker, source), replayOptions{})
	if err == nil || !strings.Contains(err.Error(), "2 messages in "+dlq+" are equal to moved ones") || len(b.queues[source]) != 2 || len(b.queues[dlq]) != 2 {
		t.Errorf("error %v; %d moved, %d stay", err, len(b.queues[source]), len(b.queues[dlq]))
	}
	contains(t, &out, "met again:", "moved 2 from")
}

// TestNewcomer: a message of the trigger UserMigration may be sent again, and its address is
// not printed.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	const arn = `"arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Ab129faBb"`
	for body, want := range map[string]bool{
		`{"pool":` + arn + `,"address":"ada@example.org","at":"2026-11-30T09:00:00Z"}`:         true,
		`{"pool":` + arn + `,"address":"ada@example.org","at":"2026-11-30T09:00:00Z","x":"y"}`: false,
		`{"pool":` + arn + `,"address":"ada@example.org"}`:                                     false,
		`{"pool":"p","address":"ada@example.org","at":"2026-11-30T09:00:00Z"}`:                 false,
		`{"not":"an event"}`: false,
	} {
		what, ok := content(types.Message{Body: &body})
		if ok != want || strings.Contains(what, "ada") {
			t.Errorf("%s: %s, %v", body, what, ok)
		}
	}
}
