// Package emf writes metrics in CloudWatch's embedded metric format: a log line
// becomes a metric, and the function makes no call
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
//
// It is written by hand because no maintained Go library for the format exists.
package emf

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Namespace of every metric of Gatehouse.
const Namespace = "Gatehouse"

// Units that Gatehouse uses, as CloudWatch names them.
const (
	Count        = "Count"
	Milliseconds = "Milliseconds"
	Seconds      = "Seconds"
)

// Dimension is a name and a value in addition to Environment. Each combination is
// a metric of its own and is billed as one: use few.
type Dimension struct{ Name, Value string }

// Batch adds up values until Flush writes them, one line for each set of
// dimensions. The zero value is not ready; use New.
type Batch struct {
	environment string
	groups      map[string]*group
}

type group struct {
	dims   []Dimension
	values map[string]*value
}

// value is the sum of a count, or every single value of another unit.
type value struct {
	unit   string
	values []float64
}

// New starts an empty batch for an environment such as "production".
func New(environment string) *Batch {
	return &Batch{environment: environment, groups: map[string]*group{}}
}

// maxValues is how many values of one metric a line may hold.
const maxValues = 100

// Add adds n to a metric. Counts of one name and the same dimensions are summed;
// values of any other unit are kept one by one, because the sum of two durations
// means nothing. A dimension whose value is not printable ASCII and a value that is not a
// number are left out: CloudWatch refuses the whole line, and with it other metrics.
func (b *Batch) Add(name, unit string, n float64, dims ...Dimension) {
	if math.IsNaN(n) || math.IsInf(n, 0) || slices.ContainsFunc(dims, func(d Dimension) bool { return !isValue(d.Value) }) {
		return
	}
	dims = slices.Clone(dims)
	slices.SortFunc(dims, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
	key := fmt.Sprintf("%q", dims)
	g := b.groups[key]
	if g == nil {
		g = &group{dims: dims, values: map[string]*value{}}
		b.groups[key] = g
	}
	v := g.values[name]
	if v == nil {
		v = &value{unit: unit}
		g.values[name] = v
	}
	if unit == Count && len(v.values) == 1 {
		v.values[0] += n
		return
	}
	v.values = append(v.values, n)
}

// maxDimension is the longest value of a dimension that CloudWatch accepts.
const maxDimension = 1024

// isValue reports what CloudWatch accepts as the value of a dimension: ASCII without
// control characters, and not only white space
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html).
func isValue(s string) bool {
	return len(s) <= maxDimension && strings.Trim(s, " ") != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// Flush writes the batch, stamped with now, and empties it. After an error it
// holds what was not written, so that nothing counts twice.
func (b *Batch) Flush(w io.Writer, now time.Time) error {
	for _, key := range slices.Sorted(maps.Keys(b.groups)) {
		for g := b.groups[key]; len(g.values) > 0; {
			line, err := json.Marshal(b.line(g, now))
			if err != nil {
				return fmt.Errorf("json.Marshal: %w", err)
			}
			if _, err := w.Write(append(line, '\n')); err != nil {
				return fmt.Errorf("write metrics: %w", err)
			}
			g.written()
		}
		delete(b.groups, key)
	}
	return nil
}

// written drops the values that one line holds.
func (g *group) written() {
	for name, v := range g.values {
		if v.values = v.values[min(maxValues, len(v.values)):]; len(v.values) == 0 {
			delete(g.values, name)
		}
	}
}

// line is one log line. It has a level because Lambda drops lines without one when
// the application log level is raised.
func (b *Batch) line(g *group, now time.Time) map[string]any {
	names := []string{"Environment"}
	out := map[string]any{"Environment": b.environment, "level": "INFO"}
	for _, d := range g.dims {
		names = append(names, d.Name)
		out[d.Name] = d.Value
	}
	defs := make([]map[string]string, 0, len(g.values))
	for _, name := range slices.Sorted(maps.Keys(g.values)) {
		defs = append(defs, map[string]string{"Name": name, "Unit": g.values[name].unit})
		out[name] = g.values[name].onLine()
	}
	out["_aws"] = map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []map[string]any{{
			"Namespace": Namespace, "Dimensions": [][]string{names}, "Metrics": defs,
		}},
	}
	return out
}

// onLine is a number, or an array if there are several.
func (v *value) onLine() any {
	if len(v.values) == 1 {
		return v.values[0]
	}
	return v.values[:min(maxValues, len(v.values))]
}
