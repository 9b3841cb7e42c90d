package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the result: how many times better than the twin, or a limit of an
// absolute figure.
type row struct {
	name       string
	twin, ours float64
	unit       string
	gate       float64
	isCap      bool
}

func (r row) ratio() float64 {
	if r.ours == 0 {
		return 0
	}
	return r.twin / r.ours
}

func (r row) met() bool {
	if r.isCap {
		return r.ours <= r.gate
	}
	return r.ratio() >= r.gate
}

// printTable writes the table and returns the names of the missed gates.
func printTable(w io.Writer, rows []row) []string {
	var missed []string
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "measure\ttwin\tours\tratio\tgate\t")
	for _, r := range rows {
		verdict := "met"
		if !r.met() {
			verdict = "MISSED"
			missed = append(missed, r.name)
		}
		if r.isCap {
			_, _ = fmt.Fprintf(t, "%s\t\t%.2f %s\t\t<= %g %s\t%s\n", r.name, r.ours, r.unit, r.gate, r.unit, verdict)
			continue
		}
		_, _ = fmt.Fprintf(t, "%s\t%.2f %s\t%.2f %s\t%.1fx\t%gx\t%s\n", r.name, r.twin, r.unit, r.ours, r.unit, r.ratio(), r.gate, verdict)
	}
	_ = t.Flush()
	return missed
}

// figures are the medians of a variant's processes.
type figures struct {
	init, first, p50, p99, cpu, spacedCPU, rss float64 // ms and MB
	slowFirst, slowP50, slowP99                float64
}

func summarize(full, slow []sample) figures {
	ms := func(samples []sample, of func(sample) time.Duration) float64 {
		values := make([]float64, 0, len(samples))
		for _, s := range samples {
			values = append(values, float64(of(s))/float64(time.Millisecond))
		}
		return median(values)
	}
	rss := make([]float64, 0, len(full))
	for _, s := range full {
		rss = append(rss, float64(s.rssKB)/1024)
	}
	return figures{
		init:      ms(full, func(s sample) time.Duration { return s.init }),
		first:     ms(full, func(s sample) time.Duration { return s.first }),
		p50:       ms(full, func(s sample) time.Duration { return quantile(s.warm, 0.50) }),
		p99:       ms(full, func(s sample) time.Duration { return quantile(s.warm, 0.99) }),
		cpu:       ms(full, func(s sample) time.Duration { return s.warmCPU }),
		spacedCPU: ms(full, func(s sample) time.Duration { return s.spacedCPU }),
		rss:       median(rss),
		slowFirst: ms(slow, func(s sample) time.Duration { return s.slowFirst }),
		slowP50:   ms(slow, func(s sample) time.Duration { return quantile(s.slow, 0.50) }),
		slowP99:   ms(slow, func(s sample) time.Duration { return quantile(s.slow, 0.99) }),
	}
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// plain prints every figure of every variant.

func plain(w io.Writer, names []string, of map[string]figures) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "variant\tinit ms\tfirst ms\twarm p50 ms\tp99 ms\tCPU ms\tCPU spaced ms\tRSS MB\t128 MB: first ms\tp50 ms\tp99 ms")
	for _, name := range names {
		f := of[name]
		cells := []string{name}
		for _, v := range []float64{f.init, f.first, f.p50, f.p99, f.cpu, f.spacedCPU, f.rss, f.slowFirst, f.slowP50, f.slowP99} {
			cells = append(cells, fmt.Sprintf("%.2f", v))
		}
		_, _ = fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	_ = t.Flush()
}
