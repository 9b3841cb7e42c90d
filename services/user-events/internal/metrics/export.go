package metrics

import (
	"context"
	"time"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
)

// Series is a metric with labels, some of which are empty. The values of a label are few:
// codes of this repository, and the pool's clients. None is about a user.
type Series struct {
	// Name is that of the metric, as in the embedded format.
	Name string
	// Reason is that of a refusal or a failure, Factor the step of a sign-in that failed.
	Reason, Client, Factor string
	// Rule is that of a finding.
	Rule string
}

// of is the series of a metric with these labels. A value that is not a name, or is too long,
// is left out: it would be a series of its own.
func (s Series) of(name string) Series {
	for _, label := range []*string{&s.Reason, &s.Client, &s.Factor, &s.Rule} {
		if len(*label) > maxName || !consume.IsName(*label) {
			*label = ""
		}
	}
	s.Name = name
	return s
}

// Exporter takes the counts of the time between from and to, in addition to the log lines.
type Exporter interface {
	Export(ctx context.Context, from, to time.Time, counts map[Series]int) error
}

// ExportsFailed counts batches whose counts the exporter did not take. They are in the other
// metrics all the same.
const ExportsFailed = "MetricExportsFailed"

// export hands the counts of a batch to the exporter. The events are claimed, so a failure
// is logged and counted, and changes nothing else.
func (c *Counter) export(ctx context.Context, from time.Time, counts map[Series]int, out *emf.Batch) {
	if c.Exporter == nil {
		return
	}
	err := c.Exporter.Export(ctx, from, c.Now(), counts)
	if err == nil {
		out.Add(ExportsFailed, emf.Count, 0)
		return
	}
	out.Add(ExportsFailed, emf.Count, 1)
	c.Log.ErrorContext(ctx, "counts not exported; the metrics of the log lines have them", "series", len(counts), "error", err.Error())
}
