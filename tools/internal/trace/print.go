package trace

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"

	"gatehouse.example/tools/internal/terminal"
)

// mark is printed at parts that the proxy made.
const mark = "*"

// printTree writes a trace for people, and those that it is linked to.
func printTree(out io.Writer, t tree) error {
	var b strings.Builder
	made := t.draw(&b, "")
	b.WriteString(t.notes())
	for _, one := range t.Linked {
		b.WriteString("\n")
		made = one.draw(&b, "→ ") || made
		b.WriteString(one.notes())
	}
	b.WriteString(t.legend(made))
	_, err := io.WriteString(out, b.String())
	if err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	return nil
}

// draw writes one trace; it reports whether the proxy made any of its parts.
func (t tree) draw(b *strings.Builder, before string) bool {
	fmt.Fprintf(b, "%strace %s  %s  %s ms  %s\n\n", before, t.ID, t.Start.Format("2006-01-02T15:04:05.000Z"), number(t.Duration), t.Status)
	fmt.Fprintf(b, "%9s %9s\n", "start", "took")
	made := false
	for _, p := range t.Tops {
		made = printPart(b, p, "", "") || made
	}
	return made
}

// legend says what the marks mean.
func (t tree) legend(made bool) string {
	var b strings.Builder
	if made {
		fmt.Fprintf(&b, "\n%s made by the proxy instead of AWS\n", mark)
	}
	if len(t.Linked) > 0 {
		fmt.Fprintf(&b, "\n→ the trace of a run that handled what this part sent\n← the trace that sent a message to this run\n")
	}
	if t.Omitted > 0 {
		fmt.Fprintf(&b, "\nlinked traces that are not shown: %d; --links shows more\n", t.Omitted)
	}
	return b.String()
}

// notes print what the tree cannot show.
func (t tree) notes() string {
	var b strings.Builder
	if t.Running > 0 {
		fmt.Fprintf(&b, "\nincomplete: %d in progress; try again later\n", t.Running)
	}
	if t.Orphans > 0 {
		fmt.Fprintf(&b, "\n? its parent is missing: it has not arrived, or another system has it\n")
	}
	if t.Truncated {
		fmt.Fprintf(&b, "\nincomplete: the trace exceeds what X-Ray stores\n")
	}
	return b.String()
}

// printPart writes a part and those below it; it reports whether the proxy made any.
func printPart(b *strings.Builder, p *part, branch, indent string) bool {
	made := p.MadeBy == "proxy"
	words := []string{p.Name, p.Origin, p.Did}
	if p.HTTPStatus != 0 {
		words = append(words, fmt.Sprint(p.HTTPStatus))
	}
	if p.Status != "ok" {
		words = append(words, p.Status)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Annotations)) {
		words = append(words, fmt.Sprintf("%s=%v", name, p.Annotations[name]))
	}
	if made {
		words = append(words, mark)
	}
	if p.Missing != "" {
		branch = "? "
		indent = "  "
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	fmt.Fprintf(b, "%6s ms %6s ms  %s%s\n", number(p.Offset), number(p.Duration), branch, terminal.Printable(strings.Join(words, "  ")))
	for _, e := range p.Exceptions {
		fmt.Fprintf(b, "%21s%s%s! %s\n", "", indent, below(p), terminal.Printable(short(e)))
	}
	for _, l := range p.Links {
		sign := "→"
		if l.Kind == toSender {
			sign = "←"
		}
		fmt.Fprintf(b, "%21s%s%s%s %s\n", "", indent, below(p), sign, l.Trace)
	}
	for i, child := range p.Below {
		branch, next := indent+"├─ ", indent+"│  "
		if i == len(p.Below)-1 {
			branch, next = indent+"└─ ", indent+"   "
		}
		made = printPart(b, child, branch, next) || made
	}
	return made
}

// below begins a line between a part and those below it.
func below(p *part) string {
	if len(p.Below) > 0 {
		return "│  "
	}
	return "   "
}

// printJSON writes a trace for programs.
func printJSON(out io.Writer, t tree) error {
	enc := json.NewEncoder(terminal.JSON(out))
	enc.SetIndent("", "  ")
	if err := enc.Encode(t); err != nil {
		return fmt.Errorf("json.Encode: %w", err)
	}
	return nil
}

// printList writes the newest traces, the newest first.
func printList(out io.Writer, found []types.TraceSummary, limit int) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(out, "no traces; they appear within seconds, --since widens the search")
		return err
	}
	slices.SortStableFunc(found, func(a, b types.TraceSummary) int {
		return aws.ToTime(b.StartTime).Compare(aws.ToTime(a.StartTime))
	})
	rows := [][]string{{"ID", "TIME", "TOOK", "STATUS", "WHAT"}}
	for _, s := range found[:min(limit, len(found))] {
		rows = append(rows, []string{
			aws.ToString(s.Id), aws.ToTime(s.StartTime).UTC().Format(time.RFC3339),
			number(millis(aws.ToFloat64(s.Duration))) + " ms", summaryStatus(s), terminal.Printable(what(s)),
		})
	}
	return terminal.Table(out, rows...)
}

func summaryStatus(s types.TraceSummary) string {
	switch {
	case aws.ToBool(s.HasFault):
		return "fault"
	case aws.ToBool(s.HasThrottle):
		return "throttled"
	case aws.ToBool(s.HasError):
		return "error"
	case aws.ToBool(s.IsPartial):
		return "in progress"
	}
	return "ok"
}

// what is where the trace began.
func what(s types.TraceSummary) string {
	text := ""
	if s.Http != nil && s.Http.HttpMethod != nil {
		text = fmt.Sprintf("%s %s  %d", aws.ToString(s.Http.HttpMethod), aws.ToString(s.Http.HttpURL), aws.ToInt32(s.Http.HttpStatus))
	} else if s.EntryPoint != nil {
		text = aws.ToString(s.EntryPoint.Name)
	}
	return cmp.Or(text, "-")
}

// number omits a fraction of zero.
func number(ms float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", ms), ".0") }

// short is the first line of a text, cut if it is long.
func short(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	const most = 300
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
