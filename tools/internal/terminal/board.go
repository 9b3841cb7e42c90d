// Package terminal is how commands print. It shows the progress of several tasks, on a
// terminal in lines that change in place, elsewhere in plain lines for a log. It also
// prints tables.
package terminal

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	redraw = 120 * time.Millisecond
	frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
	// nameWidth keeps the columns apart.
	nameWidth = 16
)

// Board shows tasks until it is closed.
type Board struct {
	mu      sync.Mutex
	out     io.Writer
	live    bool
	now     func() time.Time
	active  []*Task
	drawn   int // lines on the terminal that will be erased
	frame   int
	stop    chan struct{}
	stopped sync.WaitGroup
}

// Task is one line of a board.
type Task struct {
	board   *Board
	name    string
	step    string
	started time.Time
}

// NewBoard makes a board. Its lines change in place if out is a terminal and CI is
// not set.
func NewBoard(out *os.File) *Board {
	return newBoard(out, Is(out) && os.Getenv("CI") == "" && os.Getenv("TERM") != "dumb")
}

func newBoard(out io.Writer, live bool) *Board {
	b := &Board{out: out, live: live, now: time.Now, stop: make(chan struct{})}
	if live {
		b.stopped.Go(b.animate)
	}
	return b
}

// Is reports whether a reader or writer is a terminal.
func Is(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Start adds a task.
func (b *Board) Start(name, step string) *Task {
	t := &Task{board: b, name: name, step: step, started: b.now()}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.active = append(b.active, t)
	b.change(t, "")
	return t
}

// Step shows what the task does now.
func (t *Task) Step(step string) {
	t.board.mu.Lock()
	defer t.board.mu.Unlock()
	t.step = step
	t.board.change(t, "")
}

// Done ends the task with success; its line stays.
func (t *Task) Done(result string) { t.end("✓", result) }

// Fail ends the task with a failure; its line stays.
func (t *Task) Fail(result string) { t.end("✗", result) }

func (t *Task) end(mark, result string) {
	b := t.board
	b.mu.Lock()
	defer b.mu.Unlock()
	b.active = slices.DeleteFunc(b.active, func(other *Task) bool { return other == t })
	t.step = result
	b.change(t, mark)
}

// Print writes a line above the tasks.
func (b *Board) Print(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.erase()
	b.write(line + "\n")
	b.draw()
}

// Close stops the board and erases the lines of tasks that did not end.
func (b *Board) Close() {
	close(b.stop)
	b.stopped.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.erase()
}

// change shows a task's new step; a mark means that the task has ended.
func (b *Board) change(t *Task, mark string) {
	if !b.live {
		if mark == "" {
			mark = "·"
		}
		b.write(b.line(mark, t) + "\n")
		return
	}
	b.erase()
	if mark != "" {
		b.write(b.line(mark, t) + "\n")
	}
	b.draw()
}

func (b *Board) line(mark string, t *Task) string {
	took := b.now().Sub(t.started)
	text := fmt.Sprintf("%s %-*s %s", mark, nameWidth, t.name, t.step)
	if took >= time.Second {
		text += fmt.Sprintf(" (%ds)", int(took.Seconds()))
	}
	return text
}

func (b *Board) animate() {
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-tick.C:
			b.mu.Lock()
			b.frame++
			b.erase()
			b.draw()
			b.mu.Unlock()
		}
	}
}

// erase moves up over the drawn lines and clears them.
func (b *Board) erase() {
	b.write(strings.Repeat("\x1b[1A\x1b[2K", b.drawn))
	b.drawn = 0
}

func (b *Board) draw() {
	if !b.live {
		return
	}
	marks := []rune(frames)
	for _, t := range b.active {
		b.write(b.line(string(marks[b.frame%len(marks)]), t) + "\n")
	}
	b.drawn = len(b.active)
}

// write ignores errors: a closed terminal must not stop a deployment.
func (b *Board) write(text string) {
	if text != "" {
		_, _ = io.WriteString(b.out, text)
	}
}
