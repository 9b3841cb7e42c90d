// Command bench runs the triggers of Gatehouse and Python versions of their
// predecessor in one run and under one harness, and prints how many times better
// ours are. With -load it measures the consumers. README.md says what the figures mean.
//
// Run it from the repository's root: go run ./bench
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

type options struct {
	root, venv         string
	rounds, warm, slow int
	gate               bool
	events             int    // of the load; 0 measures the triggers
	only               string // one consumer of the load
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", ".", "the repository")
	flag.StringVar(&o.venv, "venv", ".local/venv", "the tools' virtual environment; the twins get their own, with the suffix -bench")
	flag.IntVar(&o.rounds, "rounds", 7, "new processes of each variant")
	flag.IntVar(&o.warm, "warm", 200, "calls in a row to each process")
	flag.IntVar(&o.slow, "spaced", 30, "calls with pauses to each process")
	flag.BoolVar(&o.gate, "gate", true, "exit with an error if a gate is missed")
	flag.IntVar(&o.events, "load", 0, "measure the consumers instead, with this many events each, 20,000 at least")
	flag.StringVar(&o.only, "only", "", "one consumer of the load, such as metrics; empty for all")
	flag.Parse()
	measure := realMain
	if o.events > 0 {
		measure = func(ctx context.Context, o options) ([]string, error) { return load(ctx, os.Stdout, o) }
	}
	missed, err := measure(context.Background(), o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if len(missed) > 0 {
		fmt.Printf("\n%d gates missed: %s\n", len(missed), strings.Join(missed, "; "))
		if o.gate {
			os.Exit(1)
		}
	}
}

func realMain(ctx context.Context, o options) ([]string, error) {
	var err error
	if o.root, err = filepath.Abs(o.root); err != nil {
		return nil, fmt.Errorf("filepath.Abs: %w", err)
	}
	tmp, err := os.MkdirTemp("", "gatehouse-bench")
	if err != nil {
		return nil, fmt.Errorf("os.MkdirTemp: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	interpreter, err := python(ctx, o.root, o.venv+"-bench")
	if err != nil {
		return nil, err
	}
	stub, stop, err := newSNSStub()
	if err != nil {
		return nil, err
	}
	defer stop()
	variants, err := prepare(ctx, o.root, tmp, interpreter, stub)
	if err != nil {
		return nil, err
	}
	of, err := measureAll(ctx, o, variants, stub)
	if err != nil {
		return nil, err
	}
	rows, err := checkRow(ctx, o, interpreter, variants[0].env)
	if err != nil {
		return nil, err
	}
	rows = append(rows, compare(of, canThrottle())...)
	limits, err := caps(ctx, o, tmp, of)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(variants))
	for _, v := range variants {
		names = append(names, v.name)
	}
	fmt.Printf("%d processes each, %d CPUs, %s/%s\n\n", o.rounds, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	plain(os.Stdout, names, of)
	fmt.Println()
	return printTable(os.Stdout, append(rows, limits...)), nil
}

// moreStarts is how many processes of a variant make only their first call, in each round.
const moreStarts = 4

// measureAll runs the variants in turn, so that changes of the machine affect all of
// them. The first round is discarded: it fills the page cache and compiles Python's
// modules.
func measureAll(ctx context.Context, o options, variants []variant, stub *snsStub) (map[string]figures, error) {
	full, cold, slow := map[string][]sample{}, map[string][]sample{}, map[string][]sample{}
	quota := canThrottle()
	for round := range o.rounds + 1 {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round, o.rounds)
		for _, v := range variants {
			p := plan{warm: o.warm, spaced: o.slow}
			if round == 0 {
				p = plan{warm: 1, spaced: 1}
			}
			s, err := run(ctx, v, stub, p)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", v.name, err)
			}
			if round == 0 {
				continue
			}
			full[v.name] = append(full[v.name], s)
			cold[v.name] = append(cold[v.name], s)
			for range moreStarts {
				if s, err = run(ctx, v, stub, plan{cold: true}); err != nil {
					return nil, fmt.Errorf("%s: %w", v.name, err)
				}
				cold[v.name] = append(cold[v.name], s)
			}
			if !quota {
				continue
			}
			if s, err = run(ctx, v, stub, plan{spaced: o.slow, quota: true}); err != nil {
				return nil, fmt.Errorf("%s at 128 MB: %w", v.name, err)
			}
			slow[v.name] = append(slow[v.name], s)
		}
	}
	of := map[string]figures{}
	for _, v := range variants {
		of[v.name] = summarize(cold[v.name], full[v.name], slow[v.name])
	}
	return of, nil
}
