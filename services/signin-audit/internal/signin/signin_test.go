package signin

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/trigger"
)

// topic is a Publisher in memory.
type topic struct {
	err  error
	sent []event.Event
}

func (t *topic) Publish(_ context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	if t.err != nil {
		return nil, t.err
	}
	t.sent = append(t.sent, evs...)
	return nil, nil
}

var act = time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)

// invoke answers a payload as the function does and returns the log.
func invoke(t *testing.T, p Publisher, work func(Publisher) trigger.Func, payload []byte) ([]byte, string, error) {
	t.Helper()
	var log bytes.Buffer
	h := &trigger.Handler{
		Run: work(p), Log: slog.New(slog.NewJSONHandler(&log, nil)), Now: func() time.Time { return act },
	}
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:f:live",
	})
	out, err := h.Invoke(ctx, payload)
	return out, log.String(), err
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "events", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestEvents(t *testing.T) {
	t.Parallel()
	const sub = "b1e7c2a0-5a2f-4f0e-9f58-1c2d3e4f5a6b"
	for _, tc := range []struct {
		name, file string
		work       func(Publisher) trigger.Func
		typ, subj  string
		data       string
	}{
		{"attempt", "preauthentication.json", Attempted, contracts.TypeSigninAttempted, sub, `{}`},
		{"attempt_of_unknown_user", "preauthentication-unknown-user.json", Attempted, contracts.TypeSigninAttempted, "", `{"userNotFound":true}`},
		{"success", "postauthentication.json", Succeeded, contracts.TypeSigninSucceeded, sub, `{}`},
		{"success_on_new_device", "postauthentication-new-device.json", Succeeded, contracts.TypeSigninSucceeded, sub, `{"newDevice":true}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var p topic
			raw := read(t, tc.file)
			out, _, err := invoke(t, &p, tc.work, raw)
			if err != nil || !bytes.Equal(out, raw) {
				t.Fatalf("answer %q, error %v; want the payload back", out, err)
			}
			if len(p.sent) != 1 {
				t.Fatalf("%d events, want 1", len(p.sent))
			}
			ev := p.sent[0]
			got := []string{ev.Type(), ev.Subject(), string(ev.Data()), ev.Source(), contracts.ClientID(ev)}
			want := []string{tc.typ, tc.subj, tc.data, "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_AbCdEfGhI", "1example23456789"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			if !ev.Time().Equal(act) {
				t.Errorf("time %v, want %v", ev.Time(), act)
			}
			body, err := contracts.Encode(ev)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(body), "example.org") || strings.Contains(string(body), "+1555") {
				t.Errorf("personal data in the event: %s", body)
			}
		})
	}
}

// A function that is attached to the wrong trigger, or whose event cannot be sent,
// lets the person in, logs it, and logs nothing personal.
func TestHarmless(t *testing.T) {
	t.Parallel()
	pre, post := read(t, "preauthentication.json"), read(t, "postauthentication.json")
	for _, tc := range []struct {
		name    string
		p       *topic
		work    func(Publisher) trigger.Func
		payload []byte
	}{
		{"pre_gets_post", &topic{}, Attempted, post},
		{"post_gets_pre", &topic{}, Succeeded, pre},
		{"new_source", &topic{}, Attempted, []byte(`{"triggerSource":"PreAuthentication_Passkey","userPoolId":"p","userName":"ann@example.org"}`)},
		{"pre_publish_fails", &topic{err: errors.New("no")}, Attempted, pre},
		{"post_publish_fails", &topic{err: errors.New("no")}, Succeeded, post},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			out, log, err := invoke(t, tc.p, tc.work, tc.payload)
			if err != nil || !bytes.Equal(out, tc.payload) {
				t.Fatalf("answer %q, error %v; want the payload back", out, err)
			}
			if len(tc.p.sent) != 0 {
				t.Errorf("sent %v", tc.p.sent)
			}
			if !strings.Contains(log, "forgiven") || strings.Contains(log, "ann@") {
				t.Errorf("log %s", log)
			}
		})
	}
}

// An unknown user has no subject, whatever attributes Cognito sends.
func TestUnknownUserHasNoSubject(t *testing.T) {
	t.Parallel()
	var p topic
	raw := bytes.Replace(read(t, "preauthentication.json"), []byte(`"userNotFound": false`), []byte(`"userNotFound": true`), 1)
	if _, _, err := invoke(t, &p, Attempted, raw); err != nil || len(p.sent) != 1 || p.sent[0].Subject() != "" {
		t.Errorf("events %v, error %v; want one without a subject", p.sent, err)
	}
}
