package signinrecords

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
)

func encoded(t *testing.T, ev event.Event) string {
	t.Helper()
	body, err := contracts.Encode(ev)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// The row comes first and has what the event must not have.
func TestRowThenEvent(t *testing.T) {
	t.Parallel()
	i, a := newIntake()
	if failed := handle(t, i, fixture(t, "initiateauth-wrong-password")); len(failed) > 0 {
		t.Fatalf("failed: %v", failed)
	}
	if diff := cmp.Diff([]string{"put", "publish"}, a.steps); diff != "" {
		t.Fatal(diff)
	}
	row := a.rows["user#"+userID+" 2026-11-22T09:30:00.000000000Z#8d2f6c1e-3b4a-4f5d-9a6b-7c8d9e000002"]
	got := []string{value(row, "ip"), value(row, "userAgent"), value(row, "data"), value(row, "client"), value(row, "type")}
	want := []string{
		"192.0.2.44", "Mozilla/5.0 (marker-agent)", `{"reason":"wrong-password-or-unknown-user","via":"api"}`,
		clientID, contracts.TypeSigninFailed,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	ev := a.sent[0]
	if ev.ID() != "8d2f6c1e-3b4a-4f5d-9a6b-7c8d9e000002" || ev.Source() != poolARN || ev.Subject() != userID || !ev.Time().Equal(act) {
		t.Errorf("event %v", ev)
	}
	if body := encoded(t, ev); !strings.Contains(body, `"data":{"reason":"wrong-password-or-unknown-user","via":"api"}`) {
		t.Errorf("event %s, want its data as JSON", body)
	}
	for _, want := range []string{`"RecordsRead":1`, `"RecordsForeign":0`, `"RecordsUnknown":0`, `"RecordAge":240000`} {
		if !strings.Contains(a.out.String(), want) {
			t.Errorf("metrics %s, want %s", a.out.String(), want)
		}
	}
	// The recorder gets the event later. Its row is the one that is there.
	if log := a.record(t); log != "" || len(a.rows) != 1 || value(row, "ip") != "192.0.2.44" {
		t.Errorf("%d rows; the recorder logs %s", len(a.rows), log)
	}
}

// Whatever a record contains, its caller's address and texts are in the row only.
func TestNothingPersonalLeavesTheTable(t *testing.T) {
	t.Parallel()
	for name, body := range fixtures(t) {
		i, a := newIntake()
		_ = handle(t, i, string(body), string(body), "ada@example.com")
		said := a.logs.String() + a.out.String() + strings.Join(a.dead, " ")
		for _, ev := range a.sent {
			said += encoded(t, ev) + contracts.Attributes(ev)["clientid"]
		}
		for _, marker := range []string{"192.0.2", "marker-agent", "ada", "Boto3", "HIDDEN", "Something"} {
			if strings.Contains(said, marker) {
				t.Errorf("%s: %q got out: %s", name, marker, said)
			}
		}
		if len(a.rows) > 1 || len(a.sent) != 2*len(a.rows) {
			t.Errorf("%s: %d rows and %d events of two copies", name, len(a.rows), len(a.sent))
		}
		for _, row := range a.rows {
			if value(row, "ip") != "192.0.2.44" || value(row, "userAgent") == "" {
				t.Errorf("%s: the row does not have the caller's address", name)
			}
		}
	}
}

// A page's parameters are what anybody wrote into a form: they name no user and no client.
func TestCallersChooseNeitherUserNorClient(t *testing.T) {
	t.Parallel()
	i, a := newIntake()
	if failed := handle(t, i, fixture(t, "login-post-sub-of-the-caller")); len(failed) > 0 || len(a.sent) != 1 {
		t.Fatalf("failed: %v, %d events", failed, len(a.sent))
	}
	if ev := a.sent[0]; ev.Subject() != "" || contracts.ClientID(ev) != "" {
		t.Errorf("subject %q, client %q", ev.Subject(), contracts.ClientID(ev))
	}
	if _, ok := a.rows["none#eu-central-1_Gatehouse#2026-11-22 "+value(only(t, a), "sk")]; !ok {
		t.Errorf("rows %v", a.rows)
	}
}

func only(t *testing.T, a *account) map[string]types.AttributeValue {
	t.Helper()
	if len(a.rows) != 1 {
		t.Fatalf("%d rows, want one", len(a.rows))
	}
	for _, row := range a.rows {
		return row
	}
	return nil
}

// When an answer is lost, the message comes again: one row, one id, whatever the first
// attempt reached.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	body := fixture(t, "initiateauth-wrong-password")
	for name, breakIt := range map[string]func(*account){
		"table_down":       func(a *account) { a.table = errDown },
		"nothing_accepted": func(a *account) { a.outcome = publish.Logged },
		"not_an_event":     func(a *account) { a.outcome, a.topic = "", errDown },
		"no_parameters":    func(a *account) { a.platform = errDown },
	} {
		i, a := newIntake()
		breakIt(a)
		if diff := cmp.Diff([]string{"m0"}, handle(t, i, body)); diff != "" || len(a.sent) > 0 || len(a.dead) > 0 {
			t.Errorf("%s: %d events, %d dead letters, failed (-want +got):\n%s", name, len(a.sent), len(a.dead), diff)
		}
		a.table, a.topic, a.platform, a.outcome = nil, nil, nil, publish.Published
		for range 2 {
			if failed := handle(t, i, body); len(failed) > 0 {
				t.Errorf("%s: later: %v", name, failed)
			}
		}
		if len(a.rows) != 1 || len(a.sent) != 2 || a.sent[0].ID() != a.sent[1].ID() {
			t.Errorf("%s: %d rows, %d events", name, len(a.rows), len(a.sent))
		}
		if log := a.record(t); log != "" || len(a.rows) != 1 {
			t.Errorf("%s: %d rows; the recorder logs %s", name, len(a.rows), log)
		}
	}
}

// An event in the outbox is on its way.
func TestOutbox(t *testing.T) {
	t.Parallel()
	i, a := newIntake()
	a.outcome = publish.FellBack
	if failed := handle(t, i, fixture(t, "initiateauth-wrong-password")); len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
}

// A table that learned a new reason must not give one id two contents.
func TestEventSaysWhatWasRecorded(t *testing.T) {
	t.Parallel()
	i, a := newIntake()
	a.outcome = publish.Logged
	body := fixture(t, "initiateauth-other-message")
	handle(t, i, body)
	a.outcome = publish.Published
	learned := strings.Replace(body, "Something that nobody has seen", "User is disabled.", 1)
	if failed := handle(t, i, learned); len(failed) > 0 || len(a.rows) != 1 || len(a.sent) != 1 {
		t.Fatalf("failed: %v, %d rows, %d events", failed, len(a.rows), len(a.sent))
	}
	if got := string(a.sent[0].Data()); got != value(only(t, a), "data") || !strings.Contains(got, "unspecified") {
		t.Errorf("the event says %s", got)
	}
	if log := a.record(t); log != "" {
		t.Errorf("the recorder logs %s", log)
	}
}

// An addendum corrects a record that was delivered: both are one event.
func TestAddendumIsACopy(t *testing.T) {
	t.Parallel()
	i, a := newIntake()
	handle(t, i, fixture(t, "initiateauth-wrong-password"))
	handle(t, i, fixture(t, "initiateauth-addendum"))
	if len(a.rows) != 1 || len(a.sent) != 2 || a.sent[0].ID() != a.sent[1].ID() {
		t.Errorf("%d rows, %d events", len(a.rows), len(a.sent))
	}
}

// An unknown record is kept and counted; its neighbours are handled.
func TestUnknownIsKept(t *testing.T) {
	t.Parallel()
	i, a := newIntake()
	longID := strings.Replace(fixture(t, "initiateauth-disabled"), `"eventID": "`, `"eventID": "ada@example.com `, 1)
	oddSub := strings.Replace(fixture(t, "initiateauth-disabled"), userID, "4915112345678", 1)
	bodies := []string{
		"ada@example.com", fixture(t, "unknown-call"), fixture(t, "initiateauth-unknown-code"), fixture(t, "login-post-no-status"),
		fixture(t, "initiateauth-no-client"), longID, oddSub, fixture(t, "initiateauth-wrong-password"),
	}
	if failed := handle(t, i, bodies...); len(failed) > 0 || len(a.sent) != 1 || len(a.rows) != 1 {
		t.Errorf("failed: %v; %d events, %d rows, want those of the last message", failed, len(a.sent), len(a.rows))
	}
	want := []string{"not_a_record", "unknown_name", "unknown_error_code", "unknown_status", "no_pool", "unusual_name", "unusual_name"}
	if diff := cmp.Diff(want, a.dead); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	for _, want := range []string{`"Consumer":"signin-audit-signin-records"`, `"RecordsUnknown":7`, `"EventsDead":7`} {
		if !strings.Contains(a.out.String(), want) {
			t.Errorf("metrics %s, want %s", a.out.String(), want)
		}
	}
	// While the dead-letter queue does not take it, it stays, and is not counted.
	i, a = newIntake()
	a.queue = errDown
	if diff := cmp.Diff([]string{"m0"}, handle(t, i, fixture(t, "unknown-call"))); diff != "" || strings.Contains(a.out.String(), `"RecordsUnknown":1`) {
		t.Errorf("metrics %s, failed (-want +got):\n%s", a.out.String(), diff)
	}
}

// Records of other pools, and those that IAM refused before Cognito saw them, are counted
// only. They are not judged: what another pool does is not our unknown.
func TestOtherPools(t *testing.T) {
	t.Parallel()
	i, a := newIntake()
	failed := handle(t, i, fixture(t, "another-pool"), fixture(t, "another-client"), fixture(t, "admininitiateauth-denied"))
	if len(failed)+len(a.steps)+len(a.dead) > 0 || !strings.Contains(a.out.String(), `"RecordsForeign":3`) {
		t.Errorf("failed %v, steps %v, dead %v, metrics %s", failed, a.steps, a.dead, a.out.String())
	}
	// A provider's answer without the pool may be any pool's; no document says that it has it.
	i, a = newIntake()
	nameless := strings.Replace(fixture(t, "saml2response-post"), `"userPoolId"`, `"pool"`, 1)
	failed = handle(t, i, fixture(t, "saml2response-post"), nameless)
	if len(failed)+len(a.steps)+len(a.dead) > 0 || !strings.Contains(a.out.String(), `"RecordsForeign":1`) || !strings.Contains(a.out.String(), `"RecordsRead":1`) {
		t.Errorf("answers of a provider: failed %v, steps %v, dead %v, metrics %s", failed, a.steps, a.dead, a.out.String())
	}
	// All messages of a batch are read at the same time.
	i, a = newIntake()
	failed = handle(t, i, slices.Repeat([]string{nameless}, 9)...)
	if len(failed)+len(a.dead) > 0 || !strings.Contains(a.out.String(), `"RecordsForeign":9`) {
		t.Errorf("many answers of providers: failed %v, dead %v, metrics %s", failed, a.dead, a.out.String())
	}
	// Whose client it is, is asked until there is an answer.
	a.cognito = errDown
	if diff := cmp.Diff([]string{"m0"}, handle(t, i, strings.Replace(fixture(t, "another-client"), "6n4b", "7n4b", 1))); diff != "" {
		t.Error(diff)
	}
}

func TestHandleRefusesWhatCannotComeFromSQS(t *testing.T) {
	t.Parallel()
	i, _ := newIntake()
	if _, err := i.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{Body: "{}"}}}); err == nil {
		t.Error("a message without an id was accepted")
	}
	if out, err := i.Handle(t.Context(), events.SQSEvent{}); err != nil || len(out.BatchItemFailures) != 0 {
		t.Errorf("an empty batch: %v, %v", out, err)
	}
}

// Any message has one end: an event with a row, a dead letter, or none.
func FuzzHandle(f *testing.F) {
	for _, body := range fixtures(f) {
		f.Add(string(body))
	}
	f.Fuzz(func(t *testing.T, body string) {
		i, a := newIntake()
		failed := handle(t, i, body)
		if len(failed) > 0 || len(a.rows) != len(a.sent) || len(a.sent)+len(a.dead) > 1 {
			t.Errorf("failed %v, %d rows, %d events, %d dead letters", failed, len(a.rows), len(a.sent), len(a.dead))
		}
		for _, ev := range a.sent {
			if err := ev.Validate(); err != nil || strings.ContainsAny(ev.Subject()+ev.ID(), "@ ") {
				t.Errorf("event %q of %q, %v", ev.ID(), ev.Subject(), err)
			}
			if _, err := contracts.Decode([]byte(encoded(t, ev))); err != nil {
				t.Errorf("contracts.Decode: %v", err)
			}
		}
		if line := Explain([]byte(body)); line == "" || strings.ContainsAny(line, "@\n") {
			t.Errorf("Explain: %q", line)
		}
	})
}

// A record whose client Cognito does not answer for, or at which the code fails, holds up
// no other.
func TestOneRecordHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, a := newIntake()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // the function's timeout
		defer cancel()
		body := fixture(t, "initiateauth-wrong-password")
		out, err := i.Handle(ctx, events.SQSEvent{Records: []events.SQSMessage{
			{MessageId: "slow", Body: strings.ReplaceAll(body, clientID, "slow")},
			{MessageId: "panics", Body: strings.ReplaceAll(body, clientID, "panics")},
			{MessageId: "ok", Body: body},
		}})
		want := []events.SQSBatchItemFailure{{ItemIdentifier: "slow"}, {ItemIdentifier: "panics"}}
		if diff := cmp.Diff(want, out.BatchItemFailures); diff != "" || err != nil || len(a.sent) != 1 || ctx.Err() != nil {
			t.Errorf("%d events, %v, %v, failed (-want +got):\n%s", len(a.sent), err, ctx.Err(), diff)
		}
		if strings.Contains(a.logs.String(), "ada@") {
			t.Errorf("the log quotes the panic: %s", a.logs.String())
		}
	})
}

// A record of a synthetic user becomes a synthetic event, with a row that has the mark.
func TestSyntheticUsers(t *testing.T) {
	t.Parallel()
	body := fixture(t, "initiateauth-wrong-password")
	user := func(mark bool) map[string]types.AttributeValue {
		item := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "user#" + userID}, "sk": &types.AttributeValueMemberS{Value: "2026-11-22"}}
		if mark {
			item["synthetic"] = &types.AttributeValueMemberBOOL{Value: true}
		}
		return item
	}
	for name, tc := range map[string]struct {
		rows map[string]map[string]types.AttributeValue
		want bool
	}{
		"no_rows":   {map[string]map[string]types.AttributeValue{}, false},
		"person":    {map[string]map[string]types.AttributeValue{"user#" + userID + " 2026": user(false)}, false},
		"synthetic": {map[string]map[string]types.AttributeValue{"user#" + userID + " 2026": user(true)}, true},
		"the_oldest_row_tells": {map[string]map[string]types.AttributeValue{
			"user#" + userID + " 2025": user(true), "user#" + userID + " 2026": user(false),
		}, true},
	} {
		i, a := newIntake()
		a.rows = tc.rows
		before := len(a.rows)
		if failed := handle(t, i, body); len(failed) > 0 || len(a.sent) != 1 || len(a.rows) != before+1 {
			t.Fatalf("%s: failed %v, %d events, %d rows", name, failed, len(a.sent), len(a.rows))
		}
		_, marked := a.rows["user#"+userID+" 2026-11-22T09:30:00.000000000Z#8d2f6c1e-3b4a-4f5d-9a6b-7c8d9e000002"]["synthetic"]
		if contracts.IsSynthetic(a.sent[0]) != tc.want || marked != tc.want {
			t.Errorf("%s: the event is synthetic: %v, the row: %v, want %v", name, contracts.IsSynthetic(a.sent[0]), marked, tc.want)
		}
		if log := a.record(t); log != "" {
			t.Errorf("%s: the recorder logs %s", name, log)
		}
	}
}

// A user's first row can come after the record. Then a copy says what the first one did.
func TestACopyIsMarkedLikeItsRow(t *testing.T) {
	t.Parallel()
	i, a := newIntake()
	body := fixture(t, "initiateauth-wrong-password")
	handle(t, i, body)
	a.rows["user#"+userID+" 2025"] = map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "user#" + userID}, "synthetic": &types.AttributeValueMemberBOOL{Value: true},
	}
	handle(t, i, body)
	if len(a.sent) != 2 || contracts.IsSynthetic(a.sent[0]) || contracts.IsSynthetic(a.sent[1]) {
		t.Errorf("events %v", a.sent)
	}
	if log := a.record(t); log != "" {
		t.Errorf("the recorder logs %s", log)
	}
}

// Three calls in sequence for a batch of ten: the marks and then the rows at the same time,
// then the events. rules/templates/capacity_test.go computes with it.
func TestABatchTakesThreeCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, a := newIntake()
		a.takes = time.Second
		body := fixture(t, "initiateauth-wrong-password")
		var bodies []string
		for n := range 10 {
			bodies = append(bodies, strings.ReplaceAll(body, "7c8d9e000002", "7c8d9e1000"+string(rune('0'+n))+"0"))
		}
		start := time.Now()
		if failed := handle(t, i, bodies...); len(failed) > 0 || len(a.rows) != 10 {
			t.Errorf("failed %v, %d rows", failed, len(a.rows))
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("a batch took %v, want three calls of a second", took)
		}
	})
}
