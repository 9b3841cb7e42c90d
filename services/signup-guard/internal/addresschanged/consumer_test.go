package addresschanged

import (
	"bytes"
	gocmp "cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
)

const (
	pool = "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_Example01"
	sub  = "7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// fake is Cognito with one user, the list with one domain, and a topic.
type fake struct {
	email   string
	missing bool
	down    error
	outcome publish.Outcome // empty: published

	mu    sync.Mutex
	asked []cognito.ListUsersInput
	sent  []event.Event
}

func (f *fake) ListUsers(_ context.Context, in *cognito.ListUsersInput, _ ...func(*cognito.Options)) (*cognito.ListUsersOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, *in)
	if f.down != nil || f.missing {
		return &cognito.ListUsersOutput{}, f.down
	}
	user := types.UserType{}
	if f.email != "" {
		user.Attributes = []types.AttributeType{{Name: aws.String("email"), Value: &f.email}}
	}
	return &cognito.ListUsersOutput{Users: []types.UserType{user}}, nil
}

func (f *fake) Refused(email string) (string, bool) {
	_, domain, _ := strings.Cut(email, "@")
	return domain, domain == "mailinator.com"
}

func (f *fake) Publish(_ context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, evs...)
	return []publish.Outcome{gocmp.Or(f.outcome, publish.Published)}, nil
}

// changed is an event of the topic.
func changed(t *testing.T, change func(*contracts.Act)) string {
	t.Helper()
	act := contracts.Act{ID: "0b7c3c62-6f2a-4b57-9a4e-6c0c1f2c9f10", PoolARN: pool, Subject: sub, Time: noon}
	if change != nil {
		change(&act)
	}
	ev, err := contracts.NewAttributesChanged(act, contracts.AttributesChanged{By: contracts.By{Kind: contracts.ByUser}, Change: "updated"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := contracts.Encode(ev)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestHandle(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		f      *fake
		change func(*contracts.Act)
		failed bool
		want   int
	}{
		"disposable":          {&fake{email: "eve@mailinator.com"}, nil, false, 1},
		"ordinary":            {&fake{email: "eve@example.org"}, nil, false, 0},
		"no_address":          {&fake{}, nil, false, 0},
		"deleted_meanwhile":   {&fake{missing: true}, nil, false, 0},
		"canary_by_address":   {&fake{email: "success+1@simulator.amazonses.com"}, nil, false, 0},
		"canary_by_mark":      {&fake{email: "eve@mailinator.com"}, func(a *contracts.Act) { a.Synthetic = true }, false, 0},
		"cognito_throttles":   {&fake{email: "eve@mailinator.com", down: errors.New("TooManyRequestsException eve@mailinator.com")}, nil, true, 0},
		"topic_does_not_take": {&fake{email: "eve@mailinator.com", outcome: publish.Logged}, nil, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, out := tc.f, &bytes.Buffer{}
			c := &Consumer{Pool: f, Judge: f, Publisher: f, Environment: "test", Out: out, Log: slog.New(slog.NewJSONHandler(out, nil)), Now: time.Now}
			answer, err := c.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m0", Body: changed(t, tc.change)}}})
			if err != nil || len(answer.BatchItemFailures) > 0 != tc.failed || len(f.sent) != tc.want {
				t.Fatalf("answer %v, %v; %d sent, want %d", answer, err, len(f.sent), tc.want)
			}
			if strings.Contains(out.String(), "eve@") {
				t.Errorf("the log has the address: %s", out)
			}
		})
	}
}

// What is announced has the domain and nothing else of the address, and one id for a day.
func TestFinding(t *testing.T) {
	t.Parallel()
	f := &fake{email: "eve@mailinator.com"}
	c := &Consumer{Pool: f, Judge: f, Publisher: f, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	var in events.SQSEvent
	for i, at := range []time.Time{noon, noon, noon.Add(11 * time.Hour), noon.Add(13 * time.Hour)} {
		in.Records = append(in.Records, events.SQSMessage{MessageId: string(rune('a' + i)), Body: changed(t, func(a *contracts.Act) { a.Time = at })})
	}
	if answer, err := c.Handle(t.Context(), in); err != nil || len(answer.BatchItemFailures) > 0 {
		t.Fatalf("%v, %v", answer, err)
	}
	ids := map[string]int{}
	for _, ev := range f.sent {
		ids[ev.ID()]++
		if strings.Contains(ev.String(), "eve@") || ev.Subject() != sub || ev.Source() != pool {
			t.Errorf("event %s", ev)
		}
	}
	if len(f.sent) != 4 || len(ids) != 2 {
		t.Errorf("%d events with the ids %v, want two: of a day and of the next", len(f.sent), ids)
	}
	var d contracts.SecurityFinding
	if err := f.sent[0].DataAs(&d); err != nil {
		t.Fatal(err)
	}
	if d.Rule != contracts.RuleAddressDisposable || d.Domain != "mailinator.com" || d.Severity != contracts.SeverityMedium {
		t.Errorf("data %+v", d)
	}
	want := cognito.ListUsersInput{UserPoolId: aws.String("eu-central-1_Example01"), Filter: aws.String(`sub = "` + sub + `"`), AttributesToGet: []string{"email"}, Limit: aws.Int32(1)}
	if diff := cmp.Diff(*want.Filter, *f.asked[0].Filter); diff != "" || !cmp.Equal(want.AttributesToGet, f.asked[0].AttributesToGet) || *f.asked[0].UserPoolId != *want.UserPoolId {
		t.Errorf("question %s", diff)
	}
}

// What no attempt can handle is not repeated, and no other type is looked at.
func TestHandlePoison(t *testing.T) {
	t.Parallel()
	f := &fake{email: "eve@mailinator.com"}
	c := &Consumer{Pool: f, Judge: f, Publisher: f, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	body := changed(t, nil)
	in := events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "shape", Body: strings.Replace(body, `"data":{`, `"data":[],"x":{`, 1)},
		{MessageId: "sub", Body: strings.Replace(body, sub, "somebody else", 1)},
		{MessageId: "type", Body: strings.Replace(body, "attributes.changed", "password.changed", 1)},
	}}
	answer, err := c.Handle(t.Context(), in)
	if err != nil || len(answer.BatchItemFailures) != 2 || len(f.asked) > 0 {
		t.Errorf("answer %v, %v; %d questions", answer, err, len(f.asked))
	}
}
