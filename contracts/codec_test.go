package contracts_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
)

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const good = `{"specversion":"1.0","id":"1","source":"/s","type":"t"`
	tests := map[string]string{
		"nothing":              ``,
		"null":                 `null`,
		"text":                 `hello`,
		"number":               `5`,
		"list":                 `[]`,
		"empty_object":         `{}`,
		"cut_off":              good,
		"no_id":                `{"specversion":"1.0","source":"/s","type":"t"}`,
		"no_type":              `{"specversion":"1.0","id":"1","source":"/s"}`,
		"old_specversion":      `{"specversion":"0.3","id":"1","source":"/s","type":"t"}`,
		"new_specversion":      `{"specversion":"2.0","id":"1","source":"/s","type":"t"}`,
		"sns_envelope":         `{"Type":"Notification","Message":"{}"}`,
		"time_is_not_a_time":   good + `,"time":"yesterday"}`,
		"base64_is_a_number":   good + `,"data_base64":1}`,
		"base64_comes_first":   `{"data_base64":1,` + good[1:] + `}`,
		"old_encoding_is_null": `{"datacontentencoding":"","specversion":"0.3","id":"1","source":"/s","type":"t"}`,
		"extension_is_object":  good + `,"clientid":{"a":1}}`,
		"base64_is_null":       good + `,"data_base64":null}`,
		"null_and_more":        good + `,"subject":null} {}`,
		"too_large":            good + `,"data":"` + strings.Repeat("x", contracts.MaxEventBytes) + `"}`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if ev, err := contracts.Decode([]byte(body)); err == nil {
				t.Errorf("Decode gave %v", ev)
			}
		})
	}
}

// TestDecodeNullIsUnset: an attribute that is null, anywhere in the document, makes the
// same event as a missing one. So a required attribute that is null makes no event.
func TestDecodeNullIsUnset(t *testing.T) {
	t.Parallel()
	required := []string{`"specversion":"1.0"`, `"id":"1"`, `"source":"/s"`, `"type":"t"`}
	optional := []string{"datacontenttype", "dataschema", "subject", "time", contracts.ClientIDExtension, contracts.SyntheticExtension, "traceparent", "anythingelse"}
	for _, data := range []string{`"data":{"a":null,"b":[null]}`, `"data":null`, `"data":"null"`, `"data_base64":"AAE="`, ``} {
		members := slices.Clone(required)
		if data != "" {
			members = append(members, data)
		}
		want, err := contracts.Decode([]byte("{" + strings.Join(members, ",") + "}"))
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		for _, name := range optional {
			for at := range len(members) + 1 {
				body := "{" + strings.Join(slices.Insert(slices.Clone(members), at, `"`+name+`" : null `), " ,\n") + "}"
				got, err := contracts.Decode([]byte(body))
				if diff := cmp.Diff(want.String(), got.String()); err != nil || diff != "" {
					t.Errorf("%s: %v (-unset +null):\n%s", body, err, diff)
				}
			}
		}
		for at, member := range required {
			name, _, _ := strings.Cut(member, ":")
			nulled := slices.Clone(members)
			nulled[at] = name + ":null"
			if ev, err := contracts.Decode([]byte("{" + strings.Join(nulled, ",") + "}")); err == nil {
				t.Errorf("%s is null: Decode gave %v", name, ev)
			}
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	large := event.New()
	large.SetID("1")
	large.SetSource("/s")
	large.SetType("t")
	if err := large.SetData(event.ApplicationJSON, strings.Repeat("x", contracts.MaxEventBytes)); err != nil {
		t.Fatalf("SetData: %v", err)
	}
	for name, ev := range map[string]event.Event{"no_event": {}, "empty": event.New(), "too_large": large} {
		if body, err := contracts.Encode(ev); err == nil {
			t.Errorf("%s: Encode gave %d bytes", name, len(body))
		}
	}
}

func TestEncodeKeepsMarkupAndUnicode(t *testing.T) {
	t.Parallel()
	ev := event.New()
	ev.SetID("1")
	ev.SetSource("/s")
	ev.SetType("t")
	const data = "<b>&\u2028\u00e4\U0001f600\x00"
	if err := ev.SetData(event.ApplicationJSON, data); err != nil {
		t.Fatalf("SetData: %v", err)
	}
	body, err := contracts.Encode(ev)
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	back, err := contracts.Decode(body)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	var got string
	if err := back.DataAs(&got); err != nil || got != data {
		t.Errorf("data %q (%v), want %q", got, err, data)
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	for client, want := range map[string]map[string]string{
		"":    {"type": contracts.TypePasswordReset},
		"abc": {"type": contracts.TypePasswordReset, "clientid": "abc"},
	} {
		ev, err := contracts.NewPasswordReset(contracts.Act{PoolARN: pool, Subject: sub, ClientID: client, Time: moment()})
		if err != nil {
			t.Fatalf("NewPasswordReset: %v", err)
		}
		if diff := cmp.Diff(want, contracts.Attributes(ev)); diff != "" {
			t.Errorf("Attributes (-want +got):\n%s", diff)
		}
		if got := contracts.ClientID(ev); got != client {
			t.Errorf("ClientID = %q, want %q", got, client)
		}
	}
}

// FuzzDecode looks for panics, and for events that change when they travel twice.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":1},"clientid":"c"}`))
	f.Add([]byte(`{"data_base64":1,"specversion":"1.0","id":"1","source":"/s","type":"t"}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"text/plain","data":"x"}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":null,"data":null,"x":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		ev, err := contracts.Decode(body)
		if err != nil {
			return
		}
		once, err := contracts.Encode(ev)
		if err != nil {
			return
		}
		again, err := contracts.Decode(once)
		if err != nil {
			t.Fatalf("Decode of what Encode wrote: %v\n%s", err, once)
		}
		if again.ID() != ev.ID() || again.Type() != ev.Type() || again.Subject() != ev.Subject() {
			t.Fatalf("%s became %s", ev, again)
		}
		twice, err := contracts.Encode(again)
		if err != nil {
			t.Fatalf("Encode again: %v", err)
		}
		// The SDK may write the members in another order. cmp.Diff takes twice as long for
		// each level of an array.
		if !reflect.DeepEqual(generic(t, once), generic(t, twice)) {
			t.Fatalf("encoded twice: %s and %s", once, twice)
		}
	})
}
