package postconfirmation_test

import (
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
	"gatehouse.example/services/user-events/internal/postconfirmation"
)

// topic keeps what was published together.
type topic struct {
	refuse bool
	calls  int
	events []event.Event
}

func (p *topic) Publish(_ context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	p.calls++
	if p.refuse {
		return nil, errors.New("refused")
	}
	p.events = append(p.events, evs...)
	return nil, nil
}

func (p *topic) summary() []string {
	out := []string{}
	for _, ev := range p.events {
		out = append(out, ev.Type()+" "+string(ev.Data()))
	}
	return out
}

func invoke(t *testing.T, p *topic, payload []byte) ([]byte, string) {
	t.Helper()
	var log strings.Builder
	h := &trigger.Handler{
		Run: (&postconfirmation.Confirmer{Publisher: p}).Run,
		Log: slog.New(slog.NewJSONHandler(&log, nil)), Now: time.Now,
	}
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:111122223333:function:postconfirmation:live",
	})
	out, err := h.Invoke(ctx, payload)
	if err != nil {
		t.Fatalf("Invoke: %v; the trigger must never fail", err)
	}
	return out, log.String()
}

func payload(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"postconfirmation-confirm-sign-up": {
			contracts.TypeUserCreated + ` {"via":"signup"}`,
		},
		"postconfirmation-confirm-forgot-password": {
			contracts.TypePasswordReset + ` {}`,
		},
		"postconfirmation-federated": {
			contracts.TypeUserCreated + ` {"via":"federation"}`,
			contracts.TypeSigninSucceeded + ` {"via":"federation"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, p := payload(t, name), &topic{}
			out, log := invoke(t, p, in)
			if diff := cmp.Diff(want, p.summary()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if string(out) != string(in) {
				t.Error("the answer is not the payload")
			}
			for _, ev := range p.events {
				if strings.Contains(ev.String(), "ada@") || strings.Contains(ev.String(), "Google_") {
					t.Errorf("personal data in %s", ev)
				}
			}
			if strings.Contains(log, "ada@") {
				t.Errorf("personal data in the log: %s", log)
			}
		})
	}
}

func TestInvoke_twice_gives_the_same_ids(t *testing.T) {
	t.Parallel()
	p := &topic{}
	for range 2 {
		invoke(t, p, payload(t, "postconfirmation-federated"))
	}
	var ids []string
	for _, ev := range p.events {
		ids = append(ids, ev.ID())
	}
	if len(ids) != 4 || ids[0] != ids[2] || ids[1] != ids[3] || ids[0] == ids[1] {
		t.Errorf("ids %v: want two pairs of two", ids)
	}
}

func TestInvoke_forgives(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		payload string
		refuse  bool
		want    int
	}{
		"unknown_source": {payload: `{"triggerSource":"PostConfirmation_ConfirmTomorrow","userPoolId":"us-east-1_Example01","request":{"userAttributes":{"sub":"0b9a1f52-77c1-4c6a-9d2a-5f1c8a4c9e77"}}}`},
		"no_sub":         {payload: `{"triggerSource":"PostConfirmation_ConfirmSignUp","userPoolId":"us-east-1_Example01","userName":"ada@example.com"}`},
		"address_as_sub": {payload: `{"triggerSource":"PostConfirmation_ConfirmSignUp","userPoolId":"us-east-1_Example01","request":{"userAttributes":{"sub":"ada@example.com"}}}`},
		"status_alone": {
			payload: `{"triggerSource":"PostConfirmation_ConfirmSignUp","userPoolId":"us-east-1_Example01","request":{"userAttributes":{"sub":"0b9a1f52-77c1-4c6a-9d2a-5f1c8a4c9e77","cognito:user_status":"EXTERNAL_PROVIDER"}}}`, want: 2,
		},
		"empty_identities": {
			payload: `{"triggerSource":"PostConfirmation_ConfirmSignUp","userPoolId":"us-east-1_Example01","request":{"userAttributes":{"sub":"0b9a1f52-77c1-4c6a-9d2a-5f1c8a4c9e77","identities":"[]"}}}`, want: 1,
		},
		"linked_identities": {
			payload: `{"triggerSource":"PostConfirmation_ConfirmSignUp","userPoolId":"us-east-1_Example01","request":{"userAttributes":{"sub":"0b9a1f52-77c1-4c6a-9d2a-5f1c8a4c9e77","identities":"[{}]"}}}`, want: 2,
		},
		"not_published": {
			payload: `{"triggerSource":"PostConfirmation_ConfirmSignUp","userPoolId":"us-east-1_Example01","request":{"userAttributes":{"sub":"0b9a1f52-77c1-4c6a-9d2a-5f1c8a4c9e77","identities":"[{}]"}}}`, refuse: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &topic{refuse: tc.refuse}
			_, log := invoke(t, p, []byte(tc.payload))
			if len(p.events) != tc.want {
				t.Errorf("%d events, want %d", len(p.events), tc.want)
			}
			if forgiven := strings.Contains(log, "forgiven"); (tc.want > 0 || tc.refuse) && forgiven != tc.refuse {
				t.Errorf("refused %v, log %q", tc.refuse, log)
			}
			if p.calls > 1 {
				t.Errorf("published in %d steps; one time limit needs one", p.calls)
			}
			if strings.Contains(log, "ada@") {
				t.Errorf("personal data in the log: %s", log)
			}
		})
	}
}

func FuzzInvoke(f *testing.F) {
	for _, name := range []string{"postconfirmation-confirm-sign-up", "postconfirmation-federated"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "events", name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := &topic{}
		h := &trigger.Handler{Run: (&postconfirmation.Confirmer{Publisher: p}).Run, Log: slog.New(slog.DiscardHandler), Now: time.Now}
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{
			InvokedFunctionArn: "arn:aws:lambda:us-east-1:111122223333:function:postconfirmation:live",
		})
		out, err := h.Invoke(ctx, raw)
		if err == nil && string(out) != string(raw) {
			t.Error("the answer is not the payload")
		}
		for _, ev := range p.events {
			if strings.Contains(ev.Subject(), "@") {
				t.Error("an address as the subject")
			}
		}
	})
}
