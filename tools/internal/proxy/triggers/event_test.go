package triggers

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// The files in testdata are those of aws-lambda-go, events/testdata
// (https://github.com/aws/aws-lambda-go, Apache-2.0), unchanged.
func TestPayloadsAreAWSs(t *testing.T) {
	t.Parallel()
	u := upstream.User{Name: "u-1", Status: "CONFIRMED", Attributes: map[string]string{"sub": "u-1", "email": "a@x.example", "phone_number": "+15550100", "email_verified": "true"}}
	some := map[string]string{"k": "v"}
	p := upstream.Pool{ID: upstreamtest.Pool, ARN: upstreamtest.PoolARN}
	signUp := newEvent(p, "PreSignUp_SignUp", "c1", "u-1", preSignUpRequest{attributesOf(u), some, some})
	signUp.Response = preSignUpResponse{}
	word := "x"
	// Of a real pool the name is null but in an invitation, and the response has no text yet
	// (https://github.com/DefinitelyTyped/DefinitelyTyped/pull/62357).
	message := newEvent(p, "CustomMessage_SignUp", "c1", "u-1", customMessageRequest{attributesOf(u), codeParameter, &word, some})
	message.Response = customMessageResponse{&word, &word, &word}
	yes := true
	moved := newEvent(p, "UserMigration_Authentication", "c1", "a@x.example", migrationRequest{&word, some, some})
	moved.Response = migrationResponse{map[string]string{"email": word}, &word, &word, []string{word}, &yes}
	for name, ev := range map[string]event{
		"migrateuser":        moved,
		"preauthentication":  newEvent(p, "PreAuthentication_Authentication", "c1", "u-1", preAuthenticationRequest{attributesOf(u), some, false}),
		"postauthentication": newEvent(p, "PostAuthentication_Authentication", "c1", "u-1", postAuthenticationRequest{attributesOf(u), false, some}),
		"postconfirmation":   newEvent(p, "PostConfirmation_ConfirmSignUp", "c1", "u-1", postConfirmationRequest{attributesOf(u), some}),
		"presignup":          signUp,
		"custommessage":      message,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden, err := os.ReadFile("testdata/cognito-event-userpools-" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			ours, err := json.Marshal(ev)
			if err != nil {
				t.Fatal(err)
			}
			want, got := shape(t, golden), shape(t, ours)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("keys and kinds (-AWS +proxy):\n%s", diff)
			}
		})
	}
}

// What may be absent or null, with the reason. Nothing else may.
func TestKeysWithoutData(t *testing.T) {
	t.Parallel()
	u := upstream.User{Name: "u-1", Attributes: map[string]string{"email": "a@x.example"}}
	p := upstream.Pool{ID: upstreamtest.Pool}
	for name, tc := range map[string]struct {
		request any
		want    []string
	}{
		// A caller that gives no metadata: seen as null on a real pool.
		"pre_authentication": {preAuthenticationRequest{attributesOf(u), nil, false}, []string{"userAttributes object", "userNotFound bool", "validationData null"}},
		// A caller that gives no metadata: seen to be left out on real pools.
		"post_authentication": {postAuthenticationRequest{attributesOf(u), false, nil}, []string{"newDeviceUsed bool", "userAttributes object"}},
		"post_confirmation":   {postConfirmationRequest{attributesOf(u), nil}, []string{"userAttributes object"}},
		"pre_sign_up":         {preSignUpRequest{attributesOf(u), nil, nil}, []string{"userAttributes object", "validationData null"}},
		// Of a forgotten password there is none.
		"user_migration": {migrationRequest{}, []string{"password null", "validationData null"}},
		"custom_message": {customMessageRequest{attributesOf(u), codeParameter, nil, nil}, []string{"codeParameter string", "userAttributes object", "usernameParameter null"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, err := json.Marshal(newEvent(p, "x", "c1", "u-1", tc.request))
			if err != nil {
				t.Fatal(err)
			}
			var ev struct{ Request map[string]any }
			if err := json.Unmarshal(ours, &ev); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, key := range slices.Sorted(maps.Keys(ev.Request)) {
				got = append(got, key+" "+kind(ev.Request[key]))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// shape lists every key with the kind of its value. Maps of the caller's own keys
// count as one: their keys are data.
func shape(t *testing.T, raw []byte) []string {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var keys []string
	var walk func(prefix string, m map[string]any)
	walk = func(prefix string, m map[string]any) {
		for key, value := range m {
			keys = append(keys, prefix+key+" "+kind(value))
			inner, ok := value.(map[string]any)
			if !ok {
				continue
			}
			switch key {
			case "userAttributes", "validationData", "clientMetadata":
				for name, value := range inner {
					// Only the fixture of CustomMessage has such; real pools send texts there too.
					if kind(value) != "string" && !strings.HasSuffix(name, "_verified") {
						t.Errorf("%s%s.%s is not a string", prefix, key, name)
					}
				}
			default:
				walk(prefix+key+".", inner)
			}
		}
	}
	walk("", v)
	sort.Strings(keys)
	return keys
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "bool"
	case float64:
		return "number"
	case map[string]any:
		return "object"
	default:
		return "list"
	}
}

func TestAttributesAreStrings(t *testing.T) {
	t.Parallel()
	got := attributesOf(upstream.User{Status: "CONFIRMED", Attributes: map[string]string{"sub": "u-1", "email_verified": "true"}})
	want := map[string]string{"sub": "u-1", "email_verified": "true", "cognito:user_status": "CONFIRMED"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
