package recorder

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
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
)

func TestRecordsPayloadFile(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../events/recorder-poison.json")
	if err != nil {
		t.Fatal(err)
	}
	var in events.SQSEvent
	if err := json.Unmarshal(raw, &in); err != nil {
		t.Fatal(err)
	}
	r, db, log, out := newRecorder()
	if diff := cmp.Diff([]string{"m1"}, handle(t, r, in.Records...)); diff != "" {
		t.Errorf("failed messages (-want +got):\n%s", diff)
	}
	if n := len(db.rows()); n != 1 {
		t.Errorf("%d rows, want the neighbour of the poison", n)
	}
	if strings.Contains(log.String(), "not an event\"") {
		t.Errorf("the log quotes the poison: %s", log)
	}
	for _, want := range []string{`"AuditRowsWritten":1`, `"ActToAuditRow":1999`, `"Environment":"test"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("metrics %s, want %s", out, want)
		}
	}
}

// The longest time of a batch is a value of its own for each type of the catalogue, and of
// no other: each series is billed.
func TestLagByType(t *testing.T) {
	t.Parallel()
	attempted := func(id string, age time.Duration, eventType string) events.SQSMessage {
		ev, err := contracts.NewSigninAttempted(contracts.Act{ID: id, PoolARN: pool, Time: act.Add(-age)}, contracts.SigninAttempted{})
		if eventType != "" {
			ev.SetType(eventType)
		}
		return message(t, id, ev, err)
	}
	r, _, _, out := newRecorder()
	handle(t, r, attempted("1", time.Second, ""), attempted("2", 3*time.Second, ""), attempted("3", 0, contracts.TypeUserDeleted),
		attempted("4", 9*time.Second, "gatehouse.user.unheard.v1"), attempted("2", 3*time.Second, ""))
	got := map[string]float64{}
	for line := range strings.Lines(out.String()) {
		var fields struct {
			Type          string
			ActToAuditRow float64
		}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		got[fields.Type] = fields.ActToAuditRow
	}
	want := map[string]float64{"": 11000, contracts.TypeSigninAttempted: 5000, contracts.TypeUserDeleted: 2000}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("longest times (-want +got):\n%s", diff)
	}
}

// Every type is recorded, those of tomorrow too.
func TestRecordsUnknownType(t *testing.T) {
	t.Parallel()
	ev := event.New()
	ev.SetID("x1")
	ev.SetType("gatehouse.pool.changed.v1")
	ev.SetSource("urn:elsewhere")
	ev.SetTime(act)
	err := ev.SetData("text/plain", []byte("plain"))
	r, db, _, _ := newRecorder()
	if failed := handle(t, r, message(t, "m1", ev, err)); len(failed) != 0 {
		t.Fatalf("failed: %v", failed)
	}
	row := db.rows()[0]
	got := []string{str(row, "pk"), str(row, "type"), str(row, "data"), str(row, "sub")}
	want := []string{"none#urn:elsewhere#2026-11-22", "gatehouse.pool.changed.v1", `"plain"`, ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

func TestFailuresGoBackAlone(t *testing.T) {
	t.Parallel()
	r, db, _, out := newRecorder()
	db.fail = "user#" + sub
	bad, err := contracts.NewSigninSucceeded(contracts.Act{PoolARN: pool, Subject: sub, Time: act}, contracts.SigninSucceeded{})
	m1 := message(t, "m1", bad, err)
	good, err := contracts.NewSigninAttempted(contracts.Act{PoolARN: pool, Time: act}, contracts.SigninAttempted{})
	m2 := message(t, "m2", good, err)
	timeless := events.SQSMessage{MessageId: "m3", Body: `{"specversion":"1.0","id":"1","source":"s","type":"t"}`}
	if diff := cmp.Diff([]string{"m1", "m3"}, handle(t, r, m1, m2, timeless)); diff != "" {
		t.Errorf("failed messages (-want +got):\n%s", diff)
	}
	db.fail = ""
	out.Reset()
	handle(t, r, m1, m2)
	if n := len(db.rows()); n != 2 || !strings.Contains(out.String(), `"AuditRowsRepeated":1`) {
		t.Errorf("%d rows, metrics %s; want 2 rows, 1 repeated", n, out)
	}
}

// A copy that differs does not change the row, and is reported.
func TestContradictionKeepsRow(t *testing.T) {
	t.Parallel()
	r, db, log, out := newRecorder()
	a := contracts.Act{ID: "one", PoolARN: pool, Subject: sub, Time: act}
	first, err := contracts.NewSigninSucceeded(a, contracts.SigninSucceeded{})
	m1 := message(t, "m1", first, err)
	forged, err := contracts.NewSigninSucceeded(a, contracts.SigninSucceeded{NewDevice: true})
	m2 := message(t, "m2", forged, err)
	if failed := handle(t, r, m1, m2); len(failed) != 0 {
		t.Fatalf("failed: %v", failed)
	}
	if got := str(db.rows()[0], "data"); len(db.rows()) != 1 || got != "{}" {
		t.Errorf("data %s, want the first row untouched", got)
	}
	if !strings.Contains(log.String(), "differs from the recorded") || !strings.Contains(out.String(), `"AuditRowsRepeated":1`) {
		t.Errorf("log %s, metrics %s", log, out)
	}
}

// A copy is not a contradiction: an alarm at every redelivery would be ignored.
func TestCopyIsNotAContradiction(t *testing.T) {
	t.Parallel()
	r, db, log, out := newRecorder()
	ev, err := contracts.NewSigninSucceeded(contracts.Act{PoolARN: pool, Subject: sub, Time: act}, contracts.SigninSucceeded{})
	if failed := handle(t, r, message(t, "m1", ev, err), message(t, "m2", ev, err)); len(failed) != 0 {
		t.Fatalf("failed: %v", failed)
	}
	if len(db.rows()) != 1 || strings.Contains(log.String(), "differs from the recorded") || !strings.Contains(out.String(), `"AuditRowsRepeated":1`) {
		t.Errorf("%d rows, log %s, metrics %s", len(db.rows()), log, out)
	}
}

// Under any duplication and order, also with witnesses that differ in time,
// there are as many rows as distinct ids.
func TestRowsAreDistinctIDs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		ids := map[string]bool{}
		var all []events.SQSMessage
		for i := range 1 + rnd.IntN(20) {
			a := contracts.Act{
				PoolARN: pool, Subject: fmt.Sprintf("user-%d", rnd.IntN(4)),
				Time: act.Add(time.Duration(rnd.Int64N(int64(48 * time.Hour)))),
			}
			ev, err := contracts.NewSigninSucceeded(a, contracts.SigninSucceeded{NewDevice: rnd.IntN(2) == 0})
			if rnd.IntN(3) == 0 {
				ev, err = contracts.NewUserCreated(a, contracts.UserCreated{Via: contracts.ViaSignup})
			}
			ids[ev.ID()] = true
			for c := range 1 + rnd.IntN(3) {
				all = append(all, message(t, fmt.Sprintf("%d-%d", i, c), ev, err))
			}
		}
		rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		r, db, _, _ := newRecorder()
		for len(all) > 0 {
			n := min(len(all), 1+rnd.IntN(10))
			if failed := handle(t, r, all[:n]...); len(failed) != 0 {
				t.Fatalf("seed %d: failed %v", seed, failed)
			}
			all = all[n:]
		}
		if got := len(db.rows()); got != len(ids) {
			t.Fatalf("seed %d: %d rows for %d ids", seed, got, len(ids))
		}
	}
}

// An act that Cognito reports before and after an update, with the id of version 0.1 and
// with today's, makes one row: with the id that came first.
func TestRowsOfDerivedIDs(t *testing.T) {
	t.Parallel()
	reported := func(t *testing.T, former bool, at time.Time) (created, signedIn event.Event) {
		t.Helper()
		a := contracts.Act{PoolARN: pool, Subject: sub, Time: at, ID: contracts.FirstSignInID(pool, sub)}
		signedIn, err := contracts.NewSigninSucceeded(a, contracts.SigninSucceeded{Via: contracts.ViaFederation})
		if err != nil {
			t.Fatal(err)
		}
		created, err = contracts.NewUserCreated(a, contracts.UserCreated{Via: contracts.ViaFederation})
		if err != nil {
			t.Fatal(err)
		}
		if former {
			for _, ev := range []*event.Event{&created, &signedIn} {
				id, _ := contracts.ClaimID(*ev)
				ev.SetID(id)
			}
		}
		return created, signedIn
	}
	for name, formers := range map[string][2]bool{"update": {true, false}, "rollback": {false, true}, "same_version": {false, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, db, log, _ := newRecorder()
			var ids []string
			for i, former := range formers {
				created, signedIn := reported(t, former, act.Add(time.Duration(i)*time.Second))
				if failed := handle(t, r, message(t, "m1", created, nil), message(t, "m2", signedIn, nil)); len(failed) > 0 {
					t.Fatalf("failed: %v", failed)
				}
				if i == 0 {
					ids = []string{created.ID(), signedIn.ID()}
				}
				if name == "update" && i == 0 {
					// Version 0.1 wrote claims without an id.
					for _, item := range db.items {
						delete(item, "eventId")
					}
				}
			}
			var got []string
			for _, row := range db.rows() {
				got = append(got, str(row, "id"))
			}
			slices.Sort(ids)
			slices.Sort(got)
			if diff := cmp.Diff(ids, got); diff != "" {
				t.Errorf("ids of the rows (-want +got):\n%s", diff)
			}
			if strings.Contains(log.String(), "differs") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// TestHandleTakesOneCall holds the README's table of capacities to the code: the rows of
// a batch are put at the same time. A derived id is claimed before.
func TestHandleTakesOneCall(t *testing.T) {
	t.Parallel()
	const batch, call = 10, 5 * time.Millisecond
	for calls, make := range map[int]func(contracts.Act) (event.Event, error){
		1: contracts.NewPasswordReset,
		2: func(a contracts.Act) (event.Event, error) {
			return contracts.NewUserCreated(a, contracts.UserCreated{Via: contracts.ViaSignup})
		},
	} {
		t.Run(fmt.Sprint(calls), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, db, _, _ := newRecorder()
				db.takes = call
				var in []events.SQSMessage
				for i := range batch {
					ev, err := make(contracts.Act{PoolARN: pool, Subject: fmt.Sprintf("%s-%d", sub, i), Time: act})
					in = append(in, message(t, fmt.Sprint(i), ev, err))
				}
				start := time.Now()
				failed := handle(t, r, in...)
				if took := time.Since(start); len(failed) != 0 || len(db.rows()) != batch || took != time.Duration(calls)*call {
					t.Errorf("failed %v, %d rows, took %v, want %v", failed, len(db.rows()), took, time.Duration(calls)*call)
				}
			})
		})
	}
}

// letters is a dead-letter queue in memory: the reasons, in order.
type letters []string

func (l *letters) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	*l = append(*l, *in.MessageAttributes[consume.ReasonAttribute].StringValue)
	return &sqs.SendMessageOutput{MessageId: aws.String("dead")}, nil
}

// TestPoisonIsMoved: what the table can never hold is moved, what it refuses today is not.
func TestPoisonIsMoved(t *testing.T) {
	t.Parallel()
	r, db, _, _ := newRecorder()
	dead := &letters{}
	r.Dead = &consume.DeadLetters{Queue: dead}
	db.fail = "user#" + sub
	body := func(id, subject, stamp string) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"s","type":"t","subject":"` + subject + `"` + stamp + `}`
	}
	const stamp = `,"time":"2026-11-22T10:00:00Z"`
	longest := strings.Repeat("i", maxSortKey-len("t##")-len(TimeLayout))
	got := handle(
		t, r, events.SQSMessage{MessageId: "m1", Body: "poison"}, events.SQSMessage{MessageId: "m2", Body: body("1", "", "")},
		events.SQSMessage{MessageId: "m3", Body: body(longest, "x", stamp)}, events.SQSMessage{MessageId: "m4", Body: body(longest+"i", "x", stamp)},
		events.SQSMessage{MessageId: "m5", Body: body("1", strings.Repeat("s", maxPartitionKey), stamp)}, events.SQSMessage{MessageId: "m6", Body: body("1", sub, stamp)},
	)
	if diff := cmp.Diff([]string{"m6"}, got); diff != "" || len(db.rows()) != 1 {
		t.Errorf("%d rows, want that of m3; failed (-want +got):\n%s", len(db.rows()), diff)
	}
	if diff := cmp.Diff(letters{"not_an_event", "no_time", "key_too_long", "key_too_long"}, *dead); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
}
