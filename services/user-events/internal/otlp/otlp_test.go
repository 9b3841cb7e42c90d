package otlp_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/otlp"
)

var (
	from = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	to   = from.Add(40 * time.Millisecond)
)

// keys are credentials, or the error of getting them.
type keys struct{ err error }

func (k keys) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}, k.err
}

// endpoint answers as CloudWatch does, and keeps what it got.
type endpoint struct {
	status int
	answer string
	header http.Header
	path   string
	body   []byte
	calls  int
}

func newExporter(t *testing.T, e *endpoint) *otlp.Exporter {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.calls++
		e.header, e.path = r.Header, r.URL.Path
		e.body, _ = io.ReadAll(r.Body)
		w.WriteHeader(e.status)
		_, _ = io.WriteString(w, e.answer)
	}))
	t.Cleanup(server.Close)
	return &otlp.Exporter{
		URL: server.URL + "/v1/metrics", Region: "eu-central-1", Credentials: keys{}, Client: server.Client(), Environment: "test", Instance: "4f2a",
	}
}

func texts(attributes []*commonpb.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range attributes {
		out[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return out
}

// point is one data point as the endpoint reads it.
type point struct {
	Name, Unit       string
	Labels           map[string]string
	N                int64
	Start, End       uint64
	Delta, Monotonic bool
}

func TestExport(t *testing.T) {
	t.Parallel()
	e := &endpoint{status: http.StatusOK}
	err := newExporter(t, e).Export(t.Context(), from, to, map[metrics.Series]int{
		{Name: "SignInsFailed", Reason: "code-wrong", Client: "c1", Factor: "email-otp"}: 3,
		{Name: "SignInsFailed", Reason: "code-wrong", Client: "c1", Factor: "sms-otp"}:   1,
		{Name: "Findings", Rule: "signup-burst"}:                                         2,
	})
	if err != nil {
		t.Fatal(err)
	}
	var got metricspb.MetricsData
	if err := proto.Unmarshal(e.body, &got); err != nil || len(got.GetResourceMetrics()) != 1 {
		t.Fatalf("%v, %d resources", err, len(got.GetResourceMetrics()))
	}
	resource := got.GetResourceMetrics()[0]
	wantResource := map[string]string{
		"service.namespace": "gatehouse", "service.name": "user-events-metrics", "deployment.environment.name": "test", "service.instance.id": "4f2a",
	}
	if diff := cmp.Diff(wantResource, texts(resource.GetResource().GetAttributes())); diff != "" {
		t.Errorf("resource (-want +got):\n%s", diff)
	}
	var points []point
	for _, m := range resource.GetScopeMetrics()[0].GetMetrics() {
		for _, p := range m.GetSum().GetDataPoints() {
			points = append(points, point{
				m.GetName(), m.GetUnit(), texts(p.GetAttributes()), p.GetAsInt(), p.GetStartTimeUnixNano(), p.GetTimeUnixNano(),
				m.GetSum().GetAggregationTemporality() == metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA, m.GetSum().GetIsMonotonic(),
			})
		}
	}
	start, end := uint64(from.UnixNano()), uint64(to.UnixNano())
	want := []point{
		{"Findings", "{event}", map[string]string{"rule": "signup-burst"}, 2, start, end, true, true},
		{"SignInsFailed", "{event}", map[string]string{"reason": "code-wrong", "client": "c1", "factor": "email-otp"}, 3, start, end, true, true},
		{"SignInsFailed", "{event}", map[string]string{"reason": "code-wrong", "client": "c1", "factor": "sms-otp"}, 1, start, end, true, true},
	}
	if diff := cmp.Diff(want, points); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
}

// The signature is for the service of the endpoint, and covers the body.
func TestExportIsSigned(t *testing.T) {
	t.Parallel()
	e := &endpoint{status: http.StatusOK}
	x := newExporter(t, e)
	counts := map[metrics.Series]int{{Name: "UsersCreated"}: 1}
	if err := x.Export(t.Context(), from, to, counts); err != nil {
		t.Fatal(err)
	}
	authorization := e.header.Get("Authorization")
	if !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-central-1/monitoring/aws4_request, ") ||
		!strings.Contains(authorization, "x-amz-security-token") {
		t.Errorf("Authorization: %s", authorization)
	}
	if e.path != "/v1/metrics" || e.header.Get("Content-Type") != "application/x-protobuf" || e.header.Get("X-Amz-Date") != "20261122T120000Z" {
		t.Errorf("%s %v", e.path, e.header)
	}
	sum := sha256.Sum256(e.body)
	counts[metrics.Series{Name: "UsersCreated"}] = 2
	if err := x.Export(t.Context(), from, to, counts); err != nil || e.header.Get("Authorization") == authorization {
		t.Errorf("%v; the signature does not depend on the body %s", err, hex.EncodeToString(sum[:]))
	}
	if err := x.Export(t.Context(), from, to, nil); err != nil || e.calls != 2 {
		t.Errorf("%v, %d calls: want none without counts", err, e.calls)
	}
}

func TestExportErrors(t *testing.T) {
	t.Parallel()
	counts := map[metrics.Series]int{{Name: "UsersCreated"}: 1}
	for name, tc := range map[string]struct {
		status  int
		answer  string
		change  func(*otlp.Exporter)
		want    string // of the error; empty means none
		another string // what the error must not have
	}{
		"accepted":              {status: 200},
		"with_a_warning":        {status: 200, answer: "\x0a\x06\x12\x04long"},
		"with_another_field":    {status: 200, answer: "\x10\x01"},
		"refused_in_part":       {status: 200, answer: "\x0a\x0d\x08\x02\x12\x09erika@x.y", want: "refused 2 data points", another: "erika"},
		"an_answer_in_words":    {status: 200, answer: "{}"},
		"cut_off":               {status: 200, answer: "\x0a\x7f\x08"},
		"not_allowed":           {status: 403, answer: "erika@example.org", want: "answers 403", another: "erika"},
		"throttled":             {status: 429, want: "answers 429"},
		"without_credentials":   {status: 200, change: func(e *otlp.Exporter) { e.Credentials = keys{errors.New("none")} }, want: "credentials.Retrieve"},
		"nobody_answers":        {status: 200, change: func(e *otlp.Exporter) { e.URL = "http://127.0.0.1:1/v1/metrics" }, want: "http.Client.Do"},
		"an_address_that_fails": {status: 200, change: func(e *otlp.Exporter) { e.URL = ":" }, want: "http.NewRequestWithContext"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &endpoint{status: tc.status, answer: tc.answer}
			x := newExporter(t, e)
			if tc.change != nil {
				tc.change(x)
			}
			err := x.Export(t.Context(), from, to, counts)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("error: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("error: %v, want %q", err, tc.want)
			case tc.another != "" && strings.Contains(err.Error(), tc.another):
				t.Errorf("the error quotes the answer: %v", err)
			}
			if e.calls > 1 {
				t.Errorf("%d attempts", e.calls)
			}
		})
	}
}

// An endpoint that hangs costs a second, whatever time the invocation has left.
func TestExportEnds(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	x := &otlp.Exporter{URL: server.URL, Region: "eu-central-1", Credentials: keys{}, Client: server.Client()}
	start := time.Now()
	if err := x.Export(t.Context(), from, to, map[metrics.Series]int{{Name: "UsersCreated"}: 1}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error after %v: %v", time.Since(start), err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("\x0a\x02\x08\x02"))
	f.Add([]byte("\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		x := &otlp.Exporter{URL: "http://metrics.test/v1/metrics", Region: "eu-central-1", Credentials: keys{}, Client: &http.Client{Transport: answers(answer)}}
		_ = x.Export(t.Context(), from, to, map[metrics.Series]int{{Name: "UsersCreated"}: 1})
	})
}

// answers is an endpoint that answers with these bytes.
type answers []byte

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(a)))}, nil
}

// The README's price is computed with this size of a request with one data point, which is
// the longest: with more, they share the resource.
func TestSizeOfADataPoint(t *testing.T) {
	t.Parallel()
	e := &endpoint{status: http.StatusOK}
	x := newExporter(t, e)
	x.Environment, x.Instance = "production", "ABCDEFGH"
	longest := metrics.Series{Name: "SignInsFailed", Reason: "wrong-password-or-unknown-user", Client: "1example23456789example0001", Factor: "device-password-verifier"}
	if err := x.Export(t.Context(), from, to, map[metrics.Series]int{longest: 1}); err != nil {
		t.Fatal(err)
	}
	if n := len(e.body); n < 250 || n > 400 {
		t.Errorf("%d bytes, want about 350", n)
	}
	t.Logf("%d bytes", len(e.body))
}
