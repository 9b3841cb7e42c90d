package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the result. With a gate, ours must be at least so many times smaller
// than base, the twin's figure. With a limit, ours may be at most so many times base, the
// empty function's figure, or without a base at most the limit. Without either, the row
// informs.
type row struct {
	name        string
	base, ours  float64
	unit        string
	gate, limit float64
}

// margin says by how much a row holds: 1 is exactly enough, less is missed.
func (r row) margin() float64 {
	switch {
	case r.ours == 0:
		return 0
	case r.limit > 0 && r.base > 0:
		return r.limit * r.base / r.ours
	case r.limit > 0:
		return r.limit / r.ours
	default:
		return r.base / r.ours / r.gate
	}
}

// printTable writes the table and returns the names of what is missed.
func printTable(w io.Writer, rows []row) []string {
	var missed []string
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "measure\tagainst\tours\tratio\twanted\tmargin\t")
	for _, r := range rows {
		against, ratio := fmt.Sprintf("%.2f %s", r.base, r.unit), fmt.Sprintf("%.1fx", r.base/r.ours)
		wanted, verdict := fmt.Sprintf(">= %gx", r.gate), "met"
		switch {
		case r.limit > 0 && r.base > 0:
			ratio, wanted = fmt.Sprintf("%.2fx", r.ours/r.base), fmt.Sprintf("<= %gx", r.limit)
		case r.limit > 0:
			against, ratio, wanted = "", "", fmt.Sprintf("<= %g %s", r.limit, r.unit)
		}
		margin := fmt.Sprintf("%+.0f%%", (r.margin()-1)*100)
		switch {
		case r.gate == 0 && r.limit == 0:
			wanted, margin, verdict = "", "", ""
		case r.margin() < 1:
			verdict = "MISSED"
			missed = append(missed, r.name)
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%.2f %s\t%s\t%s\t%s\t%s\n", r.name, against, r.ours, r.unit, ratio, wanted, margin, verdict)
	}
	_ = t.Flush()
	return missed
}

// figures are those of a variant's processes. Each time is that of the process which
// other work on the machine disturbed least, because it can only add.
type figures struct {
	init, initCPU, first, p50, p99, cpu, spacedCPU, rss float64 // ms and MB
	slowFirst, slowP50, slowP99                         float64
}

// summarize takes the samples of starts, of calls, and of calls at 128 MB.
func summarize(cold, full, slow []sample) figures {
	all := func(samples []sample, of func(sample) time.Duration) []float64 {
		values := make([]float64, 0, len(samples))
		for _, s := range samples {
			values = append(values, float64(of(s))/float64(time.Millisecond))
		}
		return values
	}
	ms := func(samples []sample, of func(sample) time.Duration) float64 { return least(all(samples, of)) }
	rss := make([]float64, 0, len(full))
	for _, s := range full {
		rss = append(rss, float64(s.rssKB)/1024)
	}
	return figures{
		init:      ms(cold, func(s sample) time.Duration { return s.init }),
		initCPU:   ms(cold, func(s sample) time.Duration { return s.initCPU }),
		first:     ms(cold, func(s sample) time.Duration { return s.first }),
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

func least(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Min(values)
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
	_, _ = fmt.Fprintln(t, "variant\tinit ms\tits CPU ms\tfirst ms\twarm p50 ms\tp99 ms\tCPU ms\tCPU spaced ms\tRSS MB\t128 MB: first ms\tp50 ms\tp99 ms")
	for _, name := range names {
		f := of[name]
		cells := []string{name}
		for _, v := range []float64{f.init, f.initCPU, f.first, f.p50, f.p99, f.cpu, f.spacedCPU, f.rss, f.slowFirst, f.slowP50, f.slowP99} {
			cells = append(cells, fmt.Sprintf("%.2f", v))
		}
		_, _ = fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	_ = t.Flush()
}
