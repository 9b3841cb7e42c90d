package custommessage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/language"
)

// invoke calls the trigger, which must not fail, and returns what it logged.
func invoke(t testing.TB, payload []byte) (answer []byte, log string) {
	t.Helper()
	var lines bytes.Buffer
	h := &Handler{Log: slog.New(slog.NewJSONHandler(&lines, nil))}
	answer, err := h.Invoke(t.Context(), bytes.Clone(payload))
	if err != nil {
		t.Fatalf("Invoke: %v", err)
	}
	return answer, lines.String()
}

// event is a payload, as far as the tests read it.
type event struct {
	TriggerSource string
	Response      struct{ SMSMessage, EmailMessage, EmailSubject *string }
}

// message is the message in an answer, or nil if the answer has none.
func message(t testing.TB, answer []byte) *Message {
	t.Helper()
	var ev event
	if json.Unmarshal(answer, &ev) != nil || ev.Response.EmailMessage == nil || ev.Response.SMSMessage == nil || ev.Response.EmailSubject == nil {
		return nil
	}
	return &Message{Subject: *ev.Response.EmailSubject, HTML: *ev.Response.EmailMessage, SMS: *ev.Response.SMSMessage}
}

// payload is an event of a real pool
// (https://github.com/DefinitelyTyped/DefinitelyTyped/pull/62357), of this kind.
func payload(kind, attributes, metadata string) string {
	name := "null"
	if kind == "AdminCreateUser" {
		name = `"{username}"`
	}
	return fmt.Sprintf(`{"version":"1","region":"eu-central-1","userPoolId":"eu-central-1_Gatehouse","userName":"3f1b9c62-9a7e-4e2b-8d43-5a6f0c1d2e3f",`+
		`"callerContext":{"awsSdkVersion":"aws-sdk-unknown-unknown","clientId":"c1"},"triggerSource":"CustomMessage_%s",`+
		`"request":{"userAttributes":{"sub":"3f1b9c62","email":"erika@example.org"%s},"codeParameter":"{####}","linkParameter":"{##Click Here##}","usernameParameter":%s%s},`+
		`"response":{"smsMessage":null,"emailMessage":null,"emailSubject":null}}`, kind, attributes, name, metadata)
}

// TestAnswers: each kind is answered in the language of the user, else of the client, and
// the rest of the event comes back as it was.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		name := strings.TrimPrefix(string(kind), source)
		for wish, language := range map[[2]string]string{
			{"", ""}:                                                       "en",
			{`,"locale":"de-DE"`, ""}:                                      "de",
			{`,"locale":5`, ""}:                                            "en",
			{`,"zoneinfo":"de"`, ""}:                                       "en",
			{"", `,"clientMetadata":{"locale":"fr"}`}:                      "fr",
			{"", `,"clientMetadata":{"lang":"es-MX"}`}:                     "es",
			{"", `,"clientMetadata":{"lang":"ja","locale":"fr"}`}:          "fr",
			{"", `,"clientMetadata":{"language":"ja"}`}:                    "en",
			{"", `,"clientMetadata":null`}:                                 "en",
			{`,"locale":"ja"`, `,"clientMetadata":{"locale":"fr"}`}:        "ja",
			{`,"locale":"pt"`, `,"clientMetadata":{"locale":["fr"]}`}:      "en",
			{`,"locale":"pt"`, `,"clientMetadata":{"lang":"de","x":"ja"}`}: "de",
		} {
			sent := payload(name, wish[0], wish[1])
			answer, log := invoke(t, []byte(sent))
			want, err := Write(kind, language, cognitos)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, message(t, answer)); diff != "" || log != "" {
				t.Errorf("%s with %q: log %q (-want +got):\n%s", name, wish, log, diff)
			}
			var before, after map[string]any
			if json.Unmarshal([]byte(sent), &before) != nil || json.Unmarshal(answer, &after) != nil {
				t.Fatalf("%s: answer %s", name, answer)
			}
			delete(before, "response")
			delete(after, "response")
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("%s: the event changed (-sent +answered):\n%s", name, diff)
			}
		}
	}
}

// TestUnchanged: what cannot be answered comes back byte for byte, so that Cognito sends
// its own text.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	with := func(before, after string) string { return strings.Replace(payload("SignUp", "", ""), before, after, 1) }
	for name, sent := range map[string]string{
		"nothing": "", "text": "erika@example.org", "null": "null", "number": "5", "list": `["erika@example.org"]`, "empty": "{}",
		"cut_off": payload("SignUp", "", "")[:200], "two_values": payload("SignUp", "", "") + "{}", "deep": strings.Repeat("[", 20_000),
		"other_source":      with("CustomMessage_SignUp", "PreSignUp_SignUp"),
		"future_source":     with("CustomMessage_SignUp", "CustomMessage_Erika"),
		"source_is_number":  with(`"CustomMessage_SignUp"`, "5"),
		"no_request":        with(`"request"`, `"other"`),
		"request_is_text":   `{"triggerSource":"CustomMessage_SignUp","request":"erika","response":{}}`,
		"no_response":       with(`"response"`, `"other"`),
		"response_is_null":  `{"triggerSource":"CustomMessage_SignUp","request":{"codeParameter":"{####}"},"response":null}`,
		"response_is_list":  `{"triggerSource":"CustomMessage_SignUp","request":{"codeParameter":"{####}"},"response":[]}`,
		"no_code":           with(`"codeParameter":"{####}",`, ""),
		"code_is_markup":    with(`"{####}"`, `"<script>erika</script>"`),
		"code_is_long":      with(`"{####}"`, `"`+strings.Repeat("erika", 10_000)+`"`),
		"code_is_a_number":  with(`"{####}"`, "123456"),
		"invited_by_nobody": strings.Replace(payload("AdminCreateUser", "", ""), `"{username}"`, "null", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, log := invoke(t, []byte(sent))
			if string(answer) != sent {
				t.Errorf("answer %.200s", answer)
			}
			if !strings.Contains(log, `"level":"ERROR","msg":"answered unchanged"`) || strings.Contains(strings.ToLower(log), "erika") {
				t.Errorf("log %s", log)
			}
		})
	}
}

// TestLargestAttributes: Cognito's limits are 50 custom attributes of 2,048 characters.
func TestLargestPayload(t *testing.T) {
	t.Parallel()
	attributes := ""
	for i := range 70 {
		attributes += fmt.Sprintf(`,"custom:%d":%q`, i, strings.Repeat("ä<", 1024))
	}
	answer, log := invoke(t, []byte(payload("SignUp", attributes+`,"locale":"de"`, "")))
	if m := message(t, answer); m == nil || !strings.Contains(m.HTML, `lang="de"`) || log != "" {
		t.Errorf("message %v, log %s", m, log)
	}
}

// TestPayloadFiles answers the service's payload files, of which there is one for each kind.
func TestPayloadFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../events/custommessage-*.json")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []Kind
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var ev event
		if err := json.Unmarshal(raw, &ev); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		kinds = append(kinds, Kind(ev.TriggerSource))
		if answer, log := invoke(t, raw); message(t, answer) == nil || log != "" {
			t.Errorf("%s: answer %s, log %s", file, answer, log)
		}
	}
	slices.Sort(kinds)
	if diff := cmp.Diff(Kinds(), kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

// FuzzInvoke: every payload is answered with itself, or with a mail of the one structure
// that Cognito accepts.
func FuzzInvoke(f *testing.F) {
	for _, kind := range []string{"SignUp", "AdminCreateUser"} {
		f.Add([]byte(payload(kind, `,"locale":"fr"`, `,"clientMetadata":{"lang":"de"}`)))
	}
	f.Add([]byte(`{"triggerSource":"CustomMessage_SignUp","request":{"codeParameter":"</p><script>"},"response":{}}`))
	f.Fuzz(func(t *testing.T, sent []byte) {
		answer, log := invoke(t, sent)
		if bytes.Equal(answer, sent) {
			return
		}
		m := message(t, answer)
		if m == nil || log != "" {
			t.Fatalf("answer %s, log %s", answer, log)
		}
		checkStructure(t, m)
	})
}

// checkStructure compares a mail with the layout: nothing that came in may change it.
func checkStructure(t testing.TB, m *Message) {
	t.Helper()
	kind := Kind(source + "SignUp")
	if strings.Count(m.HTML, `class="value"`) > 1 {
		kind = invitation
	}
	want, err := Write(kind, "en", cognitos)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(structure(t, want.HTML), structure(t, m.HTML)); diff != "" {
		t.Errorf("the structure changed (-want +got):\n%s", diff)
	}
}

// FuzzWrite: placeholders do not change the structure either.
func FuzzWrite(f *testing.F) {
	f.Add("{####}", "{username}", "de")
	f.Add(`"><img src=x>`, "</title>", "en-US")
	f.Add("{{light.text}}", "{{note}}", "fr")
	f.Fuzz(func(t *testing.T, code, name, wish string) {
		for _, kind := range Kinds() {
			m, err := Write(kind, language.Of(wish), Placeholders{code, name})
			if err == nil {
				checkStructure(t, &m)
			}
		}
	})
}
