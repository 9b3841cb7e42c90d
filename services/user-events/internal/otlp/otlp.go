// Package otlp sends the counts of the metrics function to CloudWatch's endpoint for
// OpenTelemetry metrics
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/metrics-otel-send.html).
// AWS bills what is sent there by its size and not by combinations of labels, so that
// labels can be combined which would cost too much as dimensions.
//
// A process of the function lives as long as AWS likes and does not know what others have
// counted. So each request has the counts of one batch alone (delta temporality), and the
// process is named: a series must have one writer
// (https://opentelemetry.io/docs/specs/otel/metrics/data-model/#single-writer).
package otlp

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"gatehouse.example/services/user-events/internal/metrics"
)

// Path is that of the endpoint.
const Path = "/v1/metrics"

// timeout bounds one request, with its connection.
const timeout = time.Second

// service is the name that requests are signed for.
const service = "monitoring"

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// Exporter sends counts. Its fields are set once, before the first use.
type Exporter struct {
	// URL is the endpoint, which ends in /v1/metrics.
	URL, Region string
	Credentials aws.CredentialsProvider
	Client      *http.Client
	Environment string
	// Instance names the process: each has series of its own.
	Instance string
}

// Export sends the counts of the time between from and to. There is one attempt: a second
// one could count twice, because the endpoint does not say that it knows a request.
func (e *Exporter) Export(ctx context.Context, from, to time.Time, counts map[metrics.Series]int) error {
	if len(counts) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	body, err := proto.Marshal(e.request(from, to, counts))
	if err != nil {
		return fmt.Errorf("proto.Marshal: %w", err)
	}
	req, err := e.signed(ctx, body, to)
	if err != nil {
		return err
	}
	res, err := e.Client.Do(req)
	if err != nil {
		return fmt.Errorf("http.Client.Do: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("otlp: the endpoint answers %d", res.StatusCode)
	case err != nil:
		return fmt.Errorf("io.ReadAll: %w", err)
	}
	if n := rejected(answer); n > 0 {
		return fmt.Errorf("otlp: the endpoint refused %d data points", n)
	}
	return nil
}

// signed is the request with a signature for the endpoint.
func (e *Exporter) signed(ctx context.Context, body []byte, now time.Time) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("http.NewRequestWithContext: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	credentials, err := e.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("credentials.Retrieve: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), service, e.Region, now); err != nil {
		return nil, fmt.Errorf("signer.SignHTTP: %w", err)
	}
	return req, nil
}

// request has the fields of an ExportMetricsServiceRequest, whose package links gRPC
// (https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto).
func (e *Exporter) request(from, to time.Time, counts map[metrics.Series]int) *metricspb.MetricsData {
	points := map[string][]*metricspb.NumberDataPoint{}
	// Sorted, so that a request depends on the counts alone.
	for _, s := range slices.SortedFunc(maps.Keys(counts), compare) {
		points[s.Name] = append(points[s.Name], &metricspb.NumberDataPoint{
			Attributes:        attributes("reason", s.Reason, "client", s.Client, "factor", s.Factor, "rule", s.Rule),
			StartTimeUnixNano: uint64(from.UnixNano()), TimeUnixNano: uint64(to.UnixNano()),
			Value: &metricspb.NumberDataPoint_AsInt{AsInt: int64(counts[s])},
		})
	}
	var sums []*metricspb.Metric
	for _, name := range slices.Sorted(maps.Keys(points)) {
		sums = append(sums, &metricspb.Metric{Name: name, Unit: "{event}", Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{
			DataPoints: points[name], IsMonotonic: true, AggregationTemporality: metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA,
		}}})
	}
	return &metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{
		Resource: &resourcepb.Resource{Attributes: attributes(
			"service.namespace", "gatehouse", "service.name", "user-events-metrics",
			"deployment.environment.name", e.Environment, "service.instance.id", e.Instance,
		)},
		ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: sums}},
	}}}
}

func compare(a, b metrics.Series) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Client, b.Client),
		cmp.Compare(a.Factor, b.Factor), cmp.Compare(a.Rule, b.Rule))
}

// attributes are pairs of a name and a value; one without a value is left out.
func attributes(pairs ...string) []*commonpb.KeyValue {
	var out []*commonpb.KeyValue
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			out = append(out, &commonpb.KeyValue{Key: pair[0], Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: pair[1]}}})
		}
	}
	return out
}

// rejected is how many data points an answer says were refused: the first field of its
// first field. Its text is not read, because it can quote what was sent
// (https://opentelemetry.io/docs/specs/otlp/#partial-success-1).
func rejected(answer []byte) uint64 {
	partial, _ := protowire.ConsumeBytes(field(answer, protowire.BytesType))
	n, _ := protowire.ConsumeVarint(field(partial, protowire.VarintType))
	return n
}

// field is what follows the tag of the first field of a message; nothing if it has another
// type, or there is none.
func field(message []byte, want protowire.Type) []byte {
	for len(message) > 0 {
		number, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil
		}
		if message = message[n:]; number == 1 && typ == want {
			return message
		}
		if n = protowire.ConsumeFieldValue(number, typ, message); n < 0 {
			return nil
		}
		message = message[n:]
	}
	return nil
}
