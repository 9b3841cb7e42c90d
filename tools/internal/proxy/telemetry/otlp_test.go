package telemetry

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// exported is a request with one data point.
func exported(t *testing.T, temporality metricspb.AggregationTemporality) string {
	t.Helper()
	label := func(name, value string) *commonpb.KeyValue {
		return &commonpb.KeyValue{Key: name, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
	}
	body, err := proto.Marshal(&metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{ScopeMetrics: []*metricspb.ScopeMetrics{{
		Metrics: []*metricspb.Metric{{Name: "SignInsFailed", Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{
			AggregationTemporality: temporality, DataPoints: []*metricspb.NumberDataPoint{{
				Attributes: []*commonpb.KeyValue{label("reason", "code-wrong"), label("client", "web"), label("factor", "software-token-mfa")},
				// 2026-11-30T12:00:00.5Z
				TimeUnixNano: 1796040000_500000000, Value: &metricspb.NumberDataPoint_AsInt{AsInt: 3},
			}},
		}}}},
	}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestOpenTelemetryMetricsAreKept with their labels as dimensions.
func TestOpenTelemetryMetricsAreKept(t *testing.T) {
	t.Parallel()
	delta := exported(t, metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA)
	for name, tc := range map[string]struct {
		method, kind, body string
		down               bool
		want, puts         int
	}{
		"point":      {"POST", "application/x-protobuf", delta, false, 200, 1},
		"nothing":    {"POST", "application/x-protobuf", "", false, 200, 0},
		"cumulative": {"POST", "application/x-protobuf", exported(t, metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE), false, 400, 0},
		"json":       {"POST", "application/json", "{}", false, 415, 0},
		"get":        {"GET", "application/x-protobuf", "", false, 415, 0},
		"garbage":    {"POST", "application/x-protobuf", "\xff", false, 400, 0},
		"too_long":   {"POST", "application/x-protobuf", strings.Repeat("a", maxOTLP+1), false, 413, 0},
		"down":       {"POST", "application/x-protobuf", delta, true, 503, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var put []metricBatch
			emulator := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var in metricBatch
				_ = json.NewDecoder(r.Body).Decode(&in)
				put = append(put, in)
				if tc.down {
					w.WriteHeader(http.StatusInternalServerError)
				}
			}))
			t.Cleanup(emulator.Close)
			r := httptest.NewRequest(tc.method, otlpPath, bytes.NewReader([]byte(tc.body)))
			r.Header.Set("Content-Type", tc.kind)
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20261130/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=00")
			w := httptest.NewRecorder()
			NewOTLP(upstreamtest.Upstream(t, emulator.URL), slog.New(slog.DiscardHandler)).Handler(r)(w, r)
			if w.Code != tc.want || len(put) != tc.puts {
				t.Fatalf("status %d, %d puts; want %d, %d", w.Code, len(put), tc.want, tc.puts)
			}
			if tc.puts == 0 {
				return
			}
			want := []metricBatch{{Namespace: "OpenTelemetry", MetricData: []datum{{
				MetricName: "SignInsFailed", Timestamp: 1796040000.5, Unit: "Count", Values: []float64{3}, Counts: []float64{1},
				Dimensions: []dimension{{"reason", "code-wrong"}, {"client", "web"}, {"factor", "software-token-mfa"}},
			}}}}
			if diff := cmp.Diff(want, put); diff != "" {
				t.Errorf("put (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOtherRequestsAreNotOfOpenTelemetry: the path alone does not tell.
func TestOtherRequestsAreNotOfOpenTelemetry(t *testing.T) {
	t.Parallel()
	o := NewOTLP(nil, nil)
	for path, service := range map[string]string{otlpPath: "s3", "/v1/metrics/": "monitoring", "/": "monitoring"} {
		r := httptest.NewRequest(http.MethodPost, path, nil)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20261130/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=00")
		if o.Handler(r) != nil {
			t.Errorf("%s of %s is answered", path, service)
		}
	}
}
