package canary

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// report prints a line for each step and keeps them for JUnit.
type report struct {
	out         io.Writer
	environment string
	started     time.Time

	mu    sync.Mutex
	steps []done
}

// done is a step that has ended.
type done struct {
	name string
	took time.Duration
	err  error
}

func newReport(out io.Writer, environment string) *report {
	return &report{out: out, environment: environment, started: time.Now()}
}

// step runs f and prints how it ended.
func (r *report) step(ctx context.Context, name string, f func(context.Context) (string, error)) bool {
	began := time.Now()
	detail, err := f(ctx)
	d := done{name: name, took: time.Since(began), err: err}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, d)
	verdict := "ok"
	switch {
	case errors.Is(err, errNotAwaited):
		verdict, detail = "skip", err.Error()
	case err != nil:
		verdict, detail = "FAIL", err.Error()
	}
	r.line(verdict, d.took, name, detail)
	return err == nil
}

// say prints a line that is not the end of a step.
func (r *report) say(verdict string, took time.Duration, name, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line(verdict, took, name, detail)
}

func (r *report) line(verdict string, took time.Duration, name, detail string) {
	fmt.Fprintf(r.out, "%-4s %6.1fs  %-40s %s\n", verdict, took.Seconds(), name, detail)
}

// failed reports whether a step has failed so far.
func (r *report) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures()) > 0
}

// failures are the names of the steps that failed.
func (r *report) failures() []string {
	var out []string
	for _, s := range r.steps {
		if s.err != nil && !errors.Is(s.err, errNotAwaited) {
			out = append(out, s.name)
		}
	}
	return out
}

// summary is the error that names every step that failed, or nil.
func (r *report) summary() error {
	if failed := r.failures(); len(failed) > 0 {
		return fmt.Errorf("canary of %s: %d of %d steps failed: %s; see docs/playbooks/canary-fails.md",
			r.environment, len(failed), len(r.steps), strings.Join(failed, ", "))
	}
	fmt.Fprintf(r.out, "canary of %s: %d steps in %.1fs\n", r.environment, len(r.steps), time.Since(r.started).Seconds())
	return nil
}

// suite is JUnit's XML, as CodeBuild's report groups read it.
type suite struct {
	XMLName  xml.Name `xml:"testsuite"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Time     string   `xml:"time,attr"`
	Cases    []test   `xml:"testcase"`
}

type test struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *failure `xml:"failure"`
	Skipped *failure `xml:"skipped"`
}

type failure struct {
	Message string `xml:"message,attr"`
}

func (r *report) writeJUnit(path string) error {
	s := suite{Name: "canary " + r.environment, Tests: len(r.steps), Time: seconds(time.Since(r.started))}
	for _, d := range r.steps {
		t := test{Class: "canary." + r.environment, Name: d.name, Time: seconds(d.took)}
		switch {
		case errors.Is(d.err, errNotAwaited):
			s.Skipped++
			t.Skipped = &failure{Message: d.err.Error()}
		case d.err != nil:
			s.Failures++
			t.Failure = &failure{Message: d.err.Error()}
		}
		s.Cases = append(s.Cases, t)
	}
	raw, err := xml.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("xml.MarshalIndent: %w", err)
	}
	err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, append([]byte(xml.Header), append(raw, '\n')...), 0o644))
	if err != nil {
		return fmt.Errorf("os.WriteFile: %w", err)
	}
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
