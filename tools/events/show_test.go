package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
	"gatehouse.example/lambdakit/consume"
)

const (
	address = "erika@example.org"
	pool    = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse"
	someSub = "7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a"
)

// signedIn is a sign-in as a trigger publishes it.
func signedIn(id, data string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"` + pool + `","type":"gatehouse.user.signin.succeeded.v1","subject":"` + someSub +
		`","datacontenttype":"application/json","time":"2026-11-22T10:00:00Z","clientid":"1example","data":` + data + `}`
}

// recordOf is a record of CloudTrail whose private fields have an address.
func recordOf(name string) string {
	return `{"detail":{"eventSource":"cognito-idp.amazonaws.com","eventType":"AwsApiCall","eventID":"r1","eventTime":"2026-11-22T10:00:00Z","eventName":` + name +
		`,"errorCode":"SomeException","errorMessage":"` + address + `","userAgent":"` + address + `","sourceIPAddress":"` + address +
		`","requestParameters":{"userPoolId":"eu-central-1_Gatehouse","email":"` + address + `"}}}`
}

func TestShow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body, by string
		prepare        func(*types.Message)
		shows          []string
	}{
		{"an_event", signedIn("e1", `{"newDevice":true}`), "e1", nil, []string{`"gatehouse.user.signin.succeeded.v1" "e1"`, `"newDevice": true`, `"subject": "` + someSub, "SNS, which could not deliver it"}},
		{"by_message_id", signedIn("e1", `{}`), "1", nil, []string{`"id": "e1"`}},
		{"moved_by_the_consumer", signedIn("e1", `{}`), "e1", func(m *types.Message) {
			m.MessageAttributes[consume.ReasonAttribute] = types.MessageAttributeValue{StringValue: aws.String("data_of_another_shape")}
		}, []string{`its consumer, for "data_of_another_shape"`}},
		{"moved_by_sqs", signedIn("e1", `{}`), "e1", func(m *types.Message) {
			m.Attributes["DeadLetterQueueSourceArn"], m.Attributes["ApproximateReceiveCount"] = "arn:aws:sqs:r:1:"+source, "1000"
		}, []string{"too many attempts at " + source, "1000 times"}},
		{"data_of_another_shape", signedIn("e1", `{"email":"`+address+`"}`), "e1", nil, []string{"bytes that are not of this type"}},
		{"another_type", strings.Replace(signedIn("e1", `{"email":"`+address+`"}`), "gatehouse.user.signin", "com.example", 1), "e1", nil, []string{"com.example.succeeded.v1", "bytes that are not of this type"}},
		{"address_as_subject", strings.Replace(signedIn("e1", `{}`), someSub, address, 1), "e1", nil, []string{"(not shown"}},
		{"address_in_known_data", strings.Replace(signedIn("e1", `{"via":"`+address+`"}`), "signin.succeeded", "created", 1), "e1", nil, []string{"bytes that are not of this type"}},
		{"address_as_id", signedIn(address, `{}`), "1", nil, []string{`"id": "(not shown`}},
		{"a_record", recordOf(`"AttributesPut"`), "r1", nil, []string{
			`record "AttributesPut" "r1"`, `"eventTime": "2026-11-22T10:00:00Z"`, `"userPoolId": "eu-central-1_Gatehouse"`, `"errorCode": "SomeException"`, `"by": "user"`,
		}},
		{"an_address_as_operation", recordOf(`"` + address + `"`), "r1", nil, []string{`"eventName": "(not shown`}},
		{"not_an_event", `{"name":"` + address + `","mail":"` + address + `"}`, "1", nil, []string{"not a valid event, 55 bytes", "2 fields, 1 of an event or app event: name"}},
		{"not_json", address, "1", nil, []string{"not a valid event, 17 bytes", "not a JSON object"}},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			b := newBroker()
			b.link(source, dlq)
			b.put(dlq, tc.body)
			if tc.prepare != nil {
				tc.prepare(&b.queues[dlq][0])
			}
			var out bytes.Buffer
			l := &deadLetters{client: b, out: &out, now: time.Now}
			if _, err := l.show(t.Context(), found(t, b, dlq), tc.by); err != nil {
				t.Fatal(err)
			}
			contains(t, &out, append(tc.shows, dlq)...)
			if strings.Contains(out.String(), address) {
				t.Errorf("an address is shown:\n%s", &out)
			}
			if len(b.held) != 0 || len(b.queues[dlq]) != 1 {
				t.Errorf("looking left %d messages, %d hidden", len(b.queues[dlq]), len(b.held))
			}
		})
	}
}

func TestShowSaysWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		hide int
		want string
	}{
		{"another_id", 0, "has no message \"e9\", neither as a message's id nor as an event's"},
		{"held_by_another_reader", 2, "counts about 2 that another reader holds; run it again"},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			b := newBroker()
			b.link(source, dlq)
			b.put(dlq, documents(20)...)
			b.hide(dlq, tc.hide, time.Hour)
			_, err := (&deadLetters{client: b, out: &bytes.Buffer{}, now: time.Now}).show(t.Context(), found(t, b, dlq), "e9")
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestDrop(t *testing.T) {
	t.Parallel()
	yes, no := func() (bool, error) { return true, nil }, func() (bool, error) { return false, nil }
	for _, tc := range []struct {
		name  string
		ask   func(*broker) func() (bool, error)
		left  int
		fails string
	}{
		{"agreed", func(*broker) func() (bool, error) { return yes }, 1, ""},
		{"refused", func(*broker) func() (bool, error) { return no }, 2, "nothing was deleted"},
		{"no_answer", func(*broker) func() (bool, error) { return func() (bool, error) { return false, errors.New("closed") } }, 2, "closed"},
		{"gone_meanwhile", func(b *broker) func() (bool, error) {
			return func() (bool, error) { b.queues[dlq] = b.queues[dlq][:1]; return true, nil }
		}, 1, "no longer returned"},
		{"thinks_for_an_hour", func(*broker) func() (bool, error) {
			return func() (bool, error) { <-time.After(time.Hour); return true, nil }
		}, 1, ""},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			b := newBroker()
			b.link(source, dlq)
			b.put(dlq, document("e1"), document("e2"))
			var out bytes.Buffer
			err := (&deadLetters{client: b, out: &out, now: time.Now}).drop(t.Context(), found(t, b, dlq), "e2", tc.ask(b))
			if (err != nil) != (tc.fails != "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("error %v, want %q", err, tc.fails)
			}
			if len(b.queues[dlq]) != tc.left || !strings.Contains(*b.queues[dlq][0].Body, `"e1"`) {
				t.Errorf("%d messages are left, want %d with e1", len(b.queues[dlq]), tc.left)
			}
			contains(t, &out, "It is a valid event or record: `gatehouse events dead replay "+dlq+"` sends it to "+source)
		})
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"yes\n": true, " yes \r\n": true, "y\n": false, "yes": true, "no\n": false} {
		var out bytes.Buffer
		if got, err := ask(strings.NewReader(answer), &out, "Delete?"); got != want || err != nil || !strings.HasPrefix(out.String(), "Delete?") {
			t.Errorf("%q: %v, %v", answer, got, err)
		}
	}
	if _, err := ask(strings.NewReader(""), &bytes.Buffer{}, "Delete?"); err == nil || !strings.Contains(err.Error(), "--yes") {
		t.Errorf("no answer: %v", err)
	}
}

// An interrupt must not leave messages hidden.
func TestScanReleasesAfterAnError(t *testing.T) {
	t.Parallel()
	bubble(t, "error", func(t *testing.T) {
		b := newBroker()
		b.link(source, dlq)
		b.put(dlq, documents(15)...)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := scan(ctx, b, base+dlq, lookTimeout, func(types.Message) (bool, error) { cancel(); return false, errors.New("stop") })
		if err == nil || len(b.held) != 0 {
			t.Errorf("error %v, %d messages are hidden", err, len(b.held))
		}
	})
}

// Every type is shown with all its fields: a new one needs a line in dataOf.
func TestShowKnowsEveryType(t *testing.T) {
	t.Parallel()
	for _, typ := range contracts.Types() {
		raw, err := schemas.Of(typ)
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			Properties struct {
				Data struct{ Properties map[string]any }
			}
		}
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatal(err)
		}
		data := dataOf(typ)
		if data == nil {
			t.Errorf("%s is not known", typ)
			continue
		}
		var fields []string
		for field := range reflect.TypeOf(data).Elem().Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields = append(fields, name)
		}
		slices.Sort(fields)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(schema.Properties.Data.Properties)), fields); diff != "" {
			t.Errorf("%s (-schema +data):\n%s", typ, diff)
		}
	}
}
