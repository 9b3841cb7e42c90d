package telemetry

// Gap: CloudWatch Logs turns lines in the embedded metric format into metrics; the
// emulator does not. Delete this file when it extracts them.
// Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// Limits of the format: what exceeds them is not a metric on AWS either.
const (
	emfDimensions = 30
	emfMetrics    = 100
	emfValues     = 100
)

// metricBatch is one PutMetricData request.
type metricBatch struct {
	Namespace  string
	MetricData []datum
}

type datum struct {
	MetricName        string
	Dimensions        []dimension `json:",omitempty"`
	Timestamp         float64
	Unit              string
	Values            []float64
	Counts            []float64
	StorageResolution int `json:",omitempty"`
}

type dimension struct{ Name, Value string }

type emfDirective struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []struct {
		Name              string
		Unit              string
		StorageResolution int
	}
}

// parseEMF reads the metrics of one log line, one batch per namespace directive; a
// line that is not in the format has none.
func parseEMF(line string) []metricBatch {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "{") || !strings.Contains(line, `"_aws"`) {
		return nil
	}
	var root map[string]json.RawMessage
	var meta struct {
		Timestamp         *int64
		CloudWatchMetrics []emfDirective
	}
	if json.Unmarshal([]byte(line), &root) != nil || json.Unmarshal(root["_aws"], &meta) != nil || meta.Timestamp == nil {
		return nil
	}
	var batches []metricBatch
	for _, d := range meta.CloudWatchMetrics {
		if data := d.data(root, float64(*meta.Timestamp)/1000); len(data) > 0 {
			batches = append(batches, metricBatch{Namespace: d.Namespace, MetricData: data})
		}
	}
	return batches
}

// data makes one datum of each metric for each of the dimension sets.
func (d emfDirective) data(root map[string]json.RawMessage, seconds float64) []datum {
	if d.Namespace == "" || len(d.Metrics) > emfMetrics {
		return nil
	}
	sets := d.Dimensions
	if len(sets) == 0 {
		sets = [][]string{{}}
	}
	var all []datum
	for _, set := range sets {
		dimensions, ok := dimensionsOf(set, root)
		if !ok {
			continue
		}
		for _, m := range d.Metrics {
			values := valuesOf(root[m.Name])
			if m.Name == "" || len(values) == 0 || m.StorageResolution != 0 && m.StorageResolution != 1 && m.StorageResolution != 60 {
				continue
			}
			unit := cmp.Or(m.Unit, "None")
			if !slices.Contains(emfUnits, unit) {
				continue
			}
			distinct, counts := tally(values)
			all = append(all, datum{
				MetricName: m.Name, Dimensions: dimensions, Timestamp: seconds, Unit: unit,
				Values: distinct, Counts: counts, StorageResolution: m.StorageResolution,
			})
		}
	}
	return all
}

func dimensionsOf(set []string, root map[string]json.RawMessage) ([]dimension, bool) {
	if len(set) > emfDimensions {
		return nil, false
	}
	var dimensions []dimension
	for _, name := range set {
		var value string
		if json.Unmarshal(root[name], &value) != nil || value == "" {
			return nil, false
		}
		dimensions = append(dimensions, dimension{name, value})
	}
	return dimensions, true
}

// valuesOf reads a number, or an array of them.
func valuesOf(raw json.RawMessage) []float64 {
	var one *float64
	if json.Unmarshal(raw, &one) == nil && one != nil {
		return []float64{*one}
	}
	var many []float64
	if json.Unmarshal(raw, &many) != nil || len(many) > emfValues {
		return nil
	}
	return many
}

// tally turns repeated values into a value and its count, as PutMetricData wants.
func tally(values []float64) (distinct, counts []float64) {
	for _, v := range values {
		if i := slices.Index(distinct, v); i >= 0 {
			counts[i]++
			continue
		}
		distinct, counts = append(distinct, v), append(counts, 1)
	}
	return distinct, counts
}

// emfUnits are the units that CloudWatch knows.
var emfUnits = strings.Fields(`None Count Percent Seconds Microseconds Milliseconds
	Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits Gigabits Terabits Count/Second
	Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second
	Bits/Second Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second`)
