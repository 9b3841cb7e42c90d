package usermigration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

const (
	address  = "ada.lovelace@example.org"
	password = "correct horse battery staple"
	poolOf   = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Ab129faBb"
)

func moment() time.Time { return time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC) }

// people is an old system that is asked for one person.
type people struct {
	mu       sync.Mutex
	person   Person
	err      error
	asked    []string
	panicked bool
}

func (p *people) SignIn(_ context.Context, a, given string) (Person, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, "sign-in "+a)
	if p.panicked {
		panic(a + given)
	}
	if p.err == nil && given != password {
		return Person{}, ErrRefused
	}
	return p.person, p.err
}

func (p *people) Find(_ context.Context, a string) (Person, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, "find "+a)
	return p.person, p.err
}

type limiter struct{ err error }

func (l limiter) Try(context.Context, string) error { return l.err }

// box keeps what the announcer is told.
type box struct {
	told []string
	err  error
}

func (b *box) Tell(_ context.Context, pool, a string, at time.Time) error {
	b.told = append(b.told, pool+" "+a+" "+at.Format(time.RFC3339))
	return b.err
}

// bench is a Handler and everything that it writes.
type bench struct {
	*Handler
	old     *people
	box     *box
	out     bytes.Buffer
	log     bytes.Buffer
	limiter limiter
}

func newBench() *bench {
	b := &bench{old: &people{person: Person{Attributes: map[string]string{"name": "Ada"}, Verified: true}}, box: &box{}}
	b.Handler = &Handler{
		Source: b.old, Limiter: &b.limiter, Announcer: b.box, Environment: "test", Out: &b.out,
		Log: slog.New(slog.NewJSONHandler(&b.log, nil)), Now: moment,
	}
	return b
}

func inLambda(ctx context.Context) context.Context {
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{InvokedFunctionArn: "arn:aws:lambda:us-east-1:111122223333:function:gatehouse-test-migration-usermigration:live"})
}

func payload(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func event(t testing.TB, raw []byte) (ev struct {
	Request  map[string]any
	Response response
}) {
	t.Helper()
	if err := json.Unmarshal(raw, &ev); err != nil {
		t.Fatal(err)
	}
	return ev
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ payload, status, asked string }{
		"sign_in": {"usermigration-authentication", "CONFIRMED", "sign-in " + address},
		"forgot":  {"usermigration-forgot-password", "RESET_REQUIRED", "find " + address},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench()
			sent := payload(t, tc.payload)
			answer, err := b.Invoke(inLambda(t.Context()), bytes.Clone(sent))
			if err != nil {
				t.Fatalf("Invoke: %v; %s", err, &b.log)
			}
			want := response{
				UserAttributes:  map[string]string{"email": address, "email_verified": "true", "name": "Ada"},
				FinalUserStatus: tc.status, MessageAction: "SUPPRESS", DesiredDeliveryMediums: []string{"EMAIL"},
			}
			if diff := cmp.Diff(want, event(t, answer).Response); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(event(t, sent).Request, event(t, answer).Request); diff != "" {
				t.Errorf("the request changed (-sent +answered):\n%s", diff)
			}
			if diff := cmp.Diff([]string{tc.asked}, b.old.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{poolOf + " " + address + " 2026-11-30T09:00:00Z"}, b.box.told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if !strings.Contains(b.out.String(), `"`+MetricMoved+`":1`) || b.log.Len() != 0 {
				t.Errorf("metrics %s, log %s", &b.out, &b.log)
			}
		})
	}
}

// TestRefusals: everything else is the same error, and the log says why in a code.
func TestRefusals(t *testing.T) {
	t.Parallel()
	with := func(before, after string) func(*bench, string) string {
		return func(_ *bench, s string) string { return strings.Replace(s, before, after, 1) }
	}
	change := func(f func(*bench)) func(*bench, string) string {
		return func(b *bench, s string) string { f(b); return s }
	}
	for name, tc := range map[string]struct {
		change func(*bench, string) string
		forgot bool
		code   string
	}{
		"wrong_password":    {with(password, "wrong"), false, codeRefused},
		"unknown":           {change(func(b *bench) { b.old.err = ErrRefused }), false, codeRefused},
		"unknown_forgot":    {change(func(b *bench) { b.old.err = ErrRefused }), true, codeRefused},
		"not_verified":      {change(func(b *bench) { b.old.person.Verified = false }), true, codeRefused},
		"limited":           {change(func(b *bench) { b.limiter.err = ErrLimited }), false, codeLimited},
		"limit_fails":       {change(func(b *bench) { b.limiter.err = errors.New("dynamodb") }), false, codeFailed},
		"old_system_fails":  {change(func(b *bench) { b.old.err = errors.New("down") }), false, codeFailed},
		"panic":             {change(func(b *bench) { b.old.panicked = true }), false, codeFailed},
		"somebody_else":     {change(func(b *bench) { b.old.person.Attributes["email"] = "root@example.org" }), false, codeFailed},
		"a_sub":             {change(func(b *bench) { b.old.person.Attributes["sub"] = "x" }), false, codeFailed},
		"identities":        {change(func(b *bench) { b.old.person.Attributes["identities"] = "[]" }), false, codeFailed},
		"verified_by_value": {change(func(b *bench) { b.old.person.Attributes["email_verified"] = "true" }), false, codeFailed},
		"a_long_value":      {change(func(b *bench) { b.old.person.Attributes["name"] = strings.Repeat("x", 2049) }), false, codeFailed},
		"not_an_address":    {with(address, "ada"), false, codeAddress},
		"a_quote":           {with(address, `ada\"x@example.org`), false, codeAddress},
		"two_ats":           {with(address, "ada@x@example.org"), false, codeAddress},
		"no_password":       {with(`"`+password+`"`, "null"), false, codeFailed},
		"other_source":      {with("UserMigration_Authentication", "PreSignUp_SignUp"), false, codeFailed},
		"no_request":        {with(`"request"`, `"other"`), false, codeFailed},
		"request_is_text": {func(*bench, string) string {
			return `{"triggerSource":"UserMigration_Authentication","userPoolId":"p","userName":"a@b.c","request":"x"}`
		}, false, codeFailed},
		"not_json":           {func(*bench, string) string { return "{" + address + password }, false, codeFailed},
		"null":               {func(*bench, string) string { return "null" }, false, codeFailed},
		"password_of_a_book": {with(password, strings.Repeat("x", 5000)), false, codeFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, file := newBench(), "usermigration-authentication"
			if tc.forgot {
				file = "usermigration-forgot-password"
			}
			answer, err := b.Invoke(inLambda(t.Context()), []byte(tc.change(b, string(payload(t, file)))))
			if answer != nil || !errors.Is(err, Refusal{}) {
				t.Errorf("Invoke = %s, %v", answer, err)
			}
			if !strings.Contains(b.log.String(), `"msg":"refused","code":"`+tc.code+`"`) {
				t.Errorf("log %s, want the code %s", &b.log, tc.code)
			}
			if !strings.Contains(b.out.String(), `"`+MetricRefused+`":1`) || strings.Contains(b.out.String(), MetricMoved) || len(b.box.told) != 0 {
				t.Errorf("metrics %s, told %v", &b.out, b.box.told)
			}
			for _, personal := range []string{address, "lovelace", password, "Ada"} {
				if strings.Contains(b.log.String()+b.out.String()+err.Error(), personal) {
					t.Errorf("%q is in the log %s, the metrics %s or the error %v", personal, &b.log, &b.out, err)
				}
			}
			if tc.code == codeLimited && len(b.old.asked) != 0 {
				t.Errorf("asked %v", b.old.asked)
			}
		})
	}
}

// TestAnnouncerIsDown: the person comes in all the same.
func TestAnnouncerIsDown(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.box.err = errors.New("sqs is down: " + address)
	if _, err := b.Invoke(inLambda(t.Context()), payload(t, "usermigration-authentication")); err != nil {
		t.Errorf("Invoke: %v", err)
	}
	if !strings.Contains(b.out.String(), MetricUnannounced) || strings.Contains(b.log.String(), address) {
		t.Errorf("metrics %s, log %s", &b.out, &b.log)
	}
}

// TestRefusalsTakeTheSameTime: a known address, which costs a comparison, and an unknown one
// are refused after the same time, of a clock that counts nothing else.
func TestRefusalsTakeTheSameTime(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{0, 8 * time.Millisecond, 1100 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			b.Floor, b.Source = 1200*time.Millisecond, slow{takes}
			began := time.Now()
			if _, err := b.Invoke(inLambda(t.Context()), payload(t, "usermigration-authentication")); err == nil {
				t.Fatal("let in")
			}
			if took := time.Since(began); took != b.Floor {
				t.Errorf("an old system that needs %s: refused after %s, want %s", takes, took, b.Floor)
			}
		})
	}
}

// TestMeasuredRefusals measures that on a machine that does nothing else: TIMING_TRIES=1000
// tries a known and an unknown address 1,000 times each.
func TestMeasuredRefusals(t *testing.T) {
	var tries int
	if _, err := fmt.Sscan(os.Getenv("TIMING_TRIES"), &tries); err != nil {
		t.Skip("TIMING_TRIES is not set")
	}
	const floor = 20 * time.Millisecond
	ev, took := payload(t, "usermigration-authentication"), map[string][]time.Duration{}
	table := &Table{Name: "t", DynamoDB: &rows{items: map[string]map[string]types.AttributeValue{"user#" + address: row(hash)}}}
	for range tries {
		for name, with := range map[string]string{"known": address, "unknown": "nobody@example.org"} {
			b := newBench()
			b.Floor, b.Source = floor, table
			began := time.Now()
			if _, err := b.Invoke(inLambda(t.Context()), bytes.Replace(ev, []byte(address), []byte(with), 1)); err == nil {
				t.Fatal("let in")
			}
			took[name] = append(took[name], time.Since(began))
		}
	}
	for name, all := range took {
		slices.Sort(all)
		t.Logf("%s: median %s, 99 of 100 within %s", name, all[tries/2], all[tries*99/100])
	}
	if diff := (took["known"][tries/2] - took["unknown"][tries/2]).Abs(); diff > time.Millisecond {
		t.Errorf("the medians differ by %s", diff)
	}
}

// slow is an old system that needs some time to refuse.
type slow struct{ takes time.Duration }

func (s slow) SignIn(context.Context, string, string) (Person, error) {
	<-time.After(s.takes)
	return Person{}, ErrRefused
}

func (s slow) Find(context.Context, string) (Person, error) { return Person{}, ErrRefused }

// TestFloorEndsBeforeTheInvocation: a refusal that is cut off would be another error.
func TestFloorEndsBeforeTheInvocation(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.Floor, b.old.err = time.Hour, ErrRefused
	ctx, cancel := context.WithTimeout(inLambda(t.Context()), reserve+20*time.Millisecond)
	defer cancel()
	if _, err := b.Invoke(ctx, payload(t, "usermigration-authentication")); !errors.Is(err, Refusal{}) || ctx.Err() != nil {
		t.Errorf("Invoke: %v, context %v", err, ctx.Err())
	}
}

// FuzzInvoke: every payload is answered with a user of the typed address, or refused, and
// nothing of it is logged.
func FuzzInvoke(f *testing.F) {
	f.Add(payload(f, "usermigration-authentication"))
	f.Add(payload(f, "usermigration-forgot-password"))
	f.Add([]byte(`{"triggerSource":"UserMigration_Authentication","userPoolId":"p","userName":"a@b.c","request":{"password":"secretsecret"},"response":[]}`))
	f.Fuzz(func(t *testing.T, sent []byte) {
		b := newBench()
		b.Source = anybody{}
		answer, err := b.Invoke(inLambda(t.Context()), bytes.Clone(sent))
		if (err == nil) == (answer == nil) {
			t.Fatalf("answer %s, error %v", answer, err)
		}
		if err != nil {
			return
		}
		var ev struct{ UserName string }
		if json.Unmarshal(sent, &ev) != nil {
			t.Fatalf("answered %s to what is not an event", answer)
		}
		if got := event(t, answer).Response.UserAttributes["email"]; got != strings.ToLower(strings.TrimSpace(ev.UserName)) {
			t.Errorf("the user gets %q for %q", got, ev.UserName)
		}
		if b.log.Len() != 0 {
			t.Errorf("log %s", &b.log)
		}
	})
}

// anybody lets everybody in.
type anybody struct{}

func (anybody) SignIn(context.Context, string, string) (Person, error) { return Person{}, nil }
func (anybody) Find(context.Context, string) (Person, error)           { return Person{Verified: true}, nil }

// TestAWSFixture: aws-lambda-go's payload has the keys that are read, and the answer has
// its keys of a response.
func TestAWSFixture(t *testing.T) {
	t.Parallel()
	raw := strings.NewReplacer("<userName>", address, "<password>", password).Replace(awsFixture(t))
	b := newBench()
	answer, err := b.Invoke(inLambda(t.Context()), []byte(raw))
	if err != nil {
		t.Fatalf("Invoke: %v; %s", err, &b.log)
	}
	var theirs, ours struct{ Response map[string]json.RawMessage }
	if json.Unmarshal([]byte(raw), &theirs) != nil || json.Unmarshal(answer, &ours) != nil {
		t.Fatal("not JSON")
	}
	for name := range theirs.Response {
		if ours.Response[name] == nil {
			t.Errorf("the answer has no %s", name)
		}
	}
	for name := range ours.Response {
		if theirs.Response[name] == nil {
			t.Errorf("aws-lambda-go has no %s", name)
		}
	}
}
