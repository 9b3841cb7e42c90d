package newcomers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/publish"
)

const (
	pool = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Ab129faBb"
	sub  = "5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11"
)

func came() time.Time { return time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC) }

type directory struct {
	users  []types.UserType
	filter string
	err    error
}

func (d *directory) ListUsers(_ context.Context, in *cognito.ListUsersInput, _ ...func(*cognito.Options)) (*cognito.ListUsersOutput, error) {
	d.filter = aws.ToString(in.UserPoolId) + " " + aws.ToString(in.Filter)
	return &cognito.ListUsersOutput{Users: d.users}, d.err
}

type topic struct {
	events  []event.Event
	outcome publish.Outcome
}

func (p *topic) Publish(_ context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	p.events = append(p.events, evs...)
	return []publish.Outcome{p.outcome}, nil
}

type letters struct{ sent []string }

func (l *letters) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	l.sent = append(l.sent, aws.ToString(in.MessageBody))
	return &sqs.SendMessageOutput{MessageId: aws.String("1")}, nil
}

func user(status types.UserStatusType, created time.Time) types.UserType {
	return types.UserType{UserStatus: status, UserCreateDate: &created, Attributes: []types.AttributeType{{Name: aws.String("sub"), Value: aws.String(sub)}}}
}

func message(address string) string {
	return fmt.Sprintf(`{"pool":%q,"address":%q,"at":"2026-11-30T09:00:00Z"}`, pool, address)
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	const ada = "ada.lovelace@example.org"
	moved := user(types.UserStatusTypeConfirmed, came().Add(time.Second))
	for name, tc := range map[string]struct {
		body                               string
		users                              []types.UserType
		down                               error
		outcome                            publish.Outcome
		late                               time.Duration
		announced, again, dead, notCreated bool
	}{
		"confirmed":        {body: message(ada), users: []types.UserType{moved}, announced: true},
		"reset_required":   {body: message(ada), users: []types.UserType{user(types.UserStatusTypeResetRequired, came())}, announced: true},
		"days_later":       {body: message(ada), users: []types.UserType{moved}, late: 72 * time.Hour, announced: true},
		"not_yet":          {body: message(ada), again: true},
		"never":            {body: message(ada), late: grace, notCreated: true},
		"older_user":       {body: message(ada), users: []types.UserType{user(types.UserStatusTypeConfirmed, came().Add(-time.Hour))}},
		"signs_up":         {body: message(ada), users: []types.UserType{user(types.UserStatusTypeUnconfirmed, came())}},
		"cognito_is_down":  {body: message(ada), down: errors.New(ada), again: true},
		"in_the_outbox":    {body: message(ada), users: []types.UserType{moved}, outcome: publish.FellBack, announced: true},
		"in_the_log":       {body: message(ada), users: []types.UserType{moved}, outcome: publish.Logged, again: true, announced: true},
		"not_json":         {body: ada, dead: true},
		"empty":            {body: "{}", dead: true},
		"no_time":          {body: `{"pool":"` + pool + `","address":"` + ada + `"}`, dead: true},
		"breaks_a_filter":  {body: message(`x" or sub = "@example.org`), dead: true},
		"an_address_in_it": {body: message("ADA@example.org"), dead: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.outcome == "" {
				tc.outcome = publish.Published
			}
			d, p, l := &directory{users: tc.users, err: tc.down}, &topic{outcome: tc.outcome}, &letters{}
			var out, log bytes.Buffer
			c := &Consumer{
				Pool: d, Publisher: p, Dead: &consume.DeadLetters{Queue: l, URL: "u"}, Environment: "test", Out: &out,
				Log: slog.New(slog.NewJSONHandler(&log, nil)), Now: func() time.Time { return came().Add(30*time.Second + tc.late) },
			}
			answer, err := c.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: tc.body}}})
			if err != nil || (len(answer.BatchItemFailures) == 1) != tc.again || (len(l.sent) == 1) != tc.dead {
				t.Errorf("Handle = %+v, %v; dead %v", answer, err, l.sent)
			}
			if (len(p.events) == 1) != tc.announced || strings.Contains(out.String(), MetricNotCreated) != tc.notCreated {
				t.Errorf("events %v, metrics %s", p.events, &out)
			}
			if strings.Contains(strings.ToLower(log.String()+out.String()), "lovelace") {
				t.Errorf("log %s, metrics %s", &log, &out)
			}
		})
	}
}

// TestEvent: the id is the one that the reconciler would give.
func TestEvent(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../events/announcer.json")
	if err != nil {
		t.Fatal(err)
	}
	var in events.SQSEvent
	if err := json.Unmarshal(raw, &in); err != nil {
		t.Fatal(err)
	}
	d, p := &directory{users: []types.UserType{user(types.UserStatusTypeConfirmed, came())}}, &topic{outcome: publish.Published}
	c := &Consumer{Pool: d, Publisher: p, Environment: "test", Out: &bytes.Buffer{}, Log: slog.New(slog.DiscardHandler), Now: came}
	if _, err := c.Handle(t.Context(), in); err != nil || len(p.events) != 1 {
		t.Fatalf("Handle: %v, %d events", err, len(p.events))
	}
	if want := `us-east-1_Ab129faBb email = "ada.lovelace@example.org"`; d.filter != want {
		t.Errorf("asked %s, want %s", d.filter, want)
	}
	ev := p.events[0]
	var data contracts.UserCreated
	if err := ev.DataAs(&data); err != nil {
		t.Fatal(err)
	}
	got := []string{ev.Type(), ev.ID(), ev.Source(), ev.Subject(), ev.Time().Format(time.RFC3339), data.Via}
	want := []string{contracts.TypeUserCreated, contracts.CreatedID(pool, sub), pool, sub, "2026-11-30T09:00:00Z", contracts.ViaMigration}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}
