package clientevents_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/services/user-events/internal/clientevents"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
)

const guests, users = "arn:aws:sqs:eu-central-1:111122223333:guests", "arn:aws:sqs:eu-central-1:111122223333:users"

// fixture is a fake of all that a Consumer needs.
type fixture struct {
	sent    []event.Event
	outcome publish.Outcome
	fail    func(event.Event) error
	pool    error
	left    int
	limit   error
	asked   []string
	lines   strings.Builder
	logs    strings.Builder
	takes   time.Duration
	// dead are the bodies in the dead-letter queues, after their addresses.
	dead []string
	// full makes those queues refuse.
	full bool
}

func (w *fixture) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if w.full {
		return nil, errors.New("no")
	}
	w.dead = append(w.dead, *in.QueueUrl+" "+*in.MessageBody)
	return &sqs.SendMessageOutput{MessageId: aws.String("dead")}, nil
}

func (w *fixture) Publish(_ context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	<-time.After(w.takes)
	outcomes, errs := make([]publish.Outcome, len(evs)), make([]error, len(evs))
	for i, ev := range evs {
		if w.fail != nil {
			if errs[i] = w.fail(ev); errs[i] != nil {
				continue
			}
		}
		w.sent = append(w.sent, ev)
		outcomes[i] = w.outcome
	}
	return outcomes, errors.Join(errs...)
}

func (w *fixture) Values(context.Context) ([]string, error) { return []string{queuetest.Pool}, w.pool }

func (w *fixture) Take(_ context.Context, who string, n int, _ time.Time) (int, error) {
	<-time.After(w.takes)
	w.asked = append(w.asked, who+" "+strconv.Itoa(n))
	n = min(n, w.left)
	w.left -= n
	return n, w.limit
}

func newFixture() *fixture { return &fixture{outcome: publish.Published, left: 100} }

// from is a batch of a queue.
func from(queue string, bodies ...string) events.SQSEvent {
	in := queuetest.Batch(bodies...)
	for i := range in.Records {
		in.Records[i].EventSourceARN = queue
		in.Records[i].Attributes = map[string]string{
			"SentTimestamp": strconv.FormatInt(queuetest.Time().UnixMilli(), 10),
		}
	}
	return in
}

func (w *fixture) handle(ctx context.Context, in events.SQSEvent) ([]string, error) {
	c := &clientevents.Consumer{
		Queues:    map[string]string{guests: contracts.WhoGuest, users: contracts.WhoUser},
		Dead:      map[string]*consume.DeadLetters{guests: {Queue: w, URL: "guest-dlq"}, users: {Queue: w, URL: "user-dlq"}},
		Publisher: w, Platform: w, Limiter: w, Environment: "test", Out: &w.lines,
		Log: slog.New(slog.NewJSONHandler(&w.logs, nil)), Now: queuetest.Time,
	}
	out, err := c.Handle(ctx, in)
	return queuetest.Failed(out), err
}

func TestHandle_event(t *testing.T) {
	t.Parallel()
	for queue, who := range map[string]string{guests: contracts.WhoGuest, users: contracts.WhoUser} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			w := newFixture()
			failed, err := w.handle(t.Context(), from(queue, `{"name":"cart.opened","data":{"items":3}}`))
			if err != nil || len(failed) != 0 || len(w.sent) != 1 {
				t.Fatalf("failed %v, %v; published %d", failed, err, len(w.sent))
			}
			want := queuetest.Must(t)(contracts.NewAppEvent(
				contracts.Act{ID: "m0", PoolARN: queuetest.Pool, Time: queuetest.Time()},
				contracts.AppEvent{Who: who, Name: "cart.opened", Values: map[string]any{"items": int64(3)}}))
			if diff := cmp.Diff(queuetest.Body(t, want), queuetest.Body(t, w.sent[0])); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{who + " 1"}, w.asked); diff != "" {
				t.Errorf("limits asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHandle_failures(t *testing.T) {
	t.Parallel()
	good, bad := `{"name":"a"}`, `{"name":"a","subject":"erika"}`
	second := func(ev event.Event) error {
		if ev.ID() == "m2" {
			return errors.New("down")
		}
		return nil
	}
	for name, tc := range map[string]struct {
		world     fixture
		want      []string
		published int
		stays     bool
	}{
		"poison_is_moved":        {world: fixture{outcome: publish.Published, left: 9}, want: []string{}, published: 2},
		"outbox_is_good_enough":  {world: fixture{outcome: publish.FellBack, left: 9}, want: []string{}, published: 2},
		"log_line_is_not":        {world: fixture{outcome: publish.Logged, left: 9}, want: []string{"m0", "m2"}, published: 2},
		"one_is_not_published":   {world: fixture{outcome: publish.Published, left: 9, fail: second}, want: []string{"m2"}, published: 1},
		"one_over_the_limit":     {world: fixture{outcome: publish.Published, left: 1}, want: []string{"m2"}, published: 1},
		"limit_reached":          {world: fixture{outcome: publish.Published}, want: []string{"m0", "m2"}},
		"limit_cannot_be_read":   {world: fixture{outcome: publish.Published, left: 9, limit: errors.New("down")}, want: []string{"m0", "m2"}},
		"plenty_of_time_and_all": {world: fixture{outcome: publish.Published, left: 2}, want: []string{}, published: 2},
		"poison_cannot_be_moved": {world: fixture{outcome: publish.Published, left: 9, full: true}, want: []string{"m1"}, published: 2, stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &tc.world
			failed, err := w.handle(t.Context(), from(guests, good, bad, good))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, failed); diff != "" || len(w.sent) != tc.published {
				t.Errorf("published %d; failed (-want +got):\n%s", len(w.sent), diff)
			}
			if dead := slices.Equal(w.dead, []string{"guest-dlq " + bad}); dead == tc.stays {
				t.Errorf("dead letters %q", w.dead)
			}
			if strings.Contains(w.logs.String(), "erika") {
				t.Errorf("the log quotes a message: %s", w.logs.String())
			}
		})
	}
}

// What makes no sense fails as a whole, and loudly.
func TestHandle_batches_that_are_not_ours(t *testing.T) {
	t.Parallel()
	mixed := from(guests, `{"name":"a"}`, `{"name":"a"}`)
	mixed.Records[1].EventSourceARN = users
	nameless := from(guests, `{"name":"a"}`)
	nameless.Records[0].MessageId = ""
	noPool := newFixture()
	noPool.pool = errors.New("ParameterNotFound")
	for name, tc := range map[string]struct {
		world *fixture
		in    events.SQSEvent
	}{
		"other_queue": {newFixture(), from(guests+"2", `{"name":"a"}`)},
		"two_queues":  {newFixture(), mixed},
		"no_id":       {newFixture(), nameless},
		"no_pool_yet": {noPool, from(guests, `{"name":"a"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := tc.world.handle(t.Context(), tc.in); err == nil || len(tc.world.sent) != 0 {
				t.Errorf("error %v, published %d", err, len(tc.world.sent))
			}
		})
	}
	if failed, err := newFixture().handle(t.Context(), events.SQSEvent{}); err != nil || len(failed) != 0 {
		t.Errorf("an empty batch: %v, %v", failed, err)
	}
	unstamped := from(guests, `{"name":"a"}`)
	delete(unstamped.Records[0].Attributes, "SentTimestamp")
	w := newFixture()
	if failed, err := w.handle(t.Context(), unstamped); err != nil || len(failed) != 0 || len(w.dead) != 1 {
		t.Errorf("without a time: %v, %v, %d dead letters", failed, err, len(w.dead))
	}
}

// A refusal counts once, when the message is in the dead-letter queue. What is over the
// limit did not fail.
func TestHandle_metrics(t *testing.T) {
	t.Parallel()
	const retried, dead = consume.MetricRetried + "/user-events-client-events", consume.MetricDead + "/user-events-client-events"
	for name, tc := range map[string]struct {
		world fixture
		want  map[string]float64
	}{
		"refused":    {fixture{left: 9}, map[string]float64{dead: 3, metrics.AppEventsRefused: 3, metrics.AppEventsRefused + "/bad_name": 2, metrics.AppEventsRefused + "/not_json": 1}},
		"not_moved":  {fixture{left: 9, full: true}, map[string]float64{retried: 3}},
		"over":       {fixture{left: 1, full: true}, map[string]float64{metrics.AppEventsDelayed: 1, retried: 3}},
		"limit_down": {fixture{left: 1, full: true, limit: errors.New("down")}, map[string]float64{retried: 5}},
		"topic_down": {fixture{left: 9, full: true, fail: func(event.Event) error { return errors.New("down") }}, map[string]float64{retried: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &tc.world
			w.outcome = publish.Published
			if _, err := w.handle(t.Context(), from(users, `{}`, `{"name":"a"}`, `{`, `{"name":7}`, `{"name":"b"}`)); err != nil {
				t.Fatal(err)
			}
			got := queuetest.Sums(t, w.lines.String())
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHandle_takes_two_calls holds the README's table of capacities to the code: the
// limit, and then all events together.
func TestHandle_takes_two_calls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const batch, call = 10, 5 * time.Millisecond
		w := newFixture()
		w.takes = call
		start := time.Now()
		failed, err := w.handle(t.Context(), from(guests, slices.Repeat([]string{`{"name":"cart.opened"}`}, batch)...))
		if err != nil || len(failed) != 0 || len(w.sent) != batch || time.Since(start) != 2*call {
			t.Errorf("failed %v, %v; published %d, took %v, want %v", failed, err, len(w.sent), time.Since(start), 2*call)
		}
	})
}
