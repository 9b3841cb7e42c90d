package triggers

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

type anyRequest struct {
	ValidationData map[string]string
	ClientMetadata map[string]string
	UserNotFound   bool
	UserAttributes map[string]string
}

func requestOf(t *testing.T, payload []byte) (userName string, r anyRequest) {
	t.Helper()
	var ev struct {
		UserName string
		Request  anyRequest
	}
	if err := json.Unmarshal(payload, &ev); err != nil {
		t.Fatal(err)
	}
	return ev.UserName, ev.Request
}

// Metadata of InitiateAuth reaches the trigger before, never the one after; that of
// a challenge's answer reaches the one after.
func TestMetadataReachesTheRightTrigger(t *testing.T) {
	t.Parallel()
	some := map[string]string{"k": "v"}
	f := upstreamtest.New(t)
	f.Replies["InitiateAuth"] = upstreamtest.Reply{Status: 200, Body: tokens}
	f.Replies["RespondToAuthChallenge"] = upstreamtest.Reply{Status: 200, Body: tokens}
	_, origin := start(t, f)
	upstreamtest.CallCognito(t, origin, "InitiateAuth", map[string]any{
		"ClientId": "c1", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": "a@x.example"}, "ClientMetadata": some,
	})
	upstreamtest.CallCognito(t, origin, "RespondToAuthChallenge", map[string]any{"ClientId": "c1", "ClientMetadata": some})
	attributes := map[string]string{"sub": "u-1", "email": "a@x.example", "email_verified": "true", "cognito:user_status": "CONFIRMED"}
	want := []anyRequest{
		{ValidationData: some, UserAttributes: attributes},
		{UserAttributes: attributes},
		{ClientMetadata: some, UserAttributes: attributes},
	}
	if len(f.Payloads()) != len(want) {
		t.Fatalf("%d payloads", len(f.Payloads()))
	}
	for i, payload := range f.Payloads() {
		name, got := requestOf(t, payload)
		if diff := cmp.Diff(want[i], got); diff != "" || name != "u-1" {
			t.Errorf("payload %d of %s (-want +got):\n%s", i, name, diff)
		}
	}
}

func TestUnknownUserIsNamedAsTyped(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.User = nil
	_, origin := start(t, f)
	upstreamtest.CallCognito(t, origin, "InitiateAuth", map[string]any{
		"ClientId": "c1", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": "q@x.example"},
	})
	name, got := requestOf(t, f.Payloads()[0])
	if diff := cmp.Diff(anyRequest{UserNotFound: true, UserAttributes: map[string]string{}}, got); diff != "" || name != "q@x.example" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestTraceReachesTheTrigger(t *testing.T) {
	t.Parallel()
	const trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
	f := upstreamtest.New(t)
	got := make(chan string, 1)
	f.Invoke = func(w http.ResponseWriter, r *http.Request, payload []byte) {
		got <- r.Header.Get(upstream.TraceHeader)
		_, _ = w.Write(payload)
	}
	_, origin := start(t, f)
	req, err := http.NewRequest(http.MethodPost, origin, strings.NewReader(`{"ClientId":"c1","Username":"a@x.example"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", upstream.CognitoTarget+"ConfirmSignUp")
	req.Header.Set(upstream.TraceHeader, trace)
	upstreamtest.Do(t, req)
	if id := <-got; id != trace {
		t.Errorf("trigger got %q", id)
	}
}

// A person who hangs up does not call off what has begun, as on AWS.
func TestCallerHangsUp(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Functions = map[string]any{"PreAuthentication": upstreamtest.Function}
	began, goOn := make(chan struct{}), make(chan struct{})
	f.Invoke = func(w http.ResponseWriter, _ *http.Request, payload []byte) {
		close(began)
		<-goOn
		_, _ = w.Write(payload)
	}
	_, origin := start(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, origin,
		strings.NewReader(`{"ClientId":"c1","AuthFlow":"USER_PASSWORD_AUTH","AuthParameters":{"USERNAME":"a@x.example"}}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", upstream.CognitoTarget+"InitiateAuth")
	left := make(chan struct{})
	go func() {
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
		}
		close(left)
	}()
	<-began
	cancel()
	<-left
	time.AfterFunc(50*time.Millisecond, func() { close(goOn) }) // lets the server notice first
	for deadline := time.Now().Add(5 * time.Second); len(f.Calls()) < 2; {
		if time.Now().After(deadline) {
			t.Fatalf("the sign-in was called off: %v", f.Calls())
		}
		<-time.After(time.Millisecond)
	}
}
