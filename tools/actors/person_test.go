package actors

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

const (
	poolID  = "eu-central-1_Example01"
	poolARN = "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/" + poolID
	right   = "the-right-password"
)

// fakeAWS answers calls of AWS's JSON protocols by their action.
type fakeAWS struct {
	answers map[string]string // by action; one with __type is an error
	mu      sync.Mutex
	calls   []call
	loses   int // how many of the first answers are lost
}

type call struct {
	action string
	signed bool
	in     map[string]any
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	made := call{action: action, signed: r.Header.Get("Authorization") != ""}
	_ = json.NewDecoder(r.Body).Decode(&made.in)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, made)
	if f.loses > 0 {
		f.loses--
		panic(http.ErrAbortHandler)
	}
	answer := f.answers[action]
	if parameters, _ := made.in["AuthParameters"].(map[string]any); parameters["PASSWORD"] != nil && parameters["PASSWORD"] != right {
		answer = `{"__type":"NotAuthorizedException","message":"Incorrect username or password."}`
	}
	if answer == "" || strings.Contains(answer, "__type") {
		w.WriteHeader(http.StatusBadRequest)
	}
	_, _ = w.Write([]byte(answer))
}

// config is one of a client of the fake.
func (f *fakeAWS) config(t *testing.T) aws.Config {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""), RetryMaxAttempts: 1}
}

func (f *fakeAWS) person(t *testing.T) *Person {
	t.Helper()
	return &Person{
		Pool: cognito.NewFromConfig(f.config(t), OnceOnly), PoolID: poolID, ClientID: "native", Email: "erika@example.net", Password: right,
		Metadata: map[string]string{"k": "v"},
	}
}

const tokens = `{"AuthenticationResult":{"IdToken":"id","AccessToken":"access","RefreshToken":"refresh","ExpiresIn":900}}`

func TestPersonSignsUpAndIn(t *testing.T) {
	t.Parallel()
	f := &fakeAWS{answers: map[string]string{
		"SignUp": `{"UserSub":"sub-1"}`, "ConfirmSignUp": `{}`, "AdminConfirmSignUp": `{}`, "InitiateAuth": tokens,
		"DescribeUserPoolClient": `{"UserPoolClient":{"ExplicitAuthFlows":["ALLOW_USER_PASSWORD_AUTH"]}}`,
		"AdminDeleteUser":        `{"__type":"UserNotFoundException","message":"gone"}`,
	}}
	p := f.person(t)
	err := errors.Join(p.SignUp(t.Context()), p.Confirm(t.Context(), "123456"), p.AdminConfirm(t.Context()), p.SignInByPassword(t.Context(), right))
	if err != nil || p.Sub != "sub-1" || p.IDToken != "id" || p.AccessToken != "access" || p.RefreshToken != "refresh" || p.ExpiresIn != 900 {
		t.Errorf("%+v, %v", p, err)
	}
	f.mu.Lock()
	f.answers["GetTokensFromRefreshToken"] = `{"AuthenticationResult":{"IdToken":"newer"}}`
	f.mu.Unlock()
	if err := p.Refresh(t.Context()); err != nil || p.IDToken != "newer" || p.RefreshToken != "refresh" {
		t.Errorf("after a refresh: %+v, %v", p, err)
	}
	f.mu.Lock()
	f.answers["GetTokensFromRefreshToken"] = `{"AuthenticationResult":{"IdToken":"newest","RefreshToken":"rotated"}}`
	f.mu.Unlock()
	if err := p.Refresh(t.Context()); err != nil || p.IDToken != "newest" || p.RefreshToken != "rotated" {
		t.Errorf("after a rotation: %+v, %v", p, err)
	}
	if flow, err := p.SignIn(t.Context(), right); err != nil || flow != "by password" {
		t.Errorf("signed in %s, %v", flow, err)
	}
	if err := p.Delete(t.Context()); err != nil {
		t.Errorf("a user who is gone: %v", err)
	}
	text, err := p.WrongPassword(t.Context(), p.SignInByPassword)
	if err != nil || text != "Incorrect username or password." {
		t.Errorf("wrong password: %q, %v", text, err)
	}
	if _, err := p.WrongPassword(t.Context(), func(context.Context, string) error { return nil }); err == nil {
		t.Error("an accepted wrong password is not an error")
	}
	if c := f.calls[0]; c.in["Username"] != p.Email || c.in["ClientId"] != "native" || c.in["ClientMetadata"].(map[string]any)["k"] != "v" {
		t.Errorf("%s with %v", c.action, c.in)
	}
}

func TestPersonIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answers map[string]string
		do      func(context.Context, *Person) error
		want    string
	}{
		"by_a_trigger": {
			map[string]string{"SignUp": `{"__type":"UserLambdaValidationException","message":"PreSignUp failed with error No."}`},
			func(ctx context.Context, p *Person) error {
				err := p.SignUp(ctx)
				if got := Refusal(err); got != "PreSignUp failed with error No." {
					return errors.New("the refusal reads " + got)
				}
				return err
			}, "cognito.SignUp: ",
		},
		"no_sub":        {map[string]string{"SignUp": `{}`}, func(ctx context.Context, p *Person) error { return p.SignUp(ctx) }, "no sub"},
		"no_flow":       {map[string]string{"DescribeUserPoolClient": `{"UserPoolClient":{}}`}, signIn, "neither SRP nor passwords"},
		"no_client":     {map[string]string{}, signIn, "cognito.DescribeUserPoolClient"},
		"challenge":     {map[string]string{"InitiateAuth": `{"ChallengeName":"SMS_MFA"}`}, byPassword, `got the challenge "SMS_MFA" instead of tokens`},
		"no_id_token":   {map[string]string{"InitiateAuth": `{"AuthenticationResult":{}}`}, byPassword, "no ID token"},
		"srp_challenge": {map[string]string{"DescribeUserPoolClient": srpClient, "InitiateAuth": `{"ChallengeName":"SMS_MFA"}`}, signIn, `got the challenge "SMS_MFA"`},
		"not_deleted":   {map[string]string{}, func(ctx context.Context, p *Person) error { return p.Delete(ctx) }, "cognito.AdminDeleteUser"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := (&fakeAWS{answers: tc.answers}).person(t)
			if err := tc.do(t.Context(), p); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	if Refusal(&types.NotAuthorizedException{}) != "" {
		t.Error("a wrong password counts as a refusal of a trigger")
	}
}

const srpClient = `{"UserPoolClient":{"ExplicitAuthFlows":["ALLOW_USER_SRP_AUTH","ALLOW_USER_PASSWORD_AUTH"]}}`

func signIn(ctx context.Context, p *Person) error {
	_, err := p.SignIn(ctx, right)
	return err
}

func byPassword(ctx context.Context, p *Person) error { return p.SignInByPassword(ctx, right) }

// SRP sends a proof of the password, never the password.
func TestPersonSignsInBySRP(t *testing.T) {
	t.Parallel()
	f := &fakeAWS{answers: map[string]string{
		"DescribeUserPoolClient": srpClient,
		"InitiateAuth": `{"ChallengeName":"PASSWORD_VERIFIER","Session":"session","ChallengeParameters":{"USER_ID_FOR_SRP":"sub-1",` +
			`"USERNAME":"sub-1","SALT":"` + strings.Repeat("ab", 16) + `","SRP_B":"` + strings.Repeat("cd", 384) + `","SECRET_BLOCK":"AAAA"}}`,
		"RespondToAuthChallenge": tokens,
	}}
	p := f.person(t)
	if flow, err := p.SignIn(t.Context(), right); err != nil || flow != "by SRP" || p.IDToken != "id" {
		t.Fatalf("signed in %s, %v", flow, err)
	}
	for _, c := range f.calls {
		raw, _ := json.Marshal(c.in)
		if strings.Contains(string(raw), right) {
			t.Errorf("%s has the password", c.action)
		}
	}
	answers, _ := f.calls[len(f.calls)-1].in["ChallengeResponses"].(map[string]any)
	if answers["PASSWORD_CLAIM_SIGNATURE"] == "" || answers["USERNAME"] != "sub-1" {
		t.Errorf("answered with %v", answers)
	}
}

func act(id, sub string) contracts.Act {
	return contracts.Act{ID: id, PoolARN: poolARN, Subject: sub, Time: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
}

func must(t *testing.T) func(event.Event, error) event.Event {
	return func(ev event.Event, err error) event.Event {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return ev
	}
}

func attempted(t *testing.T, id, sub string) event.Event {
	t.Helper()
	return must(t)(contracts.NewSigninAttempted(act(id, sub), contracts.SigninAttempted{}))
}

func TestCaused(t *testing.T) {
	t.Parallel()
	rejected := must(t)(contracts.NewSignupRejected(act("1", ""), contracts.SignupRejected{
		Via: contracts.ViaSignup, Domain: "mailinator.com", Reason: "domain-disposable", Rule: "disposable-list", ListVersion: "2026-11-01",
	}))
	for name, tt := range map[string]struct {
		who  Person
		ev   event.Event
		want bool
	}{
		"by_domain":        {Person{Email: "e@mailinator.com"}, rejected, true},
		"other_domain":     {Person{Email: "e@example.net"}, rejected, false},
		"by_sub":           {Person{Email: "e@example.net", Sub: "s"}, attempted(t, "1", "s"), true},
		"other_sub":        {Person{Email: "e@example.net", Sub: "s"}, attempted(t, "1", "z"), false},
		"no_sub_on_either": {Person{Email: "e@example.net"}, attempted(t, "1", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.who.Caused(tt.ev); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// A call whose answer is lost was applied all the same, so Cognito refuses the next one.
func TestCallsAreSafeToRepeat(t *testing.T) {
	t.Parallel()
	exists := `{"__type":"UsernameExistsException","message":"An account with the given email already exists."}`
	confirmed := `{"__type":"NotAuthorizedException","message":"User cannot be confirmed. Current status is CONFIRMED"}`
	for action, tc := range map[string]struct {
		repeated string // the answer from the second call on
		do       func(context.Context, *Person) error
	}{
		"SignUp":             {exists, func(ctx context.Context, p *Person) error { return p.SignUp(ctx) }},
		"ConfirmSignUp":      {confirmed, func(ctx context.Context, p *Person) error { return p.Confirm(ctx, "123456") }},
		"AdminConfirmSignUp": {confirmed, func(ctx context.Context, p *Person) error { return p.AdminConfirm(ctx) }},
		"AdminDeleteUser":    {`{"__type":"UserNotFoundException","message":"gone"}`, func(ctx context.Context, p *Person) error { return p.Delete(ctx) }},
	} {
		for way, attempts := range map[string]int{"by_the_sdk": 3, "by_the_caller": 1} {
			t.Run(action+"_"+way, func(t *testing.T) {
				t.Parallel()
				f := &fakeAWS{answers: map[string]string{action: tc.repeated}, loses: 1}
				p := f.person(t)
				cfg := f.config(t)
				cfg.RetryMaxAttempts = attempts
				p.Pool = cognito.NewFromConfig(cfg)
				err := tc.do(t.Context(), p)
				if attempts == 1 {
					if err == nil {
						t.Fatal("a lost answer is not an error")
					}
					err = tc.do(t.Context(), p)
				}
				if err != nil || len(f.calls) != 2 {
					t.Errorf("%v after %d calls", err, len(f.calls))
				}
			})
		}
		t.Run(action+"_of_another", func(t *testing.T) {
			t.Parallel()
			err := tc.do(t.Context(), (&fakeAWS{answers: map[string]string{action: tc.repeated}}).person(t))
			if (err == nil) != (action == "AdminDeleteUser") {
				t.Errorf("without a lost answer: %v", err)
			}
		})
	}
}

// Who does not know the sub, because the answer to the sign-up was lost, learns it from
// the ID token.
func TestSubOfTheToken(t *testing.T) {
	t.Parallel()
	token := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"sub-1"}`)) + ".c2ln"
	f := &fakeAWS{answers: map[string]string{"InitiateAuth": `{"AuthenticationResult":{"IdToken":"` + token + `"}}`}}
	p := f.person(t)
	if err := p.SignInByPassword(t.Context(), right); err != nil || p.Sub != "sub-1" {
		t.Errorf("sub %q, %v", p.Sub, err)
	}
	for _, bad := range []string{"", "a.b", "a.%.c", "a." + base64.RawURLEncoding.EncodeToString([]byte("[")) + ".c"} {
		if got := subOf(bad); got != "" {
			t.Errorf("sub %q of %q", got, bad)
		}
	}
}
