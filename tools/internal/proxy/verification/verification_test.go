package proxy

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// accessToken names client c1 and user u-1; the fake takes any.
func accessToken() string {
	payload := `{"client_id":"c1","username":"u-1","sub":"u-1"}`
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".x"
}

// update asks for new attributes and returns where codes were sent.
func update(t *testing.T, origin string, attributes ...attribute) []delivery {
	t.Helper()
	status, _, body := callCognito(t, origin, "UpdateUserAttributes", map[string]any{
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
	_, _, body := callCognito(t, origin, "VerifyUserAttribute", map[string]any{
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
	f := newFake(t)
	f.verify, f.unknown = []string{"email"}, "new@y.example"
	_, origin := edgeBefore(t, f)

	sent := update(t, origin, attribute{"email", "new@y.example"}, attribute{"name", "Erika"})
	if diff := cmp.Diff([]delivery{{"email", "EMAIL", "n***@y***"}}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if last := f.bodies[len(f.bodies)-1]; strings.Contains(last, "new@y.example") || !strings.Contains(last, "Erika") {
		t.Errorf("the emulator was told %s", last)
	}
	if got := verify(t, origin, "email", "000000"); got != "CodeMismatchException" {
		t.Errorf("wrong code: %q", got)
	}
	if got := verify(t, origin, "email", verificationCode); got != "" {
		t.Errorf("right code: %q", got)
	}
	want := `{"UserAttributes":[{"Name":"email","Value":"new@y.example"},{"Name":"email_verified","Value":"true"}],`
	if last := f.bodies[len(f.bodies)-1]; !strings.HasPrefix(last, want) {
		t.Errorf("the emulator was told %s", last)
	}
	if got := verify(t, origin, "email", verificationCode); got != "ExpiredCodeException" {
		t.Errorf("a code works once: %q", got)
	}
}

func TestUpdateThatNeedsNoProofPassesUnchanged(t *testing.T) {
	t.Parallel()
	for name, attributes := range map[string][]attribute{
		"other_attribute": {{"name", "Erika"}},
		"same_address":    {{"email", "a@x.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.verify = []string{"email"}
			_, origin := edgeBefore(t, f)
			if sent := update(t, origin, attributes...); len(sent) != 0 {
				t.Errorf("sent %v", sent)
			}
			if diff := cmp.Diff([]string{"GetUser", "UpdateUserAttributes"}, f.calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddressOfAnotherIsRefused(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.verify = []string{"email"}
	_, origin := edgeBefore(t, f)
	update(t, origin, attribute{"email", "taken@y.example"})
	if got := verify(t, origin, "email", verificationCode); got != "AliasExistsException" {
		t.Errorf("got %q", got)
	}
}

func TestVerificationCodeIsSentToTheWaitingAddress(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.verify = []string{"email"}
	_, origin := edgeBefore(t, f)
	ask := func() string {
		_, _, body := callCognito(t, origin, "GetUserAttributeVerificationCode", map[string]any{
			"AccessToken": accessToken(), "AttributeName": "email",
		})
		return body
	}
	if body := ask(); !strings.Contains(body, "a***@x***") {
		t.Errorf("first %s", body)
	}
	update(t, origin, attribute{"email", "new@y.example"})
	if body := ask(); !strings.Contains(body, "n***@y***") {
		t.Errorf("then %s", body)
	}
}

func TestRefusedTokenStaysRefused(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	refusal := `{"__type":"NotAuthorizedException","message":"Access Token has been revoked"}`
	f.replies["GetUser"] = reply{status: 400, body: refusal}
	_, origin := edgeBefore(t, f)
	for _, action := range []string{"UpdateUserAttributes", "GetUserAttributeVerificationCode", "VerifyUserAttribute"} {
		status, _, body := callCognito(t, origin, action, map[string]any{"AccessToken": "x", "AttributeName": "email", "Code": verificationCode})
		if status != 400 || body != refusal {
			t.Errorf("%s: %d %s", action, status, body)
		}
	}
}
