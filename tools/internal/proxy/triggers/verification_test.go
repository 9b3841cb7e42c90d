package triggers

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// accessToken names client c1 and user u-1; the fake takes any.
func accessToken() string {
	payload := `{"client_id":"c1","username":"u-1","sub":"u-1"}`
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".x"
}

// update asks for new attributes and returns where codes were sent.
func update(t *testing.T, origin string, attributes ...upstream.Attribute) []delivery {
	t.Helper()
	status, _, body := upstreamtest.CallCognito(t, origin, "UpdateUserAttributes", map[string]any{
		"AccessToken": accessToken(), "UserAttributes": attributes,
	})
	if status != http.StatusOK {
		t.Fatalf("update: %d %s", status, body)
	}
	var out struct{ CodeDeliveryDetailsList []delivery }
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatal(err)
	}
	return out.CodeDeliveryDetailsList
}

// verify hands in a code and returns the type of the error, if any.
func verify(t *testing.T, origin, name, code string) string {
	t.Helper()
	_, _, body := upstreamtest.CallCognito(t, origin, "VerifyUserAttribute", map[string]any{
		"AccessToken": accessToken(), "AttributeName": name, "Code": code,
	})
	var out struct {
		Type string `json:"__type"`
	}
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatal(err)
	}
	return out.Type
}

func TestNewAddressWaitsForItsProof(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Verify, f.Unknown = []string{"email"}, "new@y.example"
	_, origin := start(t, f)

	sent := update(t, origin, upstreamtest.Attributes("email", "new@y.example", "name", "Erika")...)
	if diff := cmp.Diff([]delivery{{"email", "EMAIL", "n***@y***"}}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if updated := f.Bodies()[len(f.Bodies())-2]; strings.Contains(updated, "new@y.example") || !strings.Contains(updated, "Erika") {
		t.Errorf("the emulator got %s", updated)
	}
	if got := verify(t, origin, "email", "000000"); got != "CodeMismatchException" {
		t.Errorf("wrong code: %q", got)
	}
	if got := verify(t, origin, "email", upstream.VerificationCode); got != "" {
		t.Errorf("right code: %q", got)
	}
	want := `{"UserAttributes":[{"Name":"email","Value":"new@y.example"},{"Name":"email_verified","Value":"true"}],`
	if last := f.Bodies()[len(f.Bodies())-1]; !strings.HasPrefix(last, want) {
		t.Errorf("the emulator got %s", last)
	}
	if got := verify(t, origin, "email", upstream.VerificationCode); got != "ExpiredCodeException" {
		t.Errorf("a code works once: %q", got)
	}
}

func TestNewAddressIsOne(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Verify = []string{"email"}
	_, origin := start(t, f)
	for _, text := range []string{"x", "@y.example", "x@", "x y@z.example", "x@y@z.example"} {
		status, _, body := upstreamtest.CallCognito(t, origin, "UpdateUserAttributes", map[string]any{
			"AccessToken": accessToken(), "UserAttributes": upstreamtest.Attributes("email", text),
		})
		if status != http.StatusBadRequest || !strings.Contains(body, "Invalid email address format.") {
			t.Errorf("%q: %d %s", text, status, body)
		}
	}
}

func TestUpdateThatNeedsNoProofPassesUnchanged(t *testing.T) {
	t.Parallel()
	for name, attributes := range map[string][]upstream.Attribute{
		"other_attribute": upstreamtest.Attributes("name", "Erika"),
		"same_address":    upstreamtest.Attributes("email", "a@x.example"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Verify = []string{"email"}
			_, origin := start(t, f)
			if sent := update(t, origin, attributes...); len(sent) != 0 {
				t.Errorf("sent %v", sent)
			}
			if diff := cmp.Diff([]string{"GetUser", "UpdateUserAttributes"}, f.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddressOfAnotherIsRefused(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Verify = []string{"email"}
	_, origin := start(t, f)
	update(t, origin, upstreamtest.Attributes("email", "taken@y.example")...)
	if got := verify(t, origin, "email", upstream.VerificationCode); got != "AliasExistsException" {
		t.Errorf("got %q", got)
	}
}

func TestVerificationCodeIsSentToTheWaitingAddress(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Verify = []string{"email"}
	_, origin := start(t, f)
	ask := func() string {
		_, _, body := upstreamtest.CallCognito(t, origin, "GetUserAttributeVerificationCode", map[string]any{
			"AccessToken": accessToken(), "AttributeName": "email",
		})
		return body
	}
	if body := ask(); !strings.Contains(body, "a***@x***") {
		t.Errorf("first %s", body)
	}
	update(t, origin, upstreamtest.Attributes("email", "new@y.example")...)
	if body := ask(); !strings.Contains(body, "n***@y***") {
		t.Errorf("then %s", body)
	}
}

func TestRefusedTokenStaysRefused(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	refusal := `{"__type":"NotAuthorizedException","message":"Access Token has been revoked"}`
	f.Replies["GetUser"] = upstreamtest.Reply{Status: 400, Body: refusal}
	_, origin := start(t, f)
	for _, action := range []string{"UpdateUserAttributes", "GetUserAttributeVerificationCode", "VerifyUserAttribute"} {
		status, _, body := upstreamtest.CallCognito(t, origin, action, map[string]any{"AccessToken": "x", "AttributeName": "email", "Code": upstream.VerificationCode})
		if status != 400 || body != refusal {
			t.Errorf("%s: %d %s", action, status, body)
		}
	}
}
