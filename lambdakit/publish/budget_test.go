package publish_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/lambdakit/publish"
)

// TestOneBudgetForAnyNumberOfEvents: with topic and outbox hanging, every event is in a
// log line before the invocation ends.
func TestOneBudgetForAnyNumberOfEvents(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		events     int
		left, took time.Duration // left 0: no deadline
	}{
		"one":              {events: 1, left: 4 * time.Second, took: publish.Budget},
		"two":              {events: 2, left: 4 * time.Second, took: publish.Budget},
		"a_hundred":        {events: 100, left: 4 * time.Second, took: publish.Budget},
		"no_deadline":      {events: 3, took: publish.Budget},
		"one_second_left":  {events: 2, left: time.Second, took: time.Second - publish.Reserve},
		"the_reserve_left": {events: 2, left: publish.Reserve},
		"nothing_left":     {events: 2, left: time.Nanosecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tc.left > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tc.left)
					defer cancel()
				}
				b := newBench(&fakeAWS{topic: hang, outbox: hang})
				var evs []event.Event
				for range tc.events {
					evs = append(evs, someEvent(t))
				}
				start := time.Now()
				outcomes, err := b.pub.Publish(ctx, evs...)
				if err != nil || len(outcomes) != tc.events {
					t.Fatalf("Publish = %d outcomes, %v", len(outcomes), err)
				}
				if took := time.Since(start); took != tc.took {
					t.Errorf("took %v, want %v", took, tc.took)
				}
				for i, ev := range evs {
					if outcomes[i] != publish.Logged || strings.Count(b.log.String(), ev.ID()) != 1 {
						t.Errorf("event %d: %q, in %d log lines", i, outcomes[i], strings.Count(b.log.String(), ev.ID()))
					}
				}
				if n := strings.Count(b.out.String(), publish.MetricLogged+"\":"); n != 1 {
					t.Errorf("%d metric lines, want one with all events: %s", n, b.out)
				}
			})
		})
	}
}

// TestAWayThatFailedIsSkipped: the sign-ins after the first one do not wait for a topic
// that hangs.
func TestAWayThatFailedIsSkipped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := true
		ifDown := func(ctx context.Context, _ int) error {
			if down {
				return hang(ctx, 0)
			}
			return nil
		}
		b := newBench(&fakeAWS{topic: ifDown, outbox: ifDown})
		var later time.Duration // how far the clock was moved
		b.pub.Now = func() time.Time { return time.Now().Add(later) }
		step := func(what string, want publish.Outcome, took time.Duration, topic, outbox int) {
			t.Helper()
			start, sent, queued := time.Now(), len(b.aws.messages), len(b.aws.queued)
			got, err := publishOne(t.Context(), b.pub, someEvent(t))
			if err != nil || got != want || time.Since(start) != took {
				t.Errorf("%s: %q after %v, %v, want %q after %v", what, got, time.Since(start), err, want, took)
			}
			if sent, queued = len(b.aws.messages)-sent, len(b.aws.queued)-queued; sent != topic || queued != outbox {
				t.Errorf("%s: %d and %d attempts, want %d and %d", what, sent, queued, topic, outbox)
			}
		}
		step("the first", publish.Logged, publish.Budget, 2, 2)
		// The topic failed 1.2 s before the outbox did.
		step("during the pause", publish.Logged, 600*time.Millisecond, 0, 1)
		later += 4 * time.Second
		step("after the pause of the topic", publish.Logged, 1200*time.Millisecond, 1, 1)
		down = false
		step("when both are back, during the pause", publish.FellBack, 0, 0, 1)
		later += 5 * time.Second
		step("after the pause", publish.Published, 0, 1, 0)
		down = true
		step("both get two attempts after they worked", publish.Logged, publish.Budget, 2, 2)
	})
}

func TestAPanicGoesToTheNextWay(t *testing.T) {
	t.Parallel()
	b := newBench(&fakeAWS{topic: func(context.Context, int) error { panic("erika@example.org") }})
	if got, err := publishOne(t.Context(), b.pub, someEvent(t)); err != nil || got != publish.FellBack {
		t.Errorf("Publish = %q, %v", got, err)
	}
	if strings.Contains(b.log.String(), "erika") {
		t.Errorf("the log quotes a panic: %s", b.log)
	}
}

func TestOneBadEventDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	b := newBench(&fakeAWS{})
	outcomes, err := b.pub.Publish(t.Context(), event.New(), someEvent(t))
	if err == nil || outcomes[0] != "" || outcomes[1] != publish.Published {
		t.Errorf("Publish = %q, %v", outcomes, err)
	}
}
