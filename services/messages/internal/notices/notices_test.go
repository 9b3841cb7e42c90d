package notices

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cognitotypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
)

const (
	pool = "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_Example01"
	sub  = "7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world is Cognito with one user, a table, and SES.
type world struct {
	user     map[string]string // nil: deleted
	poolDown error
	now      time.Time
	rows     map[string]map[string]dynamodbtypes.AttributeValue
	putDown  map[int]error // by number of the call
	puts     int
	sesDown  map[int]error
	asked    []*cognito.ListUsersInput
	mails    []*sesv2.SendEmailInput
}

func (w *world) ListUsers(_ context.Context, in *cognito.ListUsersInput, _ ...func(*cognito.Options)) (*cognito.ListUsersOutput, error) {
	w.asked = append(w.asked, in)
	if w.poolDown != nil || w.user == nil {
		return &cognito.ListUsersOutput{}, w.poolDown
	}
	var u cognitotypes.UserType
	for name, value := range w.user {
		u.Attributes = append(u.Attributes, cognitotypes.AttributeType{Name: &name, Value: &value})
	}
	return &cognito.ListUsersOutput{Users: []cognitotypes.UserType{u}}, nil
}

// PutItem does what the condition says; a text comparison would only repeat it.
func (w *world) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	w.puts++
	if err := w.putDown[w.puts]; err != nil {
		return nil, err
	}
	key := in.Item["event"].(*dynamodbtypes.AttributeValueMemberS).Value
	if old := w.rows[key]; in.ConditionExpression != nil && old != nil {
		past := func(name string) bool {
			at, ok := old[name].(*dynamodbtypes.AttributeValueMemberN)
			return ok && at.Value <= in.ExpressionAttributeValues[":now"].(*dynamodbtypes.AttributeValueMemberN).Value
		}
		if !past("expires") && !past("lease") {
			return nil, &dynamodbtypes.ConditionalCheckFailedException{Item: old}
		}
	}
	if w.rows == nil {
		w.rows = map[string]map[string]dynamodbtypes.AttributeValue{}
	}
	w.rows[key] = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

func (w *world) SendEmail(_ context.Context, in *sesv2.SendEmailInput, _ ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error) {
	w.mails = append(w.mails, in)
	return &sesv2.SendEmailOutput{}, w.sesDown[len(w.mails)]
}

// deliver hands these events to the consumer, and returns the ids that failed and the output.
func (w *world) deliver(t *testing.T, bodies ...string) (failed []string, out string) {
	t.Helper()
	var b bytes.Buffer
	c := &Consumer{
		Pool: w, Mailer: w, Claims: &Claims{Table: w, Name: "claims"}, From: "no-reply@example.org", Environment: "test",
		Out: &b, Log: slog.New(slog.NewJSONHandler(&b, nil)), Now: func() time.Time { return w.now },
	}
	var in events.SQSEvent
	for i, body := range bodies {
		in.Records = append(in.Records, events.SQSMessage{MessageId: string(rune('a' + i)), Body: body})
	}
	answer, err := c.Handle(t.Context(), in)
	if err != nil {
		t.Fatalf("Handle: %v", err)
	}
	for _, f := range answer.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	if strings.Contains(b.String(), "erika") {
		t.Errorf("the output has the address: %s", b.String())
	}
	return failed, b.String()
}

func erika() *world {
	return &world{user: map[string]string{"email": "erika@example.org", "email_verified": "true", "locale": "de-DE"}, now: noon.Add(time.Minute)}
}

func body(t *testing.T, ev event.Event, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := contracts.Encode(ev)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func act(id string) contracts.Act {
	return contracts.Act{ID: id, PoolARN: pool, Subject: sub, Time: noon}
}

func changed(t *testing.T, id string) string {
	t.Helper()
	ev, err := contracts.NewPasswordChanged(act(id), contracts.PasswordChanged{By: contracts.By{Kind: contracts.ByUser}, How: "changed"})
	return body(t, ev, err)
}

// TestKinds: each event has its mail or its reason, whatever else is in it.
func TestKinds(t *testing.T) {
	t.Parallel()
	by := contracts.By{Kind: contracts.ByUser}
	synthetic := act("1")
	synthetic.Synthetic = true
	pair := func(ev event.Event, err error) func(*testing.T) string {
		return func(t *testing.T) string { t.Helper(); return body(t, ev, err) }
	}
	for name, tc := range map[string]struct {
		event   func(*testing.T) string
		mail    Kind
		dropped string
	}{
		"signed_up":        {pair(contracts.NewUserCreated(act(""), contracts.UserCreated{Via: contracts.ViaSignup})), Welcome, ""},
		"federated":        {pair(contracts.NewUserCreated(act(""), contracts.UserCreated{Via: contracts.ViaFederation})), Welcome, ""},
		"invited":          {pair(contracts.NewUserCreated(act(""), contracts.UserCreated{Via: contracts.ViaAdmin})), "", "invited"},
		"canary":           {pair(contracts.NewUserCreated(synthetic, contracts.UserCreated{Via: contracts.ViaSignup})), "", "synthetic"},
		"new_device":       {pair(contracts.NewSigninSucceeded(act("1"), contracts.SigninSucceeded{NewDevice: true})), NewDevice, ""},
		"known_device":     {pair(contracts.NewSigninSucceeded(act("1"), contracts.SigninSucceeded{})), "", ""},
		"reset":            {pair(contracts.NewPasswordReset(act("1"))), Password, ""},
		"password_changed": {func(t *testing.T) string { t.Helper(); return changed(t, "1") }, Password, ""},
		"password_set":     {pair(contracts.NewPasswordChanged(act("1"), contracts.PasswordChanged{By: by, How: "set"})), Password, ""},
		"password_ended":   {pair(contracts.NewPasswordChanged(act("1"), contracts.PasswordChanged{By: by, How: "invalidated"})), "", "code_sent"},
		"updated":          {pair(contracts.NewAttributesChanged(act("1"), contracts.AttributesChanged{By: by, Change: "updated"})), Details, ""},
		"verified":         {pair(contracts.NewAttributesChanged(act("1"), contracts.AttributesChanged{By: by, Change: "verified"})), Details, ""},
		"linked":           {pair(contracts.NewAttributesChanged(act("1"), contracts.AttributesChanged{By: by, Change: "linked"})), SignInMethods, ""},
		"passkey":          {pair(contracts.NewMFAChanged(act("1"), contracts.MFAChanged{By: by, Change: "passkey-added"})), SignInMethods, ""},
		"another_type":     {pair(contracts.NewSigninAttempted(act("1"), contracts.SigninAttempted{})), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := erika()
			failed, out := w.deliver(t, tc.event(t))
			if len(failed) > 0 || len(w.mails) != map[bool]int{true: 0, false: 1}[tc.mail == ""] {
				t.Fatalf("failed %v, %d mails: %s", failed, len(w.mails), out)
			}
			want := ""
			if tc.mail != "" {
				m, err := Write(tc.mail, "de", noon)
				if err != nil {
					t.Fatal(err)
				}
				if got := w.mails[0].Content.Simple; *got.Subject.Data != m.Subject || *got.Body.Html.Data != m.HTML || *got.Body.Text.Data != m.Text {
					t.Errorf("mail %s", *got.Subject.Data)
				}
				want = `"Kind":"` + string(tc.mail) + `"`
			} else if tc.dropped != "" {
				want = `"Reason":"` + tc.dropped + `"`
			}
			if !strings.Contains(out, want) || want == "" && strings.Contains(out, "Notices") {
				t.Errorf("output %s, want %s", out, want)
			}
		})
	}
}

// TestRecipients: nobody is mailed at an address that may be a stranger's, or about news of
// yesterday.
func TestRecipients(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*world)
		reason string // empty: mailed
		failed bool
	}{
		"usual":          {func(*world) {}, "", false},
		"other_language": {func(w *world) { w.user["locale"] = "xx" }, "", false},
		"deleted":        {func(w *world) { w.user = nil }, "gone", false},
		"no_address":     {func(w *world) { delete(w.user, "email") }, "no_address", false},
		"unverified":     {func(w *world) { w.user["email_verified"] = "false" }, "unverified", false},
		"not_mapped":     {func(w *world) { delete(w.user, "email_verified") }, "unverified", false},
		"canary":         {func(w *world) { w.user["email"] = "success+erika@simulator.amazonses.com" }, "synthetic", false},
		"almost_late":    {func(w *world) { w.now = noon.Add(latest) }, "", false},
		"late":           {func(w *world) { w.now = noon.Add(latest + time.Second) }, "late", false},
		"cognito_down":   {func(w *world) { w.poolDown = errors.New("TooManyRequestsException: erika@example.org") }, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := erika()
			tc.change(w)
			failed, out := w.deliver(t, changed(t, "1"))
			if (len(failed) > 0) != tc.failed || (len(w.mails) == 1) != (tc.reason == "" && !tc.failed) {
				t.Fatalf("failed %v, %d mails: %s", failed, len(w.mails), out)
			}
			if tc.reason != "" && !strings.Contains(out, `"Reason":"`+tc.reason+`"`) {
				t.Errorf("output %s, want %s", out, tc.reason)
			}
		})
	}
}

// TestOncePerEvent: copies mail nobody again, whenever they come; a mail whose end nobody
// knows is sent again, after the lease.
func TestOncePerEvent(t *testing.T) {
	t.Parallel()
	w := erika()
	one, other := changed(t, "1"), changed(t, "2")
	if failed, out := w.deliver(t, one, one, other); len(failed) > 0 || len(w.mails) != 2 {
		t.Fatalf("failed %v, %d mails: %s", failed, len(w.mails), out)
	}
	w.now = w.now.Add(time.Hour)
	if failed, out := w.deliver(t, one); len(failed) > 0 || len(w.mails) != 2 || !strings.Contains(out, `"Reason":"copy"`) {
		t.Errorf("an hour later: failed %v, %d mails: %s", failed, len(w.mails), out)
	}

	w = erika()
	w.putDown = map[int]error{2: errors.New("no answer")} // after the mail
	if failed, _ := w.deliver(t, one); len(failed) != 1 || len(w.mails) != 1 {
		t.Fatalf("failed %v, %d mails", failed, len(w.mails))
	}
	w.now = w.now.Add(lease - time.Second)
	if failed, _ := w.deliver(t, one); len(failed) != 1 || len(w.mails) != 1 {
		t.Errorf("within the lease: failed %v, %d mails", failed, len(w.mails))
	}
	w.now = w.now.Add(2 * time.Second)
	if failed, _ := w.deliver(t, one); len(failed) != 0 || len(w.mails) != 2 {
		t.Errorf("after the lease: failed %v, %d mails", failed, len(w.mails))
	}

	w = erika()
	w.putDown = map[int]error{1: errors.New("no answer")} // before the mail
	if failed, _ := w.deliver(t, one); len(failed) != 1 || len(w.mails) != 0 {
		t.Errorf("without a claim: failed %v, %d mails", failed, len(w.mails))
	}
}

// TestSESRefuses: after a throttle the rest of the batch waits, a rejected mail waits alone,
// and what SES will never take goes to the dead-letter queue.
func TestSESRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    error
		failed []string
		mails  int
		log    string
	}{
		"throttled":   {&types.TooManyRequestsException{Message: aws.String("erika")}, []string{"b", "c", "d"}, 2, "TooManyRequestsException"},
		"paused":      {&types.SendingPausedException{}, []string{"b", "c", "d"}, 2, "SendingPausedException"},
		"no_answer":   {context.DeadlineExceeded, []string{"b", "c", "d"}, 2, "errors"},
		"rejected":    {&types.MessageRejected{Message: aws.String("erika is not verified")}, []string{"b"}, 4, "MessageRejected"},
		"bad_request": {&types.BadRequestException{Message: aws.String("erika")}, []string{"b"}, 4, "ses_bad_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := erika()
			w.sesDown = map[int]error{2: tc.err}
			failed, out := w.deliver(t, changed(t, "1"), changed(t, "2"), changed(t, "3"), changed(t, "4"))
			if diff := cmp.Diff(tc.failed, failed); diff != "" || len(w.mails) != tc.mails {
				t.Errorf("%d mails, failed (-want +got):\n%s", len(w.mails), diff)
			}
			if name != "no_answer" && !strings.Contains(out, tc.log) {
				t.Errorf("output %s, want %s", out, tc.log)
			}
		})
	}
}

// TestPoison: what no attempt can handle asks nobody.
func TestPoison(t *testing.T) {
	t.Parallel()
	w := erika()
	good := changed(t, "1")
	failed, out := w.deliver(t, "not an event", strings.Replace(good, `"data":{`, `"data":[],"x":{`, 1), strings.Replace(good, sub, "erika-", 1)+" ", strings.Replace(good, sub, "x y", 1))
	if len(failed) != 3 || len(w.mails) != 1 {
		t.Errorf("failed %v, %d mails: %s", failed, len(w.mails), out)
	}
}

// TestRequests: what is asked and sent, field by field.
func TestRequests(t *testing.T) {
	t.Parallel()
	w := erika()
	w.deliver(t, changed(t, "1"))
	asked := w.asked[0]
	if *asked.UserPoolId != "eu-central-1_Example01" || *asked.Filter != `sub = "`+sub+`"` || !cmp.Equal(asked.AttributesToGet, []string{"email", "email_verified", "locale"}) || *asked.Limit != 1 {
		t.Errorf("asked %+v", asked)
	}
	m := w.mails[0]
	if *m.FromEmailAddress != `"Gatehouse" <no-reply@example.org>` || !cmp.Equal(m.Destination.ToAddresses, []string{"erika@example.org"}) || len(m.Destination.CcAddresses)+len(m.Destination.BccAddresses) > 0 {
		t.Errorf("from %s to %v", *m.FromEmailAddress, m.Destination)
	}
	if h := m.Content.Simple.Headers; len(h) != 1 || *h[0].Name != "Auto-Submitted" || *h[0].Value != "auto-generated" {
		t.Errorf("headers %v", h)
	}
}
