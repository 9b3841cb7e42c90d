package clientevents_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
	"gatehouse.example/services/user-events/internal/clientevents"
	"gatehouse.example/services/user-events/internal/queuetest"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want contracts.AppEvent
	}{
		"name_only": {`{"name":"app_opened"}`, contracts.AppEvent{Name: "app_opened"}},
		"everything": {
			` { "name" : "cart.opened" , "time":"2026-11-22T13:00:00.1239+01:00", "data":{"items": 3 ,"fast":true,"slow":false,"step":"pay"} } `,
			contracts.AppEvent{
				Name: "cart.opened", ClaimedAt: "2026-11-22T12:00:00.123Z",
				Values: map[string]any{"items": int64(3), "fast": true, "slow": false, "step": "pay"},
			},
		},
		"no_values":        {`{"name":"a","data":{}}`, contracts.AppEvent{Name: "a", Values: map[string]any{}}},
		"just_in_time":     {`{"name":"a","time":"2026-11-15T12:00:00Z"}`, contracts.AppEvent{Name: "a", ClaimedAt: "2026-11-15T12:00:00Z"}},
		"clock_ahead":      {`{"name":"a","time":"2026-11-22T12:05:00Z"}`, contracts.AppEvent{Name: "a", ClaimedAt: "2026-11-22T12:05:00Z"}},
		"largest_numbers":  {`{"name":"a","data":{"x":1000000,"y":-1000000}}`, contracts.AppEvent{Name: "a", Values: map[string]any{"x": int64(1_000_000), "y": int64(-1_000_000)}}},
		"escaped_but_same": {`{"\u006eame":"\u0061"}`, contracts.AppEvent{Name: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := clientevents.Parse([]byte(tc.body), queuetest.Time())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	data := func(value string) string { return `{"name":"a","data":` + value + `}` }
	var many []string
	for i := range contracts.MaxAppValues + 1 {
		many = append(many, fmt.Sprintf(`"x%d":1`, i))
	}
	for name, tc := range map[string]struct {
		body string
		want clientevents.Reason
	}{
		"empty":            {``, clientevents.NotJSON},
		"text":             {`hello`, clientevents.NotJSON},
		"half":             {`{"name":"a"`, clientevents.NotJSON},
		"two":              {`{"name":"a"}{"name":"b"}`, clientevents.NotJSON},
		"null":             {`null`, clientevents.NotJSON},
		"list":             {`[]`, clientevents.NotJSON},
		"deep":             {strings.Repeat(`{"name":`, 3000), clientevents.NotJSON},
		"subject":          {`{"name":"a","subject":"5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11"}`, clientevents.UnknownField},
		"who":              {`{"name":"a","who":"user"}`, clientevents.UnknownField},
		"id":               {`{"name":"a","id":"1"}`, clientevents.UnknownField},
		"shouted":          {`{"NAME":"a"}`, clientevents.UnknownField},
		"no_name":          {`{}`, clientevents.BadName},
		"null_name":        {`{"name":null}`, clientevents.BadName},
		"number_as_name":   {`{"name":7}`, clientevents.BadName},
		"address_as_name":  {`{"name":"erika@example.org"}`, clientevents.BadName},
		"text_as_name":     {`{"name":"Erika opened"}`, clientevents.BadName},
		"long_name":        {`{"name":"` + strings.Repeat("a", 65) + `"}`, clientevents.BadName},
		"null_time":        {`{"name":"a","time":null}`, clientevents.BadTime},
		"no_time":          {`{"name":"a","time":"yesterday"}`, clientevents.BadTime},
		"unix_time":        {`{"name":"a","time":1795348800}`, clientevents.BadTime},
		"too_old":          {`{"name":"a","time":"2026-11-15T11:59:59Z"}`, clientevents.BadTime},
		"future":           {`{"name":"a","time":"2026-11-22T12:05:01Z"}`, clientevents.BadTime},
		"null_data":        {data(`null`), clientevents.BadData},
		"data_is_text":     {data(`"x"`), clientevents.BadData},
		"data_is_a_list":   {data(`[1]`), clientevents.BadData},
		"too_many":         {data(`{` + strings.Join(many, ",") + `}`), clientevents.BadData},
		"null_value":       {data(`{"x":null}`), clientevents.BadData},
		"nested":           {data(`{"x":{"y":1}}`), clientevents.BadData},
		"list_value":       {data(`{"x":[1]}`), clientevents.BadData},
		"fraction":         {data(`{"x":52.52}`), clientevents.BadData},
		"exponent":         {data(`{"x":1e3}`), clientevents.BadData},
		"phone_number":     {data(`{"x":15551234567}`), clientevents.BadData},
		"too_small":        {data(`{"x":-1000001}`), clientevents.BadData},
		"huge":             {data(`{"x":` + strings.Repeat("9", 400) + `}`), clientevents.BadData},
		"address":          {data(`{"x":"erika@example.org"}`), clientevents.BadData},
		"ip_address":       {data(`{"x":"10.1.2.3"}`), clientevents.BadData},
		"sentence":         {data(`{"x":"erika is here"}`), clientevents.BadData},
		"name_of_a_person": {data(`{"x":"Erika"}`), clientevents.BadData},
		"sub":              {data(`{"x":"af0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11"}`), clientevents.BadData},
		"key_is_a_text":    {data(`{"my key":1}`), clientevents.BadData},
		"empty_key":        {data(`{"":1}`), clientevents.BadData},
		"not_ascii":        {data(`{"x":"ä"}`), clientevents.BadData},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := clientevents.Parse([]byte(tc.body), queuetest.Time())
			var reason clientevents.Reason
			if !errors.As(err, &reason) || reason != tc.want {
				t.Errorf("Parse = %+v, %v, want %s", got, err, tc.want)
			}
			if err != nil && len(tc.body) > 6 && strings.Contains(err.Error(), tc.body[:6]) {
				t.Errorf("the error quotes the message: %v", err)
			}
		})
	}
}

// FuzzParse holds that whatever is accepted becomes an event that its schema accepts.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"name":"cart.opened","time":"2026-11-22T12:00:00Z","data":{"a":1,"b":true,"c":"d"}}`,
		`{"name":"a","data":{"x":-0,"y":1e2}}`, `{"name":"a","name":"b"}`, `{"name":"a","time":"0000-01-01T00:00:00Z"}`, "{\"name\":\"a\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	schema := schemaOf(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		data, err := clientevents.Parse(body, queuetest.Time())
		if err != nil {
			return
		}
		data.Who = contracts.WhoGuest
		ev, err := contracts.NewAppEvent(contracts.Act{ID: "m", PoolARN: queuetest.Pool, Time: time.UnixMilli(1)}, data)
		if err != nil {
			t.Fatalf("accepted, but no event: %v", err)
		}
		raw, err := contracts.Encode(ev)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	})
}

func schemaOf(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	raw, err := schemas.Of(contracts.TypeAppEvent)
	if err != nil {
		tb.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("app", doc); err != nil {
		tb.Fatal(err)
	}
	schema, err := compiler.Compile("app")
	if err != nil {
		tb.Fatal(err)
	}
	return schema
}
