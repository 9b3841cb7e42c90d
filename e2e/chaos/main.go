package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"gatehouse.example/tools/actors"
)

// closing is the time for the table and for the end of the system.
const closing = 10 * time.Second

type options struct {
	system

	duration time.Duration
	seed     uint64
	only     string
	running  bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := realMain(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func realMain(ctx context.Context, args []string, out io.Writer) error {
	o := options{}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.DurationVar(&o.duration, "duration", 15*time.Minute, "how long it may take, the start of the system included")
	flags.Uint64Var(&o.seed, "seed", rand.Uint64()>>32, "repeats the plan of a run") //nolint:gosec // G404: any seed does
	flags.StringVar(&o.only, "only", "", "play only the kinds of fault whose name contains this")
	flags.StringVar(&o.dir, "dir", filepath.Join(".local", "chaos"), "folder of the local system")
	flags.StringVar(&o.venv, "venv", filepath.Join(".local", "venv"), "virtualenv of the Python tools")
	flags.IntVar(&o.port, "port", 5066, "port of the local system")
	flags.BoolVar(&o.running, "running", false, "use the system that runs in -dir, and leave it running")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("flag.FlagSet.Parse: %w", err)
	}
	chosen := choose(o.only)
	if len(chosen) == 0 {
		return fmt.Errorf("no kind of fault contains %q; the kinds are:\n  %s", o.only, strings.Join(namesOf(kinds()), "\n  "))
	}
	end := time.Now().Add(o.duration)
	root, err := filepath.Abs(".")
	if err != nil {
		return fmt.Errorf("filepath.Abs: %w", err)
	}
	if o.root = root; !o.running {
		defer func() { _ = o.local(context.WithoutCancel(ctx), "down") }()
		if err := o.local(ctx, "up"); err != nil {
			return err
		}
	}
	if err := o.connect(); err != nil {
		return err
	}
	results, err := o.play(ctx, out, chosen, end)
	return errors.Join(err, report(out, results, chosen, fmt.Sprintf("make chaos SEED=%d DURATION=%s%s", o.seed, o.duration, quoted(o.only))))
}

// quoted is the argument that repeats a choice of kinds.
func quoted(only string) string {
	if only == "" {
		return ""
	}
	return fmt.Sprintf(" ONLY=%q", only)
}

// choose are the kinds whose name contains a text, of those that this machine can play.
func choose(only string) []kind {
	return slices.DeleteFunc(kinds(), func(k kind) bool {
		return !strings.Contains(k.name, only) || k.kills != "" && !canKill()
	})
}

func namesOf(all []kind) []string {
	var out []string
	for _, k := range all {
		out = append(out, k.name)
	}
	return out
}

// play plays round after round until the time is over. A round that is not finished then is
// not judged.
func (o *options) play(ctx context.Context, out io.Writer, chosen []kind, end time.Time) (results []result, err error) {
	restore, err := o.hurry(ctx)
	l := &listener{s: &o.system, name: o.name("chaos-" + actors.NewID(time.Now()))}
	if err == nil {
		err = l.open(ctx)
	}
	if o.running {
		defer func() {
			ctx := context.WithoutCancel(ctx)
			err = errors.Join(err, l.close(ctx), restore(ctx))
		}()
	}
	if err != nil {
		return nil, err
	}
	collecting, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); l.collect(collecting) }()
	defer func() { stop(); <-done }()
	fmt.Fprintf(out, "%d kinds of fault, seed %d, until %s, on %d CPUs\n", len(chosen), o.seed, end.Format(time.TimeOnly), runtime.NumCPU())
	timed, cancel := context.WithDeadline(ctx, end.Add(-closing))
	defer cancel()
	if err := o.warm(timed, l.name); err != nil {
		return nil, err
	}
	p := newPlan(o.seed, chosen)
	for k, seed := calm(), o.seed; timed.Err() == nil; k, seed = p.next() {
		began := time.Now()
		r, err := o.round(timed, l, k, seed)
		if err != nil && timed.Err() == nil {
			return results, fmt.Errorf("round %d, %s: %w", len(results)+1, k.name, err)
		} else if err != nil {
			fmt.Fprintf(out, "%s  round %d: %s: not finished, so not judged\n", time.Now().Format(time.TimeOnly), len(results)+1, k.name)
			break
		}
		results = append(results, r)
		fmt.Fprintf(out, "%s  round %d, %.0f s: %s: hit %d calls, %d acts, slowest trigger %.2f of %.2f s: %s\n", time.Now().Format(time.TimeOnly), len(results),
			time.Since(began).Seconds(), r.kind, r.hits, r.acts, r.slowest.Seconds(), r.limit.Seconds(), inShort(r))
	}
	return results, ctx.Err()
}

func inShort(r result) string {
	switch {
	case r.busy > 0:
		return "not judged: the machine is too busy"
	case len(r.broken) == 0:
		return "ok"
	}
	return "BROKEN: " + strings.Join(r.broken, "; ")
}

// report writes the table, and returns an error if a promise was broken.
func report(out io.Writer, results []result, chosen []kind, again string) error {
	byKind := map[string]result{}
	total := result{kind: "all"}
	for _, r := range results {
		sum := byKind[r.kind]
		sum.kind = r.kind
		byKind[r.kind] = sum.add(r)
		total = total.add(r)
	}
	fmt.Fprintln(out)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "fault\trounds\tinjected\tacts\tsurvived\tlost\tdoubled\tnot counted\tslowest trigger\tof\t")
	names := append([]string{calm().name}, namesOf(chosen)...)
	var unplayed []string
	for _, name := range names {
		r, played := byKind[name]
		if !played {
			unplayed = append(unplayed, name)
			continue
		}
		writeRow(t, r)
	}
	writeRow(t, total)
	_ = t.Flush()
	if total.spare > 0 {
		fmt.Fprintf(out, "not counted: DynamoDB did not answer a claim, or a function was killed between claim and count, as services/user-events/README.md says\n")
	}
	if total.unclear > 0 {
		fmt.Fprintf(out, "%d calls of people failed in the emulator itself; what they lead to may have happened or not\n", total.unclear)
	}
	if total.busy > 0 {
		fmt.Fprintf(out, "%d rounds were not judged: the machine was so busy that Cognito gave up on triggers\n", total.busy)
	}
	if len(unplayed) > 0 {
		fmt.Fprintf(out, "no time was left for: %s\n", strings.Join(unplayed, "; "))
	}
	if total.rounds == total.busy {
		return errors.New("no round was judged: the machine is too busy, or DURATION too short")
	}
	if len(total.broken) == 0 {
		return nil
	}
	return fmt.Errorf("%d promises were broken:\n  %s\nrepeat it: %s", len(total.broken), strings.Join(total.broken, "\n  "), again)
}

func writeRow(out io.Writer, r result) {
	fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.2f s\t%.2f s\t\n",
		r.kind, r.rounds, r.hits, r.acts, r.survived, r.lost, r.doubled, r.spare, r.slowest.Seconds(), r.limit.Seconds())
}
