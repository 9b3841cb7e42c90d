package announcer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/services/signin-audit/findings"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const pool = "eu-central-1_Gatehouse"

// world is the table, the settings and the topic of a test.
type world struct {
	rows     []findings.Row
	known    map[string]bool
	settings string
	sent     []event.Event
	batches  int
	err      error

	readFrom, readTo time.Time
}

func (w *world) Read(_ context.Context, _ []findings.Rule, from, to time.Time) (*findings.Rows, error) {
	w.readFrom, w.readTo = from, to
	return findings.NewRows(w.rows), w.err
}

func (w *world) Known(_ context.Context, from, to time.Time) (map[string]bool, error) {
	if !from.Before(w.readFrom.Add(-5*time.Hour)) || !to.After(w.readTo) {
		return nil, errors.New("the part of time is too short for the longest block")
	}
	return w.known, nil
}

func (w *world) Values(context.Context) ([]string, error) { return []string{w.settings}, nil }

func (w *world) Publish(_ context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	w.sent, w.batches = append(w.sent, evs...), w.batches+1
	return make([]publish.Outcome, len(evs)), nil
}

// guessed adds failures and a success of a user some minutes before noon.
func (w *world) guessed(user string, minutes int) {
	row := findings.Row{Pool: pool, Client: "web", Sub: user, Type: contracts.TypeSigninFailed, Reason: contracts.FailedPassword}
	row.Time = noon.Add(-time.Duration(minutes+10) * time.Minute)
	for range 12 {
		row.ID = strconv.Itoa(len(w.rows))
		w.rows = append(w.rows, row)
	}
	row.ID, row.Type, row.Reason = strconv.Itoa(len(w.rows)), contracts.TypeSigninSucceeded, ""
	row.Time = noon.Add(-time.Duration(minutes) * time.Minute)
	w.rows = append(w.rows, row)
}

func (w *world) announcer(out *bytes.Buffer) *Announcer {
	return &Announcer{
		Rows: w, Settings: w, Publisher: w, Environment: "test", Log: slog.New(slog.NewJSONHandler(out, nil)), Out: out,
		Now: func() time.Time { return noon.Add(2 * time.Minute) },
	}
}

func inLambda(t *testing.T) context.Context {
	t.Helper()
	return lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{InvokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:f:live"})
}

// TestARunPublishesWhatIsNew: a scheduled run evaluates the hour that lies the lag back.
func TestARunPublishesWhatIsNew(t *testing.T) {
	t.Parallel()
	w := &world{settings: "FindingsLagMinutes=20"}
	w.guessed("too-early", 85)
	w.guessed("ann", 70)
	w.guessed("too-late", 15)
	var out bytes.Buffer
	payload, err := os.ReadFile(filepath.Join("..", "..", "events", "findings.json"))
	if err != nil {
		t.Fatalf("os.ReadFile: %v", err)
	}
	answer, err := function.JSON(w.announcer(&out).Handle).Invoke(inLambda(t), payload)
	if err != nil {
		t.Fatalf("Invoke: %v", err)
	}
	if want := `{"from":"2026-11-23T10:40:00Z","to":"2026-11-23T11:40:00Z","published":1,"known":0,"omitted":0}`; string(answer) != want {
		t.Errorf("answer %s, want %s", answer, want)
	}
	if len(w.sent) != 1 || w.sent[0].Subject() != "ann" || w.sent[0].Source() != "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/"+pool {
		t.Fatalf("events %v", w.sent)
	}
	for _, want := range []string{`"FindingsRowsRead":39`, `"rule":"failures-then-success"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output without %s:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "ann") {
		t.Errorf("the log names the user:\n%s", out.String())
	}
	// What the table has is not published again.
	w.known, w.sent = map[string]bool{w.sent[0].ID(): true}, nil
	got, err := w.announcer(&out).Handle(inLambda(t), Request{})
	if err != nil || got.Known != 1 || got.Published != 0 || len(w.sent) != 0 {
		t.Errorf("result %+v, %d events, %v", got, len(w.sent), err)
	}
}

// TestARunReportsOutcomes of the hour that ends ten minutes before the windows do.
// A call for the past does not: its metrics would have the time of now.
func TestARunReportsOutcomes(t *testing.T) {
	t.Parallel()
	w := &world{settings: "FindingsLagMinutes=20"}
	for minutes, typ := range map[int]string{89: contracts.TypeSigninAttempted, 70: contracts.TypeSigninAttempted, 40: contracts.TypeSigninFailed, 25: contracts.TypeSigninAttempted} {
		w.rows = append(w.rows, findings.Row{
			Pool: pool, Client: "web", Sub: "ann", Type: typ, ID: strconv.Itoa(minutes), Time: noon.Add(-time.Duration(minutes) * time.Minute),
		})
	}
	all := `"HourAttempts":2,"HourAttemptsExplained":1,"HourAttemptsUnresolved":1,"UnresolvedShare":50,`
	for name, tc := range map[string]struct {
		rows  []findings.Row
		in    Request
		want  string
		share bool
	}{
		"scheduled":   {w.rows, Request{}, all, true},
		"no_attempts": {nil, Request{}, `"HourAttempts":0,"HourAttemptsExplained":0,"HourAttemptsUnresolved":0,`, false},
		"the_past":    {w.rows, Request{From: "2026-11-23T10:00:00Z", To: "2026-11-23T11:00:00Z"}, `"FindingsRowsRead":4`, false},
	} {
		var out bytes.Buffer
		a := (&world{settings: w.settings, rows: tc.rows}).announcer(&out)
		if _, err := a.Handle(inLambda(t), tc.in); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.Contains(out.String(), tc.want) || strings.Contains(out.String(), "UnresolvedShare") != tc.share {
			t.Errorf("%s: want %s, got:\n%s", name, tc.want, out.String())
		}
		if past := tc.in != (Request{}); past && strings.Contains(out.String(), "HourAttempts") {
			t.Errorf("%s: the metrics of an hour are written:\n%s", name, out.String())
		}
	}
}

func TestThePastIsEvaluatedOnRequest(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, from, to, wantFrom, wantTo, err string }{
		{"an_hour", "2026-11-22T03:00:00Z", "2026-11-22T04:00:00Z", "2026-11-22T03:00:00Z", "2026-11-22T04:00:00Z", ""},
		{"another_zone", "2026-11-22T03:00:00+01:00", "2026-11-22T04:00:00+01:00", "2026-11-22T02:00:00Z", "2026-11-22T03:00:00Z", ""},
		{"until_now", "2026-11-23T11:00:00Z", "2026-11-23T12:00:00Z", "2026-11-23T11:00:00Z", "2026-11-23T11:40:00Z", ""},
		{"a_year", "2025-11-22T03:00:00Z", "2026-11-22T04:00:00Z", "", "", "within a day"},
		{"backwards", "2026-11-22T04:00:00Z", "2026-11-22T03:00:00Z", "", "", "within a day"},
		{"no_start", "", "2026-11-22T03:00:00Z", "", "", "from is not a time"},
		{"no_end", "2026-11-22T03:00:00Z", "", "", "", "to is not a time"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			w := &world{}
			got, err := w.announcer(&out).Handle(inLambda(t), Request{From: tc.from, To: tc.to})
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("error %v, want one with %q", err, tc.err)
				}
				return
			}
			if diff := cmp.Diff(Result{From: tc.wantFrom, To: tc.wantTo}, got); diff != "" || err != nil {
				t.Errorf("%v, result (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestManyFindingsAreSentInBatches: each batch has the publisher's whole budget.
func TestManyFindingsAreSentInBatches(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := &world{}
	for i := range 30 {
		w.guessed("user"+strconv.Itoa(i), 31)
	}
	got, err := w.announcer(&out).Handle(inLambda(t), Request{})
	if err != nil || got.Published != findings.MostOfARule || got.Omitted != 5 || w.batches != 3 {
		t.Errorf("result %+v in %d batches, %v", got, w.batches, err)
	}
	if !strings.Contains(out.String(), `"FindingsOmitted":5`) {
		t.Errorf("the omitted ones are not counted:\n%s", out.String())
	}
	// The next run announces them. One for the past has the limit of the runs of that time.
	w.known = map[string]bool{}
	for _, ev := range w.sent {
		w.known[ev.ID()] = true
	}
	if got, err = w.announcer(&out).Handle(inLambda(t), Request{}); err != nil || got.Published != 5 || got.Known != findings.MostOfARule || got.Omitted != 0 {
		t.Errorf("the next run: %+v, %v", got, err)
	}
	w.known = nil
	past := Request{From: "2026-11-23T11:25:00Z", To: "2026-11-23T11:35:00Z"}
	if got, err = w.announcer(&out).Handle(inLambda(t), past); err != nil || got.Published != 30 || got.Omitted != 0 {
		t.Errorf("the past: %+v, %v", got, err)
	}
}

// TestAFloodHidesNothingElse: what the rules with all of their rows find is published, and
// the run fails, so that its alarm fires.
func TestAFloodHidesNothingElse(t *testing.T) {
	t.Parallel()
	w := &world{err: fmt.Errorf("read: %w", findings.ErrTooMany)}
	w.guessed("ann", 31)
	var out bytes.Buffer
	_, err := w.announcer(&out).Handle(inLambda(t), Request{})
	if !errors.Is(err, findings.ErrTooMany) || len(w.sent) != 1 {
		t.Errorf("%d events, error %v", len(w.sent), err)
	}
	if strings.Contains(out.String(), "HourAttempts") || strings.Contains(out.String(), "FindingsRowsRead") {
		t.Errorf("the run counts as one with all rows:\n%s", out.String())
	}
}

func TestARunFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		w    *world
		ctx  context.Context
		want string
	}{
		"settings":  {&world{settings: "FindingsFailures=none"}, inLambda(t), "findings.Parse"},
		"table":     {&world{err: errors.New("down")}, inLambda(t), "Rows.Read"},
		"no_lambda": {&world{}, t.Context(), "no Lambda context"},
	} {
		var out bytes.Buffer
		if _, err := tc.w.announcer(&out).Handle(tc.ctx, Request{}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, tc.want)
		}
	}
}
