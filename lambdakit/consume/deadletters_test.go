package consume_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
)

// grave is a dead-letter queue in memory. It fails the calls after the first `takes`, if
// that is not negative.
type grave struct {
	takes int
	err   error
	// forgets makes it answer without a message id.
	forgets bool
	sent    []*sqs.SendMessageInput
	calls   int
}

func (g *grave) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	g.calls++
	if _, bounded := ctx.Deadline(); !bounded {
		return nil, errors.New("a call without a deadline")
	}
	if g.takes >= 0 && g.calls > g.takes {
		return nil, g.err
	}
	if g.forgets {
		return &sqs.SendMessageOutput{}, nil
	}
	g.sent = append(g.sent, in)
	return &sqs.SendMessageOutput{MessageId: aws.String("dead")}, nil
}

func (g *grave) bodies() []string {
	var out []string
	for _, in := range g.sent {
		out = append(out, *in.MessageBody)
	}
	return out
}

func consumer(g *grave, log, out *bytes.Buffer) *consume.Consumer {
	return &consume.Consumer{
		Name: "user-events-test", Environment: "test", Dead: &consume.DeadLetters{Queue: g, URL: "https://dead"},
		Out: out, Log: slog.New(slog.NewJSONHandler(log, nil)), Now: func() time.Time { return time.UnixMilli(1) },
	}
}

func ids(out events.SQSEventResponse) []string {
	got := []string{}
	for _, f := range out.BatchItemFailures {
		got = append(got, f.ItemIdentifier)
	}
	return got
}

// failing fails the events with these ids: with a reason, or, without one, with an error
// that a later attempt may not meet.
func failing(reasons map[string]string) consume.Func {
	return consume.Each(func(_ context.Context, r consume.Record) error {
		why, fails := reasons[r.Event.ID()]
		switch {
		case !fails:
			return nil
		case why == "":
			return errors.New("table: throttled")
		}
		return fmt.Errorf("wrapped: %w", consume.Poison(why))
	})
}

func TestPoisonIsMoved(t *testing.T) {
	t.Parallel()
	poison := message("7", `{"who":"erika@example.org"}`)
	tests := map[string]struct {
		in      []events.SQSMessage
		reasons map[string]string
		grave   *grave
		failed  []string
		moved   []string // bodies
		metrics string
		calls   int
	}{
		"not_an_event":        {in: []events.SQSMessage{good("1"), poison}, grave: &grave{takes: -1}, failed: []string{}, moved: []string{poison.Body}, metrics: `"EventsDead":1`, calls: 1},
		"by_the_handler":      {in: []events.SQSMessage{good("1"), good("2")}, reasons: map[string]string{"2": "too_long"}, grave: &grave{takes: -1}, failed: []string{}, moved: []string{good("2").Body}, metrics: `"EventsDead":1`, calls: 1},
		"outage":              {in: []events.SQSMessage{good("1"), good("2")}, reasons: map[string]string{"1": "", "2": ""}, grave: &grave{takes: -1}, failed: []string{"1", "2"}, metrics: `"EventsRetried":2`},
		"both":                {in: []events.SQSMessage{poison, good("1"), good("2")}, reasons: map[string]string{"1": ""}, grave: &grave{takes: -1}, failed: []string{"1"}, moved: []string{poison.Body}, metrics: `"EventsDead":1,"EventsRetried":1`, calls: 1},
		"queue_refuses":       {in: []events.SQSMessage{poison, good("1")}, grave: &grave{err: errors.New("https://erika")}, failed: []string{"7"}, metrics: `"EventsRetried":1`, calls: 1},
		"queue_forgets":       {in: []events.SQSMessage{poison}, grave: &grave{takes: -1, forgets: true}, failed: []string{"7"}, metrics: `"EventsRetried":1`, calls: 1},
		"stops_at_the_first":  {in: []events.SQSMessage{poison, message("8", "x"), message("9", "y")}, grave: &grave{takes: 1, err: errors.New("no")}, failed: []string{"8", "9"}, moved: []string{poison.Body}, metrics: `"EventsDead":1,"EventsRetried":2`, calls: 2},
		"nothing_to_move":     {in: []events.SQSMessage{good("1")}, grave: &grave{takes: -1}, failed: []string{}},
		"the_same_copy_twice": {in: []events.SQSMessage{poison, poison}, grave: &grave{takes: -1}, failed: []string{}, moved: []string{poison.Body}, metrics: `"EventsDead":1`, calls: 1},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log, out bytes.Buffer
			got, err := consumer(tc.grave, &log, &out).Batch(t.Context(), events.SQSEvent{Records: tc.in}, failing(tc.reasons))
			if err != nil {
				t.Fatalf("Batch: %v", err)
			}
			if diff := cmp.Diff(tc.failed, ids(got)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.moved, tc.grave.bodies()); diff != "" || tc.grave.calls != tc.calls {
				t.Errorf("%d calls, want %d; moved (-want +got):\n%s", tc.grave.calls, tc.calls, diff)
			}
			if !strings.Contains(out.String(), tc.metrics) || tc.metrics == "" && out.Len() > 0 || tc.metrics != "" && !strings.Contains(out.String(), `"Consumer":"user-events-test"`) {
				t.Errorf("metrics %s, want %s", &out, tc.metrics)
			}
			if strings.Contains(log.String(), "erika") {
				t.Errorf("the log quotes a message or an error's text: %s", &log)
			}
		})
	}
}

func TestMovedMessagesKeepTheirAttributes(t *testing.T) {
	t.Parallel()
	text := func(value string) events.SQSMessageAttribute {
		return events.SQSMessageAttribute{DataType: "String", StringValue: &value}
	}
	many := map[string]events.SQSMessageAttribute{}
	for i := range 10 {
		many[fmt.Sprintf("a%d", i)] = text("x")
	}
	for name, tc := range map[string]struct {
		has  map[string]events.SQSMessageAttribute
		want []string
	}{
		"none":       {nil, []string{"gatehouseReason"}},
		"two":        {map[string]events.SQSMessageAttribute{"type": text("t"), "raw": {DataType: "Binary", BinaryValue: []byte("x")}}, []string{"gatehouseReason", "raw", "type"}},
		"as_many":    {many, []string{"a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "gatehouseReason"}},
		"pretending": {map[string]events.SQSMessageAttribute{"gatehouseReason": text("none")}, []string{"gatehouseReason"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &grave{takes: -1}
			m := message("1", "x")
			m.MessageAttributes = tc.has
			var log, out bytes.Buffer
			if _, err := consumer(g, &log, &out).Batch(t.Context(), events.SQSEvent{Records: []events.SQSMessage{m}}, failing(nil)); err != nil || len(g.sent) != 1 {
				t.Fatalf("Batch: %v, %d moved", err, len(g.sent))
			}
			got := g.sent[0]
			if diff := cmp.Diff(tc.want, slices.Sorted(maps.Keys(got.MessageAttributes))); diff != "" || *got.QueueUrl != "https://dead" {
				t.Errorf("to %s; attributes (-want +got):\n%s", *got.QueueUrl, diff)
			}
			if why := got.MessageAttributes["gatehouseReason"]; *why.DataType != "String" || *why.StringValue != string(consume.NotAnEvent) {
				t.Errorf("reason %q of type %s", *why.StringValue, *why.DataType)
			}
			if a, ok := got.MessageAttributes["raw"]; ok && (string(a.BinaryValue) != "x" || a.StringValue != nil) {
				t.Errorf("a binary attribute became %+v", a)
			}
		})
	}
}

// TestEveryMessageEndsOnce: whatever is in a batch, whatever the handler and the
// dead-letter queue do, each message is handled, or moved, or delivered again. Only
// poison is moved, and it is not delivered again.
func TestEveryMessageEndsOnce(t *testing.T) {
	t.Parallel()
	const histories = 2000
	for seed := range uint64(histories) {
		r := rand.New(rand.NewPCG(seed, 1))
		g := &grave{takes: r.IntN(8) - 1, err: errors.New("no"), forgets: r.IntN(10) == 0}
		reasons, handled := map[string]string{}, map[string]bool{}
		var in []events.SQSMessage
		for i := range r.IntN(12) {
			id := fmt.Sprint(i)
			m := good(id)
			m.MessageAttributes = map[string]events.SQSMessageAttribute{"n": {DataType: "String", StringValue: &id}}
			switch r.IntN(5) {
			case 0:
				m.Body = m.Body[:r.IntN(len(m.Body))]
			case 1:
				at := r.IntN(len(m.Body))
				m.Body = m.Body[:at] + string(rune(r.IntN(0x250))) + m.Body[at+1:]
			case 2:
				reasons[id] = []string{"", "too_long"}[r.IntN(2)]
			}
			in = append(in, m)
		}
		var log, metrics bytes.Buffer
		var mu sync.Mutex // for handled
		out, err := consumer(g, &log, &metrics).Batch(t.Context(), events.SQSEvent{Records: in}, consume.Each(func(_ context.Context, r consume.Record) error {
			why, fails := reasons[r.MessageID]
			mu.Lock()
			handled[r.MessageID] = !fails
			mu.Unlock()
			switch {
			case !fails:
				return nil
			case why == "":
				return errors.New("table: throttled")
			}
			return consume.Poison(why)
		}))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		again, moved := ids(out), map[string]bool{}
		for _, sent := range g.sent {
			moved[*sent.MessageAttributes["n"].StringValue] = true
		}
		for _, m := range in {
			_, undecodable := contracts.Decode([]byte(m.Body))
			poison := undecodable != nil || !handled[m.MessageId] && reasons[m.MessageId] == "too_long"
			ends := map[string]bool{"handled": handled[m.MessageId], "moved": moved[m.MessageId], "again": slices.Contains(again, m.MessageId)}
			n := 0
			for _, end := range ends {
				if end {
					n++
				}
			}
			if n != 1 || ends["moved"] && !poison || poison && ends["handled"] || poison && g.takes < 0 && !g.forgets && ends["again"] {
				t.Fatalf("seed %d: message %s %q ends as %v; poison %v", seed, m.MessageId, m.Body, ends, poison)
			}
		}
	}
}
