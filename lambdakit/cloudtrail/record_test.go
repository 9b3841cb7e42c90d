package cloudtrail

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	pool   = "eu-central-1_Gatehouse"
	client = "3n4b5urk1ft4fl3mg5e62d9ado"
	sub    = "5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11"
)

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func parsed(t *testing.T, body []byte) Record {
	t.Helper()
	r, err := Parse(body)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return r
}

// facts are what the accessors say about a record.
type facts struct {
	Page                   bool
	Pool, Client, Sub      string
	Status                 int
	ErrorCode, Flow, Value string
	Actor                  Actor
}

func TestParse(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]facts{
		"initiateauth-wrong-password.json": {
			Client: client, Sub: sub, ErrorCode: "NotAuthorizedException", Flow: "USER_PASSWORD_AUTH", Actor: Actor{Kind: ActorUser},
		},
		"confirm-post.json": {
			Page: true, Pool: pool, Client: client, Status: 302, Value: "EMAIL", Actor: Actor{Kind: ActorUser},
		},
	} {
		r := parsed(t, fixture(t, file))
		got := facts{
			r.Page, r.PoolID(), r.ClientID(), r.Sub(), r.Status(), r.ErrorCode,
			r.Parameter("authFlow"), r.Parameter("deliveryMedium"), r.Actor(),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", file, diff)
		}
		if r.Account != "123456789012" || r.Region != "eu-central-1" || r.SourceIP != "192.0.2.44" || r.Time.IsZero() {
			t.Errorf("%s: %+v", file, r)
		}
		if r.SignedIn() {
			t.Errorf("%s: tokens", file)
		}
	}
}

// call is a record of an API call with some fields.
func call(fields string) []byte {
	return []byte(`{"eventSource":"cognito-idp.amazonaws.com","eventType":"AwsApiCall","eventName":"N","eventID":"e",
		"eventTime":"2026-11-22T09:30:00Z"` + fields + `}`)
}

func TestParse_of_odd_shapes(t *testing.T) {
	t.Parallel()
	const strange = `,"requestParameters":"HIDDEN_DUE_TO_SECURITY_REASONS","responseElements":[1],"additionalEventData":7,
		"userIdentity":null,"errorCode":{"a":1},"sourceIPAddress":null,"userAgent":["x"]`
	r := parsed(t, call(strange))
	got := facts{r.Page, r.PoolID(), r.ClientID(), r.Sub(), r.Status(), r.ErrorCode, r.Parameter("a"), r.Response("a", "b"), r.Actor()}
	if diff := cmp.Diff(facts{Actor: Actor{Kind: ActorUser}}, got); diff != "" {
		t.Error(diff)
	}
	r = parsed(t, call(`,"requestParameters":{"authParameters":"HIDDEN_DUE_TO_SECURITY_REASONS","clientId":["c"]},
		"responseElements":{"authenticationResult":{"accessToken":"HIDDEN_DUE_TO_SECURITY_REASONS"},"userSub":"s"}`))
	if !r.Has("authParameters") || r.Parameter("authParameters") != "" || r.Has("missing") || !r.SignedIn() || r.ClientID() != "c" || r.Sub() != "s" {
		t.Errorf("%+v", r)
	}
}

// What a caller wrote into a request to a hosted page is not what Cognito says.
func TestWhatCognitoNames(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string][2]string{
		`,"additionalEventData":{"sub":"s","requestParameters":{"sub":["x"]}}`:                  {"s", ""},
		`,"additionalEventData":{"requestParameters":{"sub":["x"]}}`:                            {"", ""},
		`,"responseElements":{"userSub":"s"}`:                                                   {"s", ""},
		`,"additionalEventData":{"clientId":"c","requestParameters":{"client_id":["x"]}}`:       {"", "c"},
		`,"additionalEventData":{"requestParameters":{"client_id":["c"]}}`:                      {"", "c"},
		`,"additionalEventData":{"requestParameters":{"client_id":["c","c"]}}`:                  {"", "c"},
		`,"additionalEventData":{"requestParameters":{"client_id":["c","x"]}}`:                  {"", ""},
		`,"additionalEventData":{"requestParameters":{"client_id":["c","x","c"]}}`:              {"", ""},
		`,"additionalEventData":{"requestParameters":{"client_id":["c",7]}}`:                    {"", ""},
		`,"additionalEventData":{"requestParameters":{"client_id":[]}}`:                         {"", ""},
		`,"additionalEventData":{"clientId":"c","requestParameters":{"client_id":["c","x"]}}`:   {"", "c"},
		`,"additionalEventData":{"userPoolId":"p","requestParameters":{"sub":["s","s"]}}`:       {"", ""},
		`,"requestParameters":{"clientId":"c"},"additionalEventData":{"sub":"s","clientId":""}`: {"s", "c"},
	} {
		r := parsed(t, call(fields))
		if got := [2]string{r.Sub(), r.ClientID()}; got != want {
			t.Errorf("%s: Sub and ClientID = %q, want %q", fields, got, want)
		}
	}
}

// A parameter that is repeated has each of its values.
func TestIncludes(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]bool{
		`,"additionalEventData":{"requestParameters":{"a":["x"]}}`:     true,
		`,"additionalEventData":{"requestParameters":{"a":["y","x"]}}`: true,
		`,"requestParameters":{"a":"x"}`:                               true,
		`,"requestParameters":{"a":["xy"]}`:                            false,
		`,"requestParameters":{"a":{"x":1}}`:                           false,
		`,"requestParameters":{"a":["x",7]}`:                           false,
		``:                                                             false,
	} {
		if got := parsed(t, call(fields)).Includes("a", "x"); got != want {
			t.Errorf("%s: Includes = %v", fields, got)
		}
	}
}

func TestOddError(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]bool{
		``: false, `,"errorCode":null`: false, `,"errorCode":""`: false, `,"errorCode":"E"`: false,
		`,"errorCode":{"a":1}`: true, `,"errorCode":["E"]`: true, `,"errorCode":7`: true,
	} {
		if r := parsed(t, call(fields)); r.OddError != want || want && r.ErrorCode != "" {
			t.Errorf("%s: OddError = %v, ErrorCode %q", fields, r.OddError, r.ErrorCode)
		}
	}
}

func TestParse_of_an_addendum(t *testing.T) {
	t.Parallel()
	if r := parsed(t, call(`,"addendum":{"reason":"UPDATED_DATA","originalEventID":"first"}`)); r.ID != "first" {
		t.Errorf("ID = %q, want that of the record that it corrects", r.ID)
	}
	if r := parsed(t, call(`,"addendum":{"reason":"DELIVERY_DELAY"}`)); r.ID != "e" {
		t.Errorf("ID = %q, want its own", r.ID)
	}
}

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	ok := string(call(""))
	for name, tc := range map[string]struct {
		body string
		want error
	}{
		"not_json":        {`ada@example.com`, ErrNotARecord},
		"list":            {`[]`, ErrNotARecord},
		"detail_is_text":  {`{"detail":"ada@example.com"}`, ErrNotARecord},
		"another_service": {strings.Replace(ok, "cognito-idp", "logs", 1), ErrNotARecord},
		"no_name":         {strings.Replace(ok, `"N"`, `""`, 1), ErrNotARecord},
		"another_kind":    {strings.Replace(ok, "AwsApiCall", "AwsConsoleSignIn", 1), ErrNotARecord},
		"no_id":           {strings.Replace(ok, `"e"`, `""`, 1), ErrNoID},
		"no_time":         {strings.Replace(ok, `"eventTime":"2026-11-22T09:30:00Z"`, `"eventTime":null`, 1), ErrNoTime},
		"bad_time":        {strings.Replace(ok, "2026-11-22T", "ada@example.com", 1), ErrNotARecord},
	} {
		_, err := Parse([]byte(tc.body))
		if !errors.Is(err, tc.want) || strings.Contains(err.Error(), "ada@") {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

func TestActor(t *testing.T) {
	t.Parallel()
	for identity, want := range map[string]Actor{
		`{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/Admin/ada@example.com","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::1:role/team/Admin"}}}`: {ActorRole, "Admin"},
		`{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/Admin/ada@example.com"}`:                                                                             {ActorRole, "Admin"},
		`{"type":"FederatedUser","arn":"arn:aws:sts::1:federated-user/ada@example.com"}`:                                                                               {Kind: ActorRole},
		`{"type":"IAMUser","arn":"arn:aws:iam::1:user/ada","userName":"ada","principalId":"AIDAEXAMPLE"}`:                                                              {ActorIAMUser, "AIDAEXAMPLE"},
		`{"type":"Root"}`: {Kind: ActorRoot},
		`{"type":"AWSService","invokedBy":"cloudformation.amazonaws.com"}`: {ActorService, "cloudformation.amazonaws.com"},
		`{"type":"Unknown","principalId":"Anonymous"}`:                     {Kind: ActorUser},
		`{"accountId":"1"}`: {Kind: ActorUser},
	} {
		if got := parsed(t, call(`,"userIdentity":`+identity)).Actor(); got != want {
			t.Errorf("%s: %v, want %v", identity, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{}`, string(call("")), string(call(`,"additionalEventData":{"sub":["a"],"responseParameters":{"status":1e400}}`))} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Parse(body)
		if err != nil {
			return
		}
		if r.ID == "" || r.Name == "" || r.Time.Location() != time.UTC {
			t.Errorf("%+v", r)
		}
		for _, s := range []string{r.PoolID(), r.ClientID(), r.Sub(), r.Parameter("x"), r.Response("a", "b")} {
			if hidden(s) {
				t.Errorf("a hidden value came out of %q", body)
			}
		}
		if s := r.Status(); s < 0 || s > 999 {
			t.Errorf("status %d", s)
		}
		_ = r.Actor()
	})
}
