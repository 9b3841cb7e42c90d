package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gatehouse.example/tools/internal/supervisor"
)

const (
	// logTail is how much of each log is shown at first.
	logTail = 4 << 10
	// logPoll is the time between two reads of followed logs.
	logPoll = 300 * time.Millisecond
)

// logs shows the ends of the logs whose names contain one of the given names, or
// of all logs. With follow it continues until ctx is done.
func logs(ctx context.Context, l supervisor.Layout, names []string, follow bool, out io.Writer) error {
	seen := map[string]int64{}
	shown, err := showLogs(l, names, seen, out)
	if err != nil {
		return err
	}
	if shown == 0 && !follow {
		return fmt.Errorf("no such log in %s", l.LogDir())
	}
	if !follow {
		return nil
	}
	tick := time.NewTicker(logPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if _, err := showLogs(l, names, seen, out); err != nil {
				return err
			}
		}
	}
}

// showLogs writes what is new since seen and reports how many logs match.
func showLogs(l supervisor.Layout, names []string, seen map[string]int64, out io.Writer) (int, error) {
	paths, err := filepath.Glob(filepath.Join(l.LogDir(), "*.log"))
	if err != nil {
		return 0, fmt.Errorf("filepath.Glob: %w", err)
	}
	matching := 0
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".log")
		if len(names) > 0 && !slices.ContainsFunc(names, func(part string) bool { return strings.Contains(name, part) }) {
			continue
		}
		matching++
		text, err := unseen(path, seen)
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(text) {
			_, _ = fmt.Fprintf(out, "%s | %s\n", name, strings.TrimRight(line, "\r\n"))
		}
	}
	return matching, nil
}

// unseen reads from where the last read ended. A shorter file was replaced.
func unseen(path string, seen map[string]int64) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("os.Open: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("os.File.Stat: %w", err)
	}
	from, known := seen[path]
	if !known {
		from = max(0, info.Size()-logTail)
	} else if from > info.Size() {
		from = 0
	}
	text, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
	if err != nil {
		return "", fmt.Errorf("io.ReadAll: %w", err)
	}
	seen[path] = from + int64(len(text))
	return string(text), nil
}
