package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"
	"github.com/google/go-cmp/cmp"
)

const testTrace = "1-6921f8c0-1f0e2d3c4b5a69788796a5b4"

func TestTraceID(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ given, want string }{
		"id":              {testTrace, testTrace},
		"spaces":          {" " + testTrace + "\r\n", testTrace},
		"capitals":        {strings.ToUpper(testTrace), testTrace},
		"header":          {"Root=" + testTrace + ";Parent=53995c3f42cd8ad8;Sampled=1", testTrace},
		"header_line":     {"X-Amzn-Trace-Id: Root=" + testTrace + ";Sampled=1\r\n", testTrace},
		"lower_case_line": {"x-amzn-trace-id: Root=" + testTrace, testTrace},
		"traceparent":     {"00-6921f8c01f0e2d3c4b5a69788796a5b4-53995c3f42cd8ad8-01", testTrace},
		"later_version":   {"01-6921f8c01f0e2d3c4b5a69788796a5b4-53995c3f42cd8ad8-01-more", testTrace},
		"empty":           {"", ""},
		"other":           {"6921f8c0", ""},
		"short":           {testTrace[:34], ""},
		"other_line":      {"X-Request-Id: " + testTrace, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ID(tc.given)
			if got != tc.want || (err == nil) != (tc.want != "") {
				t.Errorf("ID(%q) = %q, %v; want %q", tc.given, got, err, tc.want)
			}
		})
	}
}

// store answers BatchGetTraces with the documents of one look after the other,
// the last one again and again.
type store struct {
	looks [][]string
	asked int
	err   error
}

func (s *store) BatchGetTraces(_ context.Context, in *xray.BatchGetTracesInput, _ ...func(*xray.Options)) (*xray.BatchGetTracesOutput, error) {
	if s.err != nil {
		return nil, s.err
	}
	documents := s.looks[min(s.asked, len(s.looks)-1)]
	s.asked++
	out := &xray.BatchGetTracesOutput{}
	for i, d := range documents {
		// Each segment on a page of its own trace, as a long trace may come.
		out.Traces = append(out.Traces, types.Trace{Id: &in.TraceIds[0], Segments: []types.Segment{{Id: aws.String(fmt.Sprint(i)), Document: aws.String(d)}}})
	}
	return out, nil
}

// library answers BatchGetTraces with the documents of the traces that it is asked for.
type library struct {
	documents []string
	asked     [][]string
}

func (l *library) BatchGetTraces(_ context.Context, in *xray.BatchGetTracesInput, _ ...func(*xray.Options)) (*xray.BatchGetTracesOutput, error) {
	if len(in.TraceIds) > 5 {
		return nil, errors.New("more than five")
	}
	l.asked = append(l.asked, in.TraceIds)
	out := &xray.BatchGetTracesOutput{}
	for _, id := range in.TraceIds {
		one := types.Trace{Id: &id}
		for _, d := range l.documents {
			if strings.HasPrefix(d, `{"trace_id": "`+id+`"`) {
				one.Segments = append(one.Segments, types.Segment{Document: &d})
			}
		}
		out.Traces = append(out.Traces, one)
	}
	return out, nil
}

// inputs are the documents of one file, one a line.
func inputs(t *testing.T, name string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

// Each .jsonl holds what X-Ray answers, each .txt what is shown of it. With
// UPDATE=1 the test writes the second.
func TestPrintTree(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"api", "aws", "orphans", "running", "hostile", "linked"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reader{client: &store{looks: [][]string{inputs(t, name)}}, pause: time.Millisecond, links: 2}
			if name == "linked" {
				r.client = &library{documents: inputs(t, name)}
			}
			tree, err := r.tree(t.Context(), testTrace)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := printTree(&out, tree); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".txt")
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
		})
	}
}

// Many runs are read five at a time, each once, and not more than asked for.
func TestFollow(t *testing.T) {
	t.Parallel()
	id := func(n int) string { return fmt.Sprintf("1-6921f8c1-%024x", n) }
	children := func(of string, to ...int) string {
		links := []string{}
		for _, n := range to {
			links = append(links, `{"trace_id":"`+id(n)+`","id":"0000000000000001","attributes":{"aws.xray.reserved.reference_type":"child"}}`)
		}
		return `{"trace_id": "` + of + `", "id": "0000000000000001", "name":"a","start_time":1.0,"end_time":2.0,"links":[` + strings.Join(links, ",") + `]}`
	}
	documents := []string{children(testTrace, 1, 2, 2, 3, 4, 5, 6, 99), children(id(1), 7, 3), children(id(7), 1)}
	for n := 2; n < 7; n++ {
		documents = append(documents, children(id(n)))
	}
	for name, tc := range map[string]struct {
		links   int
		want    []int
		omitted int
		calls   []int // how many ids each asks for
	}{
		"all":      {20, []int{1, 2, 3, 4, 5, 6, 7}, 0, []int{1, 1, 5, 3}},
		"some":     {3, []int{1, 2, 3}, 5, []int{1, 1, 3}},
		"none":     {0, nil, 7, []int{1, 1}},
		"expected": {7, []int{1, 2, 3, 4, 5, 6, 7}, 0, []int{1, 1, 5, 2, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &library{documents: documents}
			got, err := reader{client: l, wait: time.Minute, pause: time.Millisecond, links: tc.links}.tree(t.Context(), testTrace)
			if err != nil {
				t.Fatal(err)
			}
			var ids, want []string
			for _, one := range got.Linked {
				ids = append(ids, one.ID)
			}
			for _, n := range tc.want {
				want = append(want, id(n))
			}
			var calls []int
			for _, asked := range l.asked {
				calls = append(calls, len(asked))
			}
			if diff := cmp.Diff(want, ids); diff != "" || got.Omitted != tc.omitted {
				t.Errorf("omitted %d, want %d; linked (-want +got):\n%s", got.Omitted, tc.omitted, diff)
			}
			if diff := cmp.Diff(tc.calls, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrintJSON(t *testing.T) {
	t.Parallel()
	tree, err := grow(testTrace, inputs(t, "api"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := printJSON(&out, tree); err != nil {
		t.Fatal(err)
	}
	var got struct {
		ID    string
		Parts []struct {
			Origin, MadeBy string
			Parts          []struct{ Origin string }
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != testTrace || len(got.Parts) != 1 || got.Parts[0].MadeBy != "proxy" || got.Parts[0].Parts[0].Origin != "AWS::Lambda" {
		t.Errorf("JSON %s", out.String())
	}
}

func part1(more string) string {
	return `{"trace_id":"` + testTrace + `","id":"0000000000000001","name":"a","start_time":1.0,"end_time":2.0` + more + `}`
}

const (
	part2  = `{"trace_id":"` + testTrace + `","id":"0000000000000002","parent_id":"0000000000000001","name":"b","start_time":1.2,"end_time":1.5}`
	orphan = `{"trace_id":"` + testTrace + `","id":"0000000000000003","parent_id":"0000000000000009","type":"subsegment","name":"c","start_time":1.2,"end_time":1.5}`
)

// A trace of a moment ago is waited for until it is whole and stays the same.
func TestReadWaits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		looks [][]string
		parts int
		asked int
	}{
		"there":       {[][]string{{part1("")}}, 1, 2},
		"late":        {[][]string{{}, {}, {part1("")}}, 1, 4},
		"growing":     {[][]string{{part1("")}, {part1(""), part2}}, 2, 3},
		"in_progress": {[][]string{{part1(`,"in_progress":true`)}, {part1(`,"in_progress":true`)}, {part1("")}}, 1, 3},
		"orphan":      {[][]string{{orphan}, {orphan}, {part1(""), part2}}, 2, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &store{looks: tc.looks}
			got, err := reader{client: s, wait: time.Minute, pause: time.Millisecond}.read(t.Context(), testTrace)
			if err != nil || got.parts != tc.parts || s.asked != tc.asked {
				t.Errorf("%d parts after %d looks, %v; want %d after %d", got.parts, s.asked, err, tc.parts, tc.asked)
			}
		})
	}
}

func TestReadGivesUp(t *testing.T) {
	t.Parallel()
	r := reader{client: &store{looks: [][]string{{}}}, wait: 5 * time.Millisecond, pause: time.Millisecond}
	if _, err := r.read(t.Context(), testTrace); err == nil || !strings.Contains(err.Error(), "no trace "+testTrace) || !strings.Contains(err.Error(), "--wait") {
		t.Errorf("error %v", err)
	}
	r.client = &store{looks: [][]string{{orphan}}}
	if got, err := r.read(t.Context(), testTrace); err != nil || got.Orphans != 1 {
		t.Errorf("tree %+v, %v; want what there is", got, err)
	}
	refused := errors.New("refused")
	r.client = &store{err: refused}
	if _, err := r.read(t.Context(), testTrace); !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	r = reader{client: &store{looks: [][]string{{"{"}}}, pause: time.Millisecond}
	if _, err := r.read(t.Context(), testTrace); err == nil {
		t.Error("a broken document passed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r = reader{client: &store{looks: [][]string{{}}}, wait: time.Hour, pause: time.Hour}
	if _, err := r.read(ctx, testTrace); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestList(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ StartTime, EndTime float64 }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/TraceSummaries" || in.EndTime-in.StartTime != 60 {
			t.Errorf("asked %s for %+v, %v", r.URL.Path, in, err)
		}
		_, _ = w.Write([]byte(`{"TraceSummaries":[
			{"Id":"1-00000001-000000000000000000000001","StartTime":1795375897,"Duration":0.0125,"HasFault":true,"HasError":true,"Http":{"HttpMethod":"GET","HttpURL":"http://h/api/user","HttpStatus":502}},
			{"Id":"1-00000002-000000000000000000000002","StartTime":1795375898,"Duration":0.5,"EntryPoint":{"Name":"bri\u001bdge"},"Http":{"HttpStatus":200}},
			{"Id":"1-00000003-000000000000000000000003","StartTime":1795375896,"Duration":1}]}`))
	}))
	t.Cleanup(srv.Close)
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": srv.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	var out bytes.Buffer
	cmd := Command()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"list", "--since", "1m", "--limit", "2"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	want := `ID                                   TIME                  TOOK     STATUS  WHAT
1-00000002-000000000000000000000002  2026-11-22T19:31:38Z  500 ms   ok      bri` + "\uFFFD" + `dge
1-00000001-000000000000000000000001  2026-11-22T19:31:37Z  12.5 ms  fault   GET http://h/api/user  502
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

// Documents are other people's: whatever they hold, there is a tree to print.
func FuzzGrow(f *testing.F) {
	f.Add(part1(""), part2, orphan)
	f.Add(part1(`,"subsegments":[{"id":"0000000000000001","parent_id":"0000000000000002"}]`), part2, part2)
	f.Add(`{"id":"a","parent_id":"b","inferred":true}`, `{"id":"b","parent_id":"a","start_time":-1e300}`, `null`)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		tree, err := grow(testTrace, []string{a, b, c})
		if err != nil {
			return
		}
		if err := errors.Join(printTree(&bytes.Buffer{}, tree), printJSON(&bytes.Buffer{}, tree)); err != nil {
			t.Fatal(err)
		}
	})
}
