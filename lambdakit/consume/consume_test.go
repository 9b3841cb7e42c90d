package consume_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/consume"
)

func good(id string) events.SQSMessage {
	return events.SQSMessage{MessageId: id, Body: `{"specversion":"1.0","id":"` + id + `","source":"/pool","type":"t","data":{}}`}
}

func message(id, body string) events.SQSMessage { return events.SQSMessage{MessageId: id, Body: body} }

// by fails the events with these ids.
func by(ids ...string) consume.Func {
	return consume.Each(func(_ context.Context, r consume.Record) error {
		for _, id := range ids {
			if r.Event.ID() == id {
				return errors.New("failed")
			}
		}
		return nil
	})
}

func TestBatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in     []events.SQSMessage
		handle consume.Func
		want   []string
	}{
		"nothing":         {handle: by()},
		"all_good":        {in: []events.SQSMessage{good("1"), good("2")}, handle: by()},
		"one_fails":       {in: []events.SQSMessage{good("1"), good("2"), good("3")}, handle: by("2"), want: []string{"2"}},
		"all_fail":        {in: []events.SQSMessage{good("1"), good("2")}, handle: by("1", "2"), want: []string{"1", "2"}},
		"poison_alone":    {in: []events.SQSMessage{message("1", "poison")}, handle: by(), want: []string{"1"}},
		"poison_and_good": {in: []events.SQSMessage{message("1", `{"specversion":"1.0","data_base64":1}`), good("2")}, handle: by(), want: []string{"1"}},
		"empty_body":      {in: []events.SQSMessage{message("1", ""), good("2")}, handle: by(), want: []string{"1"}},
		"order_is_kept":   {in: []events.SQSMessage{good("9"), message("5", "x"), good("1")}, handle: by("1", "9"), want: []string{"9", "5", "1"}},
		"same_id_twice":   {in: []events.SQSMessage{good("1"), good("1")}, handle: by("1"), want: []string{"1"}},
		"panic_fails_one": {in: []events.SQSMessage{good("1"), good("2")}, handle: consume.Each(panics("2")), want: []string{"2"}},
		"panic_fails_all": {in: []events.SQSMessage{good("1"), good("2")}, handle: func(context.Context, []consume.Record) map[string]error { panic("erika@example.org") }, want: []string{"1", "2"}},
		"nil_is_success":  {in: []events.SQSMessage{good("1")}, handle: func(context.Context, []consume.Record) map[string]error { return map[string]error{"1": nil} }},
		"unknown_id_given": {in: []events.SQSMessage{good("1")}, handle: func(context.Context, []consume.Record) map[string]error {
			return map[string]error{"7": errors.New("x")}
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			out, err := consume.Batch(t.Context(), slog.New(slog.NewJSONHandler(&log, nil)), events.SQSEvent{Records: tc.in}, tc.handle)
			if err != nil {
				t.Fatalf("Batch: %v", err)
			}
			var got []string
			for _, f := range out.BatchItemFailures {
				got = append(got, f.ItemIdentifier)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if strings.Contains(log.String(), "erika") || strings.Contains(log.String(), "poison") {
				t.Errorf("the log quotes a message or a panic: %s", log.String())
			}
		})
	}
}

func panics(id string) func(context.Context, consume.Record) error {
	return func(_ context.Context, r consume.Record) error {
		if r.MessageID == id {
			var nobody *consume.Record
			_ = nobody.Body
		}
		return nil
	}
}

func TestBatchHandsOverEventsOnly(t *testing.T) {
	t.Parallel()
	var got []string
	in := []events.SQSMessage{message("1", "poison"), good("2"), message("3", "")}
	_, err := consume.Batch(t.Context(), slog.New(slog.DiscardHandler), events.SQSEvent{Records: in}, func(_ context.Context, batch []consume.Record) map[string]error {
		for _, r := range batch {
			got = append(got, r.MessageID)
		}
		return nil
	})
	if diff := cmp.Diff([]string{"2"}, got); err != nil || diff != "" {
		t.Errorf("Batch: %v; handed over (-want +got):\n%s", err, diff)
	}
}

// TestLinesNameTheEvent: whoever has an event's id finds the lines about it, and no line
// has more of a message than that.
func TestLinesNameTheEvent(t *testing.T) {
	t.Parallel()
	const address = "erika@example.org"
	for name, tc := range map[string]struct {
		in     events.SQSMessage
		err    error
		want   map[string]any
		lacked []string
	}{
		"retried":          {good("1"), errors.New("no"), map[string]any{"messageId": "1", "id": "1", "type": "t", "error": "no"}, nil},
		"poison":           {good("1"), consume.Poison("too_long"), map[string]any{"messageId": "1", "id": "1", "type": "t", "reason": "too_long"}, nil},
		"not_an_event":     {message("1", address), nil, map[string]any{"messageId": "1", "reason": "not_an_event"}, []string{"id", "type"}},
		"address_as_id":    {message("1", `{"specversion":"1.0","id":"`+address+`","source":"/pool","type":"`+address+`"}`), errors.New("no"), map[string]any{"id": "unusual", "type": "unusual"}, nil},
		"endless_id":       {good(strings.Repeat("x", 129)), errors.New("no"), map[string]any{"id": "unusual", "type": "t"}, nil},
		"other_characters": {good("a-b.c_d:0"), errors.New("no"), map[string]any{"id": "a-b.c_d:0"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			_, err := consume.Batch(t.Context(), slog.New(slog.NewJSONHandler(&log, nil)), events.SQSEvent{Records: []events.SQSMessage{tc.in}},
				func(context.Context, []consume.Record) map[string]error {
					return map[string]error{tc.in.MessageId: tc.err}
				})
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(log.Bytes(), &got); err != nil {
				t.Fatalf("%v in %s", err, &log)
			}
			for key, value := range tc.want {
				if got[key] != value {
					t.Errorf("%s = %v, want %v", key, got[key], value)
				}
			}
			for _, key := range tc.lacked {
				if got[key] != nil {
					t.Errorf("%s = %v", key, got[key])
				}
			}
			if strings.Contains(log.String(), address) {
				t.Errorf("the line has an address: %s", &log)
			}
		})
	}
}

// TestBatchAnswersWithAList: Lambda takes null for a whole success as well, but
// a reader of the raw answer should see the list.
func TestBatchAnswersWithAList(t *testing.T) {
	t.Parallel()
	out, err := consume.Batch(t.Context(), slog.New(slog.DiscardHandler), events.SQSEvent{}, by())
	if err != nil {
		t.Fatalf("Batch: %v", err)
	}
	raw, err := json.Marshal(out)
	if err != nil || string(raw) != `{"batchItemFailures":[]}` {
		t.Errorf("answer %s (%v)", raw, err)
	}
}

func TestBatchWithoutAnID(t *testing.T) {
	t.Parallel()
	called := false
	_, err := consume.Batch(t.Context(), slog.New(slog.DiscardHandler),
		events.SQSEvent{Records: []events.SQSMessage{good("1"), message("", "x")}},
		func(context.Context, []consume.Record) map[string]error { called = true; return nil })
	if err == nil || called {
		t.Errorf("error %v, handler called %v: a batch that cannot be answered in part must not be handled in part", err, called)
	}
}

func TestRecordsAreAsTheyWereSent(t *testing.T) {
	t.Parallel()
	in := good("1")
	_, err := consume.Batch(t.Context(), slog.New(slog.DiscardHandler), events.SQSEvent{Records: []events.SQSMessage{in}},
		func(_ context.Context, batch []consume.Record) map[string]error {
			if len(batch) != 1 || batch[0].Body != in.Body || batch[0].MessageID != "1" || batch[0].Event.Source() != "/pool" {
				t.Errorf("batch %+v", batch)
			}
			return nil
		})
	if err != nil {
		t.Errorf("Batch: %v", err)
	}
}

// FuzzBatch: for every content of a message, the other one is handled.
func FuzzBatch(f *testing.F) {
	f.Add("1", "poison")
	f.Add("1", `{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":1}`)
	f.Add("2", `{"datacontentencoding":null,"specversion":"0.3","data":1}`)
	f.Fuzz(func(t *testing.T, id, body string) {
		if id == "" || id == "neighbour" {
			return
		}
		seen := false
		in := events.SQSEvent{Records: []events.SQSMessage{message(id, body), good("neighbour")}}
		out, err := consume.Batch(t.Context(), slog.New(slog.DiscardHandler), in,
			consume.Each(func(_ context.Context, r consume.Record) error {
				seen = seen || r.MessageID == "neighbour"
				return nil
			}))
		if err != nil || !seen || len(out.BatchItemFailures) > 1 {
			t.Fatalf("neighbour handled %v, failures %v, error %v", seen, out.BatchItemFailures, err)
		}
	})
}
