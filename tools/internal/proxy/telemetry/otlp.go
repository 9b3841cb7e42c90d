package telemetry

// Gap: CloudWatch has an endpoint for OpenTelemetry metrics, and the emulator has none. Delete
// this file when it takes them.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/metrics-otel-send.html

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"gatehouse.example/tools/internal/proxy/upstream"
)

const (
	otlpPath = "/v1/metrics"
	// otlpNamespace has the data points as metrics, with a dimension for each label. On AWS they
	// are in no namespace: queries in PromQL find them.
	otlpNamespace = "OpenTelemetry"
	maxOTLP       = 1 << 20 // of a body
)

// OTLP takes OpenTelemetry metrics.
type OTLP struct {
	up  *upstream.Client
	log *slog.Logger
}

// NewOTLP puts the metrics that it takes into the emulator.
func NewOTLP(up *upstream.Client, log *slog.Logger) *OTLP { return &OTLP{up: up, log: log} }

// Handler answers requests to the endpoint; it is nil for every other request. Neither the
// signature nor a permission is checked.
func (o *OTLP) Handler(r *http.Request) http.HandlerFunc {
	if _, service := upstream.Credential(r); r.URL.Path != otlpPath || service != "monitoring" {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		status, err := o.take(r.Context(), r)
		if err != nil {
			o.log.Warn("OpenTelemetry metrics refused", "error", err.Error())
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.WriteHeader(status)
	}
}

// take keeps the data points of a request and returns the status of the answer.
func (o *OTLP) take(ctx context.Context, r *http.Request) (int, error) {
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-protobuf" {
		return http.StatusUnsupportedMediaType, errors.New("not a POST of application/x-protobuf")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxOTLP+1))
	if err != nil || len(body) > maxOTLP {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("a body above %d bytes, or %w", maxOTLP, err)
	}
	var sent metricspb.MetricsData
	if err := proto.Unmarshal(body, &sent); err != nil {
		return http.StatusBadRequest, fmt.Errorf("proto.Unmarshal: %w", err)
	}
	batch := metricBatch{Namespace: otlpNamespace}
	for _, resource := range sent.GetResourceMetrics() {
		for _, scope := range resource.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				sum := m.GetSum()
				if sum.GetAggregationTemporality() != metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA {
					return http.StatusBadRequest, errors.New("a metric that is not a sum of one batch")
				}
				for _, p := range sum.GetDataPoints() {
					batch.MetricData = append(batch.MetricData, pointOf(m.GetName(), p))
				}
			}
		}
	}
	if len(batch.MetricData) == 0 {
		return http.StatusOK, nil
	}
	if err := o.up.JSON(ctx, "monitoring", "GraniteServiceVersion20100801.PutMetricData", batch, nil); err != nil {
		return http.StatusServiceUnavailable, fmt.Errorf("PutMetricData: %w", err)
	}
	return http.StatusOK, nil
}

func pointOf(name string, p *metricspb.NumberDataPoint) datum {
	d := datum{
		MetricName: name, Timestamp: float64(p.GetTimeUnixNano()) / float64(time.Second), Unit: "Count",
		Values: []float64{float64(p.GetAsInt())}, Counts: []float64{1},
	}
	for _, label := range p.GetAttributes() {
		d.Dimensions = append(d.Dimensions, dimension{label.GetKey(), label.GetValue().GetStringValue()})
	}
	return d
}
