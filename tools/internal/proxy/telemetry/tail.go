package telemetry

// Gap: the emulator keeps the log lines of functions, but shows them nowhere and takes
// no metrics from them (emf.go). Delete both files when it extracts metrics and writes
// its functions' lines where a person can read them.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gatehouse.example/tools/internal/proxy/upstream"
)

const (
	logPrefix = "/gatehouse/"
	// tailPause is the least time between two reads, and tailLimit the longest; metrics appear
	// about as late. Between them it is tailRest times what the read took: the emulator adds up
	// the bytes of every line that it ever got, and the programs that it runs need the
	// processor, too.
	tailPause = time.Second
	tailRest  = 15
	tailLimit = 2 * time.Second
	// tailOverlap is how far each read reaches back behind the newest line seen, for
	// lines of other streams that arrive slightly out of order.
	tailOverlap = 5 * time.Second
	tailPage    = 10000
)

// tail copies each line of every log group under /gatehouse/ once: to a file, and
// its metrics to CloudWatch. It begins at its own start and remembers nothing
// beyond its end.
type tail struct {
	up      *upstream.Client
	dir     string
	log     *slog.Logger
	start   int64
	groups  map[string]*groupTail
	pending []metricBatch // measured, not yet accepted by CloudWatch
	// listed gets every group of the account at each look.
	listed func([]upstream.LogGroup)
}

// groupTail is the cursor in one group. Lines carry no id in the emulator, so equal
// lines of one stream and millisecond are counted: a line is new when it is there
// more often than it was seen.
type groupTail struct {
	bytes  int64
	newest int64
	seen   map[logLine]int
}

type logLine struct {
	Stream    string `json:"logStreamName"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

// Run reads log groups until ctx is done. dir receives one file of log lines for each
// function; if it is empty, none is written. listed gets the list of all groups each time.
func Run(ctx context.Context, up *upstream.Client, dir string, listed func([]upstream.LogGroup), log *slog.Logger) {
	lines := newTail(up, dir, log)
	lines.listed = listed
	lines.run(ctx)
}

func newTail(up *upstream.Client, dir string, log *slog.Logger) *tail {
	return &tail{up: up, dir: dir, log: log, start: time.Now().UnixMilli(), groups: map[string]*groupTail{}, listed: func([]upstream.LogGroup) {}}
}

// run reads, with pauses, until ctx is done, and then a last time, so that the last
// lines are not lost.
func (t *tail) run(ctx context.Context) {
	timer := time.NewTimer(tailPause)
	defer timer.Stop()
	failing := false
	for done := false; !done; {
		select {
		case <-ctx.Done():
			done = true
		case <-timer.C:
		}
		began := time.Now()
		look, cancel := context.WithTimeout(context.WithoutCancel(ctx), upstream.Timeout)
		err := t.look(look)
		cancel()
		if err != nil && !failing && !done {
			t.log.Warn("log lines not read", "error", err.Error())
		}
		failing = err != nil
		timer.Reset(min(max(tailPause, tailRest*time.Since(began)), tailLimit))
	}
}

// look reads what is new in every group that has grown.
func (t *tail) look(ctx context.Context) error {
	groups, err := t.up.LogGroups(ctx, "")
	if err != nil {
		return err
	}
	t.listed(groups)
	for _, g := range groups {
		if !strings.HasPrefix(g.Name, logPrefix) {
			continue
		}
		cursor := t.groups[g.Name]
		if cursor == nil {
			cursor = &groupTail{bytes: -1, newest: t.start, seen: map[logLine]int{}}
			t.groups[g.Name] = cursor
		}
		if cursor.bytes == g.Bytes {
			continue // an idle group costs no call
		}
		lines, full, err := t.read(ctx, g.Name, cursor)
		if err != nil {
			return err
		}
		t.keep(g.Name, lines)
		if !full {
			cursor.bytes = g.Bytes
		}
	}
	return t.flush(ctx)
}

// read returns the lines of a group that were not seen before; full reports that
// there may be more.
func (t *tail) read(ctx context.Context, group string, cursor *groupTail) (added []logLine, full bool, err error) {
	from := max(t.start, cursor.newest-tailOverlap.Milliseconds())
	var out struct {
		Events []logLine `json:"events"`
	}
	in := map[string]any{"logGroupName": group, "startTime": from, "limit": tailPage}
	err = t.up.JSON(ctx, "logs", upstream.LogsTarget+"FilterLogEvents", in, &out)
	if upstream.IsAPI(err, "ResourceNotFoundException") {
		return nil, false, nil // deleted meanwhile
	}
	if err != nil {
		return nil, false, fmt.Errorf("log lines: %w", err)
	}
	return cursor.advance(out.Events, from), len(out.Events) == tailPage, nil
}

// advance picks the new lines out of a read from that time on.
func (c *groupTail) advance(read []logLine, from int64) []logLine {
	var added []logLine
	now := make(map[logLine]int, len(read))
	for _, line := range read {
		now[line]++
		if now[line] > c.seen[line] {
			added = append(added, line)
		}
		c.newest = max(c.newest, line.Timestamp)
	}
	for line, n := range c.seen { // a shortened read must not make old lines new
		if line.Timestamp >= from && now[line] < n {
			now[line] = n
		}
	}
	c.seen = now
	return added
}

// keep writes the lines to the group's file and collects their metrics.
func (t *tail) keep(group string, lines []logLine) {
	if len(lines) == 0 {
		return
	}
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(strings.TrimRight(line.Message, "\n") + "\n")
		for _, batch := range parseEMF(line.Message) {
			t.add(batch)
		}
	}
	if t.dir == "" {
		return
	}
	if err := appendFile(filepath.Join(t.dir, logFile(group)), text.String()); err != nil {
		t.log.Warn("log lines not written", "error", err.Error())
	}
}

// logFile names the file of a group: /gatehouse/local/user-events/metrics is in
// user-events-metrics.log.
func logFile(group string) string {
	name := strings.TrimPrefix(group, logPrefix)
	if _, rest, ok := strings.Cut(name, "/"); ok {
		name = rest // without the environment: every file here is of the same one
	}
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
	return name + ".log"
}

func appendFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("os.OpenFile: %w", err)
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// add joins a line's metrics to the requests that wait, up to half of what
// PutMetricData takes in one.
func (t *tail) add(batch metricBatch) {
	for i := range t.pending {
		waiting := &t.pending[i]
		if waiting.Namespace == batch.Namespace && len(waiting.MetricData)+len(batch.MetricData) <= 500 {
			waiting.MetricData = append(waiting.MetricData, batch.MetricData...)
			return
		}
	}
	t.pending = append(t.pending, batch)
}

// flush sends the collected metrics to CloudWatch; what it does not accept waits for the
// next read.
func (t *tail) flush(ctx context.Context) error {
	for len(t.pending) > 0 {
		batch := t.pending[0]
		err := t.up.JSON(ctx, "monitoring", "GraniteServiceVersion20100801.PutMetricData", batch, nil)
		var api *upstream.APIError
		if err != nil && (!errors.As(err, &api) || api.Status >= 500) {
			return fmt.Errorf("log lines: %w", err)
		}
		if err != nil {
			t.log.Warn("metrics refused", "namespace", batch.Namespace, "error", err.Error())
		}
		t.pending = t.pending[1:]
	}
	return nil
}
