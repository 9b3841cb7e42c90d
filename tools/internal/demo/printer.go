package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/terminal"
)

// Escape sequences, used on a terminal only.
const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	plain = "\x1b[0m"
)

// printer writes the story as plain lines, which differ between runs in their
// values only, with some styling on a terminal.
type printer struct {
	out    io.Writer
	styled bool
}

func newPrinter(out io.Writer) *printer {
	return &printer{out: out, styled: os.Getenv("CI") == "" && os.Getenv("NO_COLOR") == "" && terminal.Is(out)}
}

func (p *printer) style(style, text string) string {
	if !p.styled {
		return text
	}
	return style + text + plain
}

func (p *printer) line(format string, args ...any) {
	// A closed pipe, as with `| head`, does not end the story.
	_, _ = fmt.Fprintf(p.out, format+"\n", args...)
}

func (p *printer) title(n, of int, text string) { p.heading(fmt.Sprintf("%d/%d  %s", n, of, text)) }

func (p *printer) heading(text string) { p.line("\n%s", p.style(bold, text)) }

func (p *printer) detail(text string) { p.line("%s", strings.TrimRight("  "+text, " ")) }

// event prints a CloudEvent as it came.
func (p *printer) event(ev event.Event) error {
	raw, err := json.MarshalIndent(ev, "  ", "  ")
	if err != nil {
		return fmt.Errorf("json.MarshalIndent: %w", err)
	}
	p.line("  event   %s", ev.Type())
	p.line("%s", p.style(dim, "  "+string(raw)))
	return nil
}

func (p *printer) metric(name string, was, is float64) {
	p.line("  metric  %s %g -> %g", name, was, is)
}

func (p *printer) row(r actors.Row) { p.line("  row     %s  %s  %s", r.Time, r.Partition, r.Type) }

// summary is the table that ends the story.
func (p *printer) summary(results []result) {
	p.heading("Summary")
	rows := [][]string{{"  ACT", "EVENT", "ID", "METRIC", "AUDIT ROW"}}
	for _, r := range results {
		rows = append(rows, []string{
			"  " + r.act, strings.TrimPrefix(r.event.Type(), "gatehouse."), short(r.event.ID()), fmt.Sprintf("%s +%g", r.metric, r.is-r.was), r.row.Time,
		})
	}
	_ = terminal.Table(p.out, rows...)
}

// short is the first group of a UUID: enough to tell ids apart by eye.
func short(id string) string {
	first, _, _ := strings.Cut(id, "-")
	return first
}

// next lists what to try while the system is running.
func (p *printer) next(dir, sub string, env actors.Env) {
	p.heading("The system keeps running. Try:")
	for _, s := range []string{
		"open " + env["AWS_ENDPOINT_URL"] + "/app in a browser, and sign up yourself (the code is " + code + ")",
		"source " + filepath.Join(dir, "env"),
		"bin/gatehouse audit show --user " + sub,
		"bin/gatehouse events tail",
		".local/venv/bin/aws logs filter-log-events --log-group-name /gatehouse/" + env["GATEHOUSE_ENVIRONMENT"] + "/signin-audit/recorder --query events[].message --output text",
		"bin/gatehouse trace list",
		"make deploy SERVICE=examples/subscriber",
		"make down",
	} {
		p.line("  %s", s)
	}
}
