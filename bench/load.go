package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// The gates. rules/templates computes capacities from perCore.
const (
	perCore   = 5000                  // events a second and core, at least
	maxBatch  = 60 * time.Millisecond // a batch of 50 at 5 ms a call, at most
	maxGrowth = 1.25                  // of memory and of the cost of an event, at most
	batchSize = 50
	latency   = 5 * time.Millisecond
)

// early is after how many events the first figures are taken.
const early = 10_000

// loadResult has the figures of one consumer under one load.
type loadResult struct {
	consumer, load         string
	perCore                float64       // events a second of CPU time
	batch                  time.Duration // median, with latency; 0 if not measured
	costEarly, costLate    time.Duration // CPU time of an event
	memoryEarly, memoryEnd int64         // KB
	again                  int           // events that came again
	limited                bool          // the table refuses rows, so that speed says nothing
}

// load sends many events through the consumers, built as they are deployed: with the
// real SDK over HTTP, against AWS's APIs as a stub in this process. It prints events per
// second of one core, the time of a batch with latency, memory, and whether an event
// costs the same after ten thousand and after all of them. It returns the gates that
// were missed.
func load(ctx context.Context, out io.Writer, o options) ([]string, error) {
	if o.events < 2*early {
		return nil, errors.New("-load is below 20000")
	}
	tmp, err := os.MkdirTemp("", "gatehouse-load")
	if err != nil {
		return nil, fmt.Errorf("os.MkdirTemp: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	var results []loadResult
	for _, c := range consumers() {
		if o.only != "" && o.only != c.name {
			continue
		}
		binary, err := build(ctx, filepath.Join(o.root, c.dir), runtime.GOARCH, "", tmp)
		if err != nil {
			return nil, err
		}
		env, err := c.env(o.root)
		if err != nil {
			return nil, err
		}
		for _, l := range loads() {
			if l.rowsOnly && !c.rows {
				continue
			}
			fmt.Fprintf(os.Stderr, "%s: %s\n", c.name, l.name)
			r, err := loadOne(ctx, binary, env, c, l, max(2*early, o.events/l.part))
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", c.name, l.name, err)
			}
			results = append(results, r)
		}
	}
	return printLoad(out, results), nil
}

// printLoad writes the table and returns the gates that were missed.
func printLoad(out io.Writer, results []loadResult) []string {
	var missed []string
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "consumer\tload\tevents/s and core\tbatch of %d at %v\tCPU of an event: first %d, last\tmemory\tcame again\t\n", batchSize, latency, early)
	for _, r := range results {
		var bad []string
		if r.perCore < perCore && !r.limited {
			bad = append(bad, fmt.Sprintf("below %d events a second and core", perCore))
		}
		if r.batch > maxBatch {
			bad = append(bad, fmt.Sprintf("a batch takes longer than %v", maxBatch))
		}
		if float64(r.costLate) > maxGrowth*float64(r.costEarly) && !r.limited {
			bad = append(bad, "later events cost more")
		}
		if float64(r.memoryEnd) > maxGrowth*float64(r.memoryEarly) {
			bad = append(bad, "memory grows")
		}
		for _, b := range bad {
			missed = append(missed, r.consumer+", "+r.load+": "+b)
		}
		batch := "–"
		if r.batch > 0 {
			batch = fmt.Sprintf("%.1f ms", float64(r.batch.Microseconds())/1000)
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%.0f\t%s\t%.0f µs, %.0f µs\t%.1f MB, %.1f MB\t%d\t%s\n", r.consumer, r.load, r.perCore, batch,
			micros(r.costEarly), micros(r.costLate), float64(r.memoryEarly)/1024, float64(r.memoryEnd)/1024, r.again, strings.Join(bad, "; "))
	}
	_ = t.Flush()
	return missed
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
