package code

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse.example/rules/repository"
)

// budget limits the size of one trigger and the time to initialise its packages.
type budget struct {
	bytes int64
	init  time.Duration
}

// budgets reads the lines of budgets.txt: folder, bytes, microseconds.
func budgets(text string) (map[string]budget, error) {
	out := map[string]budget{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		var dir string
		var size, micros int64
		if _, err := fmt.Sscan(line, &dir, &size, &micros); err != nil {
			return nil, fmt.Errorf("fmt.Sscan %q: %w", line, err)
		}
		out[dir] = budget{bytes: size, init: time.Duration(micros) * time.Microsecond}
	}
	return out, lines.Err()
}

// build compiles a binary with the flags of a deployment.
func build(t *testing.T, dir, goos, goarch string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-tags=lambda.norpc,nethttpomithttp2", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: go build: %v\n%s", repository.Short(dir), err, msg)
	}
	return out
}

// initTime starts a binary without a Lambda runtime, and adds up the init times of its
// packages. The fastest start of each package counts, because a busy machine can only
// be slower. It stops as soon as the sum is small enough.
func initTime(t *testing.T, binary string, enough time.Duration) time.Duration {
	t.Helper()
	best := map[string]time.Duration{}
	sum := time.Hour
	for deadline := time.Now().Add(20 * time.Second); sum > enough && time.Now().Before(deadline); {
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Env = []string{
			"GODEBUG=inittrace=1", "GOMAXPROCS=1", "AWS_REGION=eu-central-1", "GATEHOUSE_ENVIRONMENT=test",
			"TOPIC_ARN=arn:aws:sns:eu-central-1:123456789012:t", "OUTBOX_URL=http://127.0.0.1:1/q", "AWS_ENDPOINT_URL=http://127.0.0.1:1",
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		_ = cmd.Run() // it ends with an error: there is no Lambda
		sum = 0
		for name, took := range inittrace(t, stderr.String()) {
			if before, ok := best[name]; !ok || took < before {
				best[name] = took
			}
			sum += best[name]
		}
	}
	return sum
}

// inittrace returns the time of each package.
func inittrace(t *testing.T, trace string) map[string]time.Duration {
	t.Helper()
	found := regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock`).FindAllStringSubmatch(trace, -1)
	if len(found) == 0 {
		t.Fatalf("no inittrace in %q", trace)
	}
	out := map[string]time.Duration{}
	for _, m := range found {
		ms, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatalf("strconv.ParseFloat: %v", err)
		}
		out[m[1]] = time.Duration(ms * float64(time.Millisecond))
	}
	return out
}

// TestBudgets compares the triggers with budgets.txt.
func TestBudgets(t *testing.T) {
	if testing.Short() {
		t.Skip("builds four binaries")
	}
	repository.Files(t) // Go's test cache does not see what `go build` reads
	all, err := budgets(repository.Read(t, "budgets.txt"))
	if err != nil {
		t.Fatalf("budgets: %v", err)
	}
	for _, dir := range triggerCommands(t) {
		limit, ok := all[repository.Short(dir)]
		if !ok {
			t.Errorf("%s has no line in budgets.txt", repository.Short(dir))
			continue
		}
		if limit.bytes > 11<<20 || limit.init > 1200*time.Microsecond {
			t.Errorf("%s: the budget exceeds 11 MiB or 1.2 ms", repository.Short(dir))
		}
		binary := build(t, dir, "linux", "amd64")
		info, err := os.Stat(binary)
		if err != nil {
			t.Fatalf("os.Stat: %v", err)
		}
		if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
			binary = build(t, dir, runtime.GOOS, runtime.GOARCH)
		}
		took := initTime(t, binary, limit.init)
		t.Logf("%s: %d bytes of %d, init %v of %v", repository.Short(dir), info.Size(), limit.bytes, took, limit.init)
		if info.Size() > limit.bytes {
			t.Errorf("%s: %d bytes, more than its budget of %d; see what it links", repository.Short(dir), info.Size(), limit.bytes)
		}
		if took > limit.init {
			t.Errorf("%s: %v of package init, more than its budget of %v", repository.Short(dir), took, limit.init)
		}
	}
}

func TestBudgetsAreRead(t *testing.T) {
	t.Parallel()
	got, err := budgets("# folder bytes µs\nservices/a/cmd/b 100 20 # why\n\n")
	if err != nil || got["services/a/cmd/b"] != (budget{bytes: 100, init: 20 * time.Microsecond}) || len(got) != 1 {
		t.Errorf("budgets = %v, %v", got, err)
	}
	if _, err := budgets("services/a/cmd/b many\n"); err == nil {
		t.Error("no error for a budget without numbers")
	}
	trace := inittrace(t, "init a @0.1 ms, 0.5 ms clock, 1 bytes, 1 allocs\nother\ninit b @0.2 ms, 0.25 ms clock, 1 bytes, 1 allocs\n")
	if len(trace) != 2 || trace["a"] != 500*time.Microsecond || trace["b"] != 250*time.Microsecond {
		t.Errorf("inittrace = %v", trace)
	}
}
