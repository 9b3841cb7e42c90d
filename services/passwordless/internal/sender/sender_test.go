package sender_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/services/passwordless/internal/letter"
	"gatehouse.example/services/passwordless/internal/sender"
)

const address = "erika.musterfrau@example.org"

func moment() time.Time { return time.Date(2026, 11, 30, 9, 30, 0, 0, time.UTC) }

// post is what the sender calls, in memory.
type post struct {
	letter  letter.Letter
	openErr error
	sendErr error
	outcome publish.Outcome
	mails   []*sesv2.SendEmailInput
	events  []event.Event
	dead    []string
}

func (p *post) Open(context.Context, string, []byte) (letter.Letter, error) {
	return p.letter, p.openErr
}

func (p *post) SendEmail(_ context.Context, in *sesv2.SendEmailInput, _ ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error) {
	p.mails = append(p.mails, in)
	return &sesv2.SendEmailOutput{}, p.sendErr
}

func (p *post) Publish(_ context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	p.events = append(p.events, evs...)
	return []publish.Outcome{p.outcome}, nil
}

func (p *post) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	p.dead = append(p.dead, *in.MessageBody)
	return &sqs.SendMessageOutput{MessageId: aws.String("m")}, nil
}

func newPost() *post {
	return &post{outcome: publish.Published, letter: letter.Letter{
		Code: "01234567", Token: "tOkEn-_", Address: address, Language: "de-AT", ClientID: "client",
		PoolARN: "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse", Subject: "5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11",
	}}
}

func (p *post) handle(t *testing.T, body string) (events.SQSEventResponse, string) {
	t.Helper()
	var log strings.Builder
	s := &sender.Sender{
		Vault: p, SES: p, Publisher: p, Dead: &consume.DeadLetters{Queue: p, URL: "dlq"}, From: "no-reply@example.org",
		Writer:      sender.Writer{App: "Gatehouse", Link: "https://app.example.org/signin"},
		Environment: "test", Out: &log, Log: slog.New(slog.NewJSONHandler(&log, nil)), Now: moment,
	}
	got, err := s.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: body}}})
	if err != nil {
		t.Fatal(err)
	}
	return got, log.String()
}

func envelope(valid time.Duration) string {
	raw, _ := json.Marshal(letter.Envelope{ID: "challenge", ExpiresAt: moment().Add(valid).Unix(), Sealed: []byte("sealed")})
	return string(raw)
}

func TestHandle(t *testing.T) {
	t.Parallel()
	throttled := &smithy.GenericAPIError{Code: "TooManyRequestsException", Message: "SECRET " + address}
	for name, tc := range map[string]struct {
		change func(*post)
		body   string
		mails  int
		event  string // sent, a reason, or empty
		again  bool
		dead   bool
	}{
		"sent": {nil, envelope(time.Minute), 1, "sent", false, false},
		"unknown_user": {func(p *post) {
			p.letter.Why, p.letter.Address, p.letter.Subject = contracts.ChallengeUnknownUser, "", ""
		}, envelope(time.Minute), 0, contracts.ChallengeUnknownUser, false, false},
		"too_often":     {func(p *post) { p.letter.Why = contracts.ChallengeTooManyForUser }, envelope(time.Minute), 0, contracts.ChallengeTooManyForUser, false, false},
		"late":          {nil, envelope(0), 0, contracts.ChallengeLate, false, false},
		"rejected":      {func(p *post) { p.sendErr = &types.MessageRejected{Message: aws.String("SECRET " + address)} }, envelope(time.Minute), 1, contracts.ChallengeRefused, false, false},
		"malformed":     {func(p *post) { p.sendErr = &types.BadRequestException{Message: aws.String("SECRET " + address)} }, envelope(time.Minute), 1, contracts.ChallengeRefused, false, false},
		"throttled":     {func(p *post) { p.sendErr = throttled }, envelope(time.Minute), 1, "", true, false},
		"key_down":      {func(p *post) { p.openErr = throttled }, envelope(time.Minute), 0, "", true, false},
		"wrong_key":     {func(p *post) { p.openErr = &smithy.GenericAPIError{Code: "InvalidCiphertextException"} }, envelope(time.Minute), 0, "", false, true},
		"not_a_letter":  {func(p *post) { p.openErr = fmt.Errorf("x: %w", letter.ErrSealed) }, envelope(time.Minute), 0, "", false, true},
		"not_json":      {nil, `{"id":`, 0, "", false, true},
		"empty":         {nil, `{"id":"a"}`, 0, "", false, true},
		"logged_sent":   {func(p *post) { p.outcome = publish.Logged }, envelope(time.Minute), 1, "sent", false, false},
		"logged_reason": {func(p *post) { p.letter.Why, p.outcome = contracts.ChallengeUnknownUser, publish.Logged }, envelope(time.Minute), 0, contracts.ChallengeUnknownUser, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPost()
			if tc.change != nil {
				tc.change(p)
			}
			got, log := p.handle(t, tc.body)
			if again := len(got.BatchItemFailures) == 1; again != tc.again || len(p.mails) != tc.mails || len(p.dead) == 1 != tc.dead {
				t.Errorf("again %t, %d mails, dead %q", again, len(p.mails), p.dead)
			}
			what := ""
			for _, ev := range p.events {
				var data struct{ Reason string }
				_ = json.Unmarshal(ev.Data(), &data)
				if what = data.Reason; ev.Type() == contracts.TypeChallengeSent {
					what = "sent"
				}
				if raw, _ := json.Marshal(ev); strings.Contains(string(raw), "01234567") || strings.Contains(string(raw), "tOkEn") || strings.Contains(string(raw), "erika") {
					t.Errorf("the event says too much: %s", raw)
				}
			}
			if what != tc.event {
				t.Errorf("event %q, want %q", what, tc.event)
			}
			for _, secret := range []string{"SECRET", "erika", "01234567", "tOkEn"} {
				if strings.Contains(log, secret) {
					t.Errorf("the log has %s: %s", secret, log)
				}
			}
		})
	}
}

// A copy of a message is the same event.
func TestCopies(t *testing.T) {
	t.Parallel()
	p := newPost()
	p.handle(t, envelope(time.Minute))
	p.handle(t, envelope(time.Minute))
	if len(p.events) != 2 || p.events[0].ID() != p.events[1].ID() {
		t.Errorf("events %v", p.events)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	w := sender.Writer{App: "Acme <b>", Link: "https://app.example.org/signin?a=1&b=2"}
	for _, language := range []string{"en", "de-AT", "fr_CA", "es", "ja-JP", "xx", "", `"><script>`} {
		l := newPost().letter
		l.Language, l.Token = language, `a"b<c`
		m, err := w.Write(l, 9*time.Minute+59*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		const link = "https://app.example.org/signin?a=1&b=2#signin=a%22b%3Cc"
		for _, want := range []string{"0123 4567", link, "9"} {
			if !strings.Contains(m.Text, want) {
				t.Errorf("%s: the text has no %s: %s", language, want, m.Text)
			}
		}
		doc, err := html.Parse(strings.NewReader(m.HTML))
		if err != nil {
			t.Fatal(err)
		}
		links, bold := 0, 0
		for n := range doc.Descendants() {
			for _, a := range n.Attr {
				if a.Key == "href" && a.Val == link {
					links++
				}
			}
			if n.Data == "b" || n.Data == "script" || n.Data == "img" {
				bold++
			}
		}
		if links != 1 || bold > 0 || strings.Contains(m.HTML, "{{") || strings.Contains(m.Text+m.Subject, "{{") || !strings.Contains(m.HTML, "ses:no-track") {
			t.Errorf("%s: %d links, %d foreign elements:\n%s", language, links, bold, m.HTML)
		}
	}
	w.Link = ""
	m, err := w.Write(newPost().letter, time.Minute)
	if err != nil || strings.Contains(m.HTML+m.Text, "http") || strings.Contains(m.HTML, "<!-- link") {
		t.Errorf("without a link: %v %s", err, m.HTML+m.Text)
	}
}

// SES gets the address, a text and a page.
func TestMail(t *testing.T) {
	t.Parallel()
	p := newPost()
	p.handle(t, envelope(10*time.Minute))
	if len(p.mails) != 1 {
		t.Fatal("no mail")
	}
	in := p.mails[0]
	if diff := cmp.Diff([]string{address}, in.Destination.ToAddresses); diff != "" || *in.FromEmailAddress != "no-reply@example.org" {
		t.Error(diff, *in.FromEmailAddress)
	}
	m := in.Content.Simple
	if *m.Subject.Data != "Bei Gatehouse anmelden" || !strings.Contains(*m.Body.Text.Data, "0123 4567") || !strings.Contains(*m.Body.Html.Data, "signin=tOkEn-_") {
		t.Errorf("%s\n%s", *m.Subject.Data, *m.Body.Text.Data)
	}
}

func TestBatchWithoutIDs(t *testing.T) {
	t.Parallel()
	if _, err := (&sender.Sender{}).Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{Body: "{}"}}}); err == nil {
		t.Error(errors.New("a message without an id has no partial answer"))
	}
}
