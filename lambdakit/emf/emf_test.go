package emf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"gatehouse.example/lambdakit/emf"
)

func moment() time.Time { return time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC) }

func client(id string) emf.Dimension { return emf.Dimension{Name: "ClientId", Value: id} }

func flush(t *testing.T, b *emf.Batch) []string {
	t.Helper()
	var out bytes.Buffer
	if err := b.Flush(&out, moment()); err != nil {
		t.Fatalf("Flush: %v", err)
	}
	if out.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// line is a golden line: what differs between the cases is the dimensions' names
// and values, the definitions and the values.
func line(names, dims, defs, values string) string {
	return `{` + dims + `"Environment":"test",` + values + `"_aws":{"CloudWatchMetrics":[{"Dimensions":[[` + names +
		`]],"Metrics":[` + defs + `],"Namespace":"Gatehouse"}],"Timestamp":1795339800000},"level":"INFO"}`
}

func TestFlush(t *testing.T) {
	t.Parallel()
	const def = `{"Name":"Z","Unit":"Count"}`
	tests := map[string]struct {
		add  func(*emf.Batch)
		want []string
	}{
		"nothing": {add: func(*emf.Batch) {}},
		"one_count": {
			add:  func(b *emf.Batch) { b.Add("Z", emf.Count, 1) },
			want: []string{`{"Environment":"test","Z":1,"_aws":{"CloudWatchMetrics":[{"Dimensions":[["Environment"]],"Metrics":[` + def + `],"Namespace":"Gatehouse"}],"Timestamp":1795339800000},"level":"INFO"}`},
		},
		"counts_add_up": {
			add:  func(b *emf.Batch) { b.Add("Z", emf.Count, 1); b.Add("Z", emf.Count, 2) },
			want: []string{line(`"Environment"`, ``, def, `"Z":3,`)},
		},
		"durations_stay_apart": {
			add:  func(b *emf.Batch) { b.Add("Z", emf.Milliseconds, 12.5); b.Add("Z", emf.Milliseconds, 7) },
			want: []string{line(`"Environment"`, ``, `{"Name":"Z","Unit":"Milliseconds"}`, `"Z":[12.5,7],`)},
		},
		"a_line_for_each_set_of_dimensions": {
			add: func(b *emf.Batch) {
				b.Add("Z", emf.Count, 1, client("b"))
				b.Add("Z", emf.Count, 1, client("a"))
				b.Add("Z", emf.Count, 1, client("b"))
			},
			want: []string{
				line(`"Environment","ClientId"`, `"ClientId":"a",`, def, `"Z":1,`),
				line(`"Environment","ClientId"`, `"ClientId":"b",`, def, `"Z":2,`),
			},
		},
		"order_of_dimensions_does_not_matter": {
			add: func(b *emf.Batch) {
				b.Add("Z", emf.Count, 1, client("a"), emf.Dimension{Name: "AReason", Value: "r"})
				b.Add("Z", emf.Count, 1, emf.Dimension{Name: "AReason", Value: "r"}, client("a"))
			},
			want: []string{line(`"Environment","AReason","ClientId"`, `"AReason":"r","ClientId":"a",`, def, `"Z":2,`)},
		},
		"no_dimension_of_two_lines":    {add: func(b *emf.Batch) { b.Add("Z", emf.Count, 1, client("a\nb")) }},
		"no_dimension_without_a_value": {add: func(b *emf.Batch) { b.Add("Z", emf.Count, 1, client("")) }},
		"values_that_are_not_numbers":  {add: func(b *emf.Batch) { b.Add("Z", emf.Count, math.NaN()); b.Add("Z", emf.Count, math.Inf(1)) }},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := emf.New("test")
			tc.add(b)
			if diff := cmp.Diff(tc.want, flush(t, b)); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if again := flush(t, b); again != nil {
				t.Errorf("a second Flush wrote %v", again)
			}
		})
	}
}

// TestLongBatchesAreSplit: a line takes 100 values of one metric.
func TestLongBatchesAreSplit(t *testing.T) {
	t.Parallel()
	b := emf.New("test")
	for i := range 250 {
		b.Add("Long", emf.Milliseconds, float64(i))
	}
	b.Add("Short", emf.Count, 250)
	var got []int
	shorts := 0
	for _, l := range flush(t, b) {
		var doc struct {
			Long  []float64
			Short float64
		}
		if err := json.Unmarshal([]byte(l), &doc); err != nil {
			t.Fatalf("json.Unmarshal: %v", err)
		}
		got = append(got, len(doc.Long))
		if doc.Short > 0 {
			shorts++
		}
	}
	if diff := cmp.Diff([]int{100, 100, 50}, got); diff != "" || shorts != 1 {
		t.Errorf("values a line (-want +got):\n%s%d lines with the count, want 1", diff, shorts)
	}
}

// emfSchema is the schema in AWS's specification of the format, without its
// examples and with the two limits in the text around it.
const emfSchema = `{
  "type": "object", "title": "Root Node", "required": ["_aws"],
  "properties": {"_aws": {"type": "object", "title": "Metadata", "required": ["Timestamp", "CloudWatchMetrics"],
    "properties": {
      "Timestamp": {"type": "integer"},
      "CloudWatchMetrics": {"type": "array", "items": {"type": "object", "required": ["Namespace", "Dimensions", "Metrics"],
        "properties": {
          "Namespace": {"type": "string", "pattern": "^(.*)$", "minLength": 1, "maxLength": 1024},
          "Dimensions": {"type": "array", "minItems": 1, "items": {"type": "array", "minItems": 1, "maxItems": 30,
            "items": {"type": "string", "pattern": "^(.*)$", "minLength": 1, "maxLength": 250}}},
          "Metrics": {"type": "array", "maxItems": 100, "items": {"type": "object", "required": ["Name"],
            "properties": {"Name": {"type": "string", "minLength": 1, "maxLength": 1024},
              "Unit": {"enum": ["Count", "Milliseconds"]}, "StorageResolution": {"type": "integer"}}}}
        }}}}}}}`

func TestLinesFollowTheSpecification(t *testing.T) {
	t.Parallel()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(emfSchema))
	if err != nil {
		t.Fatalf("jsonschema.UnmarshalJSON: %v", err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("emf.json", doc); err != nil {
		t.Fatalf("AddResource: %v", err)
	}
	schema := c.MustCompile("emf.json")
	b := emf.New("production")
	b.Add("SignInsSucceeded", emf.Count, 3)
	b.Add("SignInsSucceeded", emf.Count, 3, client("a\"b\n"))
	b.Add("ActToAuditRow", emf.Milliseconds, 3)
	for _, l := range flush(t, b) {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(l))
		if err != nil {
			t.Fatalf("line %s: %v", l, err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", l, err)
		}
		targets(t, doc.(map[string]any))
	}
}

// targets checks what no schema can say: every dimension and metric that is
// named is a member of the root, with a value of its kind.
func targets(t *testing.T, root map[string]any) {
	t.Helper()
	directive := root["_aws"].(map[string]any)["CloudWatchMetrics"].([]any)[0].(map[string]any)
	for _, name := range directive["Dimensions"].([]any)[0].([]any) {
		if v, ok := root[name.(string)].(string); !ok || v == "" {
			t.Errorf("dimension %v has the value %v", name, root[name.(string)])
		}
	}
	for _, m := range directive["Metrics"].([]any) {
		name := m.(map[string]any)["Name"].(string)
		if _, ok := root[name].(json.Number); !ok {
			t.Errorf("metric %s has the value %v", name, root[name])
		}
	}
}

// failing takes so many lines and then no more.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left == 0 {
		return 0, errors.New("broken pipe")
	}
	f.left--
	return len(p), nil
}

func TestNothingCountsTwiceAfterAnError(t *testing.T) {
	t.Parallel()
	b := emf.New("test")
	for _, id := range []string{"a", "b", "c"} {
		b.Add("Z", emf.Count, 1, client(id))
	}
	if err := b.Flush(&failing{left: 1}, moment()); err == nil {
		t.Fatal("no error from a broken pipe")
	}
	if rest := flush(t, b); len(rest) != 2 || strings.Contains(strings.Join(rest, ""), `"ClientId":"a"`) {
		t.Errorf("after the error the batch holds %v", rest)
	}
}
