package trigger_test

import (
	"bytes"
	gocmp "cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/trigger"
)

var _ lambda.Handler = (*trigger.Handler)(nil)

const (
	functionARN = "arn:aws:lambda:eu-central-1:123456789012:function:gatehouse-test-x:live"
	pool        = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse"
	sub         = "5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11"
	minimal     = `{"triggerSource":"PreSignUp_SignUp","region":"eu-central-1","userPoolId":"eu-central-1_Gatehouse"`
)

func moment() time.Time { return time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC) }

func inLambda(ctx context.Context, arn string) context.Context {
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{InvokedFunctionArn: arn})
}

// invoke runs a payload through a Handler and gives back all that there is to see.
func invoke(t *testing.T, payload string, run trigger.Func) (answer []byte, log string, err error) {
	t.Helper()
	var out bytes.Buffer
	h := &trigger.Handler{Run: run, Log: slog.New(slog.NewJSONHandler(&out, nil)), Now: moment}
	answer, err = h.Invoke(inLambda(t.Context(), functionARN), []byte(payload))
	return answer, out.String(), err
}

// read is the Call that a payload makes.
func read(t *testing.T, payload string) trigger.Call {
	t.Helper()
	var got trigger.Call
	answer, _, err := invoke(t, payload, func(_ context.Context, c trigger.Call) error { got = c; return nil })
	if err != nil {
		t.Fatalf("Invoke: %v", err)
	}
	if string(answer) != payload {
		t.Errorf("answer %s\nwant the payload, byte for byte: %s", answer, payload)
	}
	return got
}

func TestCallsAreRead(t *testing.T) {
	t.Parallel()
	act := contracts.Act{PoolARN: pool, Time: moment()}
	withClient, withSub, synthetic := act, act, act
	withClient.ClientID, withSub.Subject, synthetic.Synthetic = "c", sub, true
	with := func(more string) string { return minimal + "," + more + "}" }
	tests := map[string]struct {
		payload string
		want    trigger.Call
	}{
		"minimal":              {minimal + "}", trigger.Call{Act: act}},
		"spaces_and_order":     {" \n{ \"request\" : { } ,\t" + minimal[1:] + " }\n", trigger.Call{Act: act}},
		"client":               {with(`"callerContext":{"clientId":"c","awsSdkVersion":"x"}`), trigger.Call{Act: withClient}},
		"no_client":            {with(`"callerContext":{"clientId":"CLIENT_ID_NOT_APPLICABLE"}`), trigger.Call{Act: act}},
		"user":                 {with(`"userName":"erika","request":{"userAttributes":{"sub":"` + sub + `"}}`), trigger.Call{UserName: "erika", Attributes: map[string]string{"sub": sub}, Act: withSub}},
		"sub_is_an_address":    {with(`"request":{"userAttributes":{"sub":"erika@example.org"}}`), trigger.Call{Attributes: map[string]string{"sub": "erika@example.org"}, Act: act}},
		"sub_in_braces":        {with(`"request":{"userAttributes":{"sub":"{` + sub + `}"}}`), trigger.Call{Attributes: map[string]string{"sub": "{" + sub + "}"}, Act: act}},
		"synthetic":            {with(`"request":{"userAttributes":{"email":"success+x@Simulator.amazonSES.com"}}`), trigger.Call{Attributes: map[string]string{"email": "success+x@Simulator.amazonSES.com"}, Act: synthetic}},
		"synthetic_by_name":    {with(`"userName":"x@simulator.amazonses.com"`), trigger.Call{UserName: "x@simulator.amazonses.com", Act: act}},
		"email_is_number":      {with(`"request":{"userAttributes":{"email":5}}`), trigger.Call{Attributes: map[string]string{}, Act: act}},
		"not_found":            {with(`"request":{"userNotFound":true}`), trigger.Call{UserNotFound: true, Act: act}},
		"new_device":           {with(`"request":{"newDeviceUsed":true}`), trigger.Call{NewDevice: true, Act: act}},
		"flags_as_text":        {with(`"request":{"userNotFound":"true","newDeviceUsed":1}`), trigger.Call{Act: act}},
		"attribute_types":      {with(`"request":{"userAttributes":{"a":"1","b":2,"c":null,"d":{"e":1},"f":[true]}}`), trigger.Call{Attributes: map[string]string{"a": "1"}, Act: act}},
		"attributes_are_list":  {with(`"request":{"userAttributes":[1,2]}`), trigger.Call{Act: act}},
		"request_is_text":      {with(`"request":"x"`), trigger.Call{Act: act}},
		"request_is_null":      {with(`"request":null`), trigger.Call{Act: act}},
		"name_is_number":       {with(`"userName":5`), trigger.Call{Act: act}},
		"context_is_text":      {with(`"callerContext":"x"`), trigger.Call{Act: act}},
		"client_is_number":     {with(`"callerContext":{"clientId":5}`), trigger.Call{Act: act}},
		"locale":               {with(`"request":{"userAttributes":{"locale":"de-AT"},"clientMetadata":{"locale":"fr"}}`), trigger.Call{Attributes: map[string]string{"locale": "de-AT"}, Language: "de", Act: act}},
		"client_locale":        {with(`"request":{"clientMetadata":{"lang":"ja","locale":"fr","name":"es"}}`), trigger.Call{Language: "fr", Act: act}},
		"client_lang":          {with(`"request":{"clientMetadata":{"locale":["fr"],"lang":"ja"}}`), trigger.Call{Language: "ja", Act: act}},
		"metadata_is_list":     {with(`"request":{"clientMetadata":["de"],"userNotFound":true}`), trigger.Call{UserNotFound: true, Act: act}},
		"metadata_is_null":     {with(`"request":{"clientMetadata":null}`), trigger.Call{Act: act}},
		"unknown_fields":       {with(`"future":{"a":[1]},"request":{"more":1}`), trigger.Call{Act: act}},
		"other_type_then_more": {with(`"userName":5,"callerContext":{"clientId":"c"}`), trigger.Call{Act: withClient}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.want.Source, tc.want.Language = "PreSignUp_SignUp", gocmp.Or(tc.want.Language, "en")
			if diff := cmp.Diff(tc.want, read(t, tc.payload)); diff != "" {
				t.Errorf("Call (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRegionFallsBackToTheFunctions(t *testing.T) {
	t.Parallel()
	if got := read(t, `{"triggerSource":"X","userPoolId":"eu-central-1_Gatehouse"}`); got.Act.PoolARN != pool {
		t.Errorf("pool %s, want %s", got.Act.PoolARN, pool)
	}
}

func TestLargestAttributesPass(t *testing.T) {
	t.Parallel()
	// Cognito's limits: 50 custom attributes of 2,048 characters in addition to the standard ones.
	attributes := map[string]string{}
	for i := range 70 {
		attributes[fmt.Sprintf("custom:%d", i)] = strings.Repeat("\u00e4<", 1024)
	}
	raw, err := json.Marshal(map[string]any{
		"triggerSource": "X", "userPoolId": "p", "request": map[string]any{"userAttributes": attributes},
	})
	if err != nil {
		t.Fatalf("json.Marshal: %v", err)
	}
	if diff := cmp.Diff(attributes, read(t, string(raw)).Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func TestMalformedPayloads(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"nothing": "", "text": "erika@example.org", "null": "null", "number": "5", "list": `["erika@example.org"]`,
		"empty": "{}", "cut_off": minimal, "two_values": minimal + "}{}", "not_utf8_key": "{\xff}",
		"no_source": `{"userPoolId":"p"}`, "no_pool": `{"triggerSource":"s","userName":"erika@example.org"}`,
		"source_is_number": `{"triggerSource":5,"userPoolId":"p"}`, "pool_is_object": `{"triggerSource":"s","userPoolId":{}}`,
		"deep": strings.Repeat("[", 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, log, err := invoke(t, payload, func(context.Context, trigger.Call) error {
				t.Error("the function ran")
				return nil
			})
			if err == nil || answer != nil {
				t.Fatalf("answer %s, error %v", answer, err)
			}
			if strings.Contains(err.Error()+log, "erika") {
				t.Errorf("the payload is quoted: %v, %s", err, log)
			}
		})
	}
}

func TestWithoutALambdaContext(t *testing.T) {
	t.Parallel()
	h := &trigger.Handler{
		Run: func(context.Context, trigger.Call) error { return nil }, Log: slog.New(slog.DiscardHandler), Now: moment,
	}
	for name, ctx := range map[string]context.Context{
		"none": t.Context(), "empty_arn": inLambda(t.Context(), ""), "short_arn": inLambda(t.Context(), "arn:aws:lambda"),
		"no_arn": inLambda(t.Context(), "x:aws:lambda:eu-central-1:123456789012:function:f"),
	} {
		if _, err := h.Invoke(ctx, []byte(minimal+"}")); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	refusal := trigger.Refusal{Code: "domain-disposable", Text: "Please use a permanent address."}
	tests := map[string]struct {
		run     trigger.Func
		refused bool
		logged  string
	}{
		"success":         {run: func(context.Context, trigger.Call) error { return nil }},
		"refusal":         {run: func(context.Context, trigger.Call) error { return refusal }, refused: true, logged: `"code":"domain-disposable"`},
		"pointer":         {run: func(context.Context, trigger.Call) error { return &refusal }, refused: true, logged: `"code":"domain-disposable"`},
		"wrapped_refusal": {run: func(context.Context, trigger.Call) error { return fmt.Errorf("rules: %w", refusal) }, refused: true, logged: "domain-disposable"},
		"nil_pointer":     {run: func(context.Context, trigger.Call) error { return fmt.Errorf("x: %w", error((*fault)(nil))) }, logged: "forgiven"},
		"fault":           {run: func(context.Context, trigger.Call) error { return errors.New("topic gone") }, logged: "topic gone"},
		"panic":           {run: func(context.Context, trigger.Call) error { panic("erika@example.org") }, logged: "panic of type string"},
		"panic_error":     {run: func(context.Context, trigger.Call) error { panic(errors.New("erika@example.org")) }, logged: "panic of type *errors.errorString"},
		"no_such_index":   {run: func(context.Context, trigger.Call) error { var none []int; _ = none[len("x")]; return nil }, logged: "panic of type"},
		"panic_refusal":   {run: func(context.Context, trigger.Call) error { panic(refusal) }, logged: "panic of type trigger.Refusal"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const payload = minimal + ` , "x":1 }`
			answer, log, err := invoke(t, payload, tc.run)
			if tc.refused {
				if answer != nil || err == nil || err.Error() != refusal.Text {
					t.Errorf("answer %s, error %v, want only the text of the refusal", answer, err)
				}
			} else if err != nil || string(answer) != payload {
				t.Errorf("answer %s, error %v, want the payload", answer, err)
			}
			if !strings.Contains(log, tc.logged) || strings.Contains(log, "erika") || (tc.logged == "") != (log == "") {
				t.Errorf("log %q, want one with %q", log, tc.logged)
			}
		})
	}
}

type fault struct{}

func (*fault) Error() string { return "fault" }
