package code

import (
	"bufio"
	"bytes"
	"cmp"
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

// budget limits the size of one trigger and the time to initialise its packages, which is
// a multiple of that of an empty function, so that it holds on any machine.
type budget struct {
	bytes int64
	init  float64
}

// budgets reads the lines of budgets.txt: folder, bytes, multiple.
func budgets(text string) (map[string]budget, error) {
	out := map[string]budget{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		var dir string
		var b budget
		if _, err := fmt.Sscan(line, &dir, &b.bytes, &b.init); err != nil {
			return nil, fmt.Errorf("fmt.Sscan %q: %w", line, err)
		}
		out[dir] = b
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

// starts are the init times of the packages of a binary. The fastest start of each package
// counts, because a busy machine can only be slower.
type starts map[string]time.Duration

func (s starts) sum() (sum time.Duration) {
	for _, took := range s {
		sum += took
	}
	return sum
}

// start starts a binary without a Lambda runtime, and keeps what is faster than before.
func (s starts) start(t *testing.T, binary string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = []string{
		"GODEBUG=inittrace=1", "GOMAXPROCS=1", "AWS_REGION=eu-central-1", "GATEHOUSE_ENVIRONMENT=test",
		"TOPIC_ARN=arn:aws:sns:eu-central-1:123456789012:t", "OUTBOX_URL=http://127.0.0.1:1/q", "AWS_ENDPOINT_URL=http://127.0.0.1:1",
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	_ = cmd.Run() // it ends with an error: there is no Lambda
	for name, took := range inittrace(t, stderr.String()) {
		if before, ok := s[name]; !ok || took < before {
			s[name] = took
		}
	}
}

// initRatio compares the init time of a trigger with that of the empty function, whose
// starts are kept. It stops as soon as the ratio is small enough.
func initRatio(t *testing.T, binary, empty string, ofEmpty starts, enough float64) float64 {
	t.Helper()
	const fewest = 5
	ofTrigger, ratio := starts{}, enough+1
	for n, deadline := 0, time.Now().Add(time.Minute); n < fewest || ratio > enough && time.Now().Before(deadline); n++ {
		ofTrigger.start(t, binary)
		ofEmpty.start(t, empty)
		ratio = float64(ofTrigger.sum()) / float64(ofEmpty.sum())
	}
	return ratio
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

// mostInit is the largest budget for package init, in multiples of an empty function.
const mostInit = 4

// mostOfChallenge is that of the triggers of custom challenges, which need clients of
// DynamoDB and KMS (docs/adr/0053).
const mostOfChallenge = 7

// TestBudgets compares the triggers with budgets.txt.
func TestBudgets(t *testing.T) {
	if testing.Short() {
		t.Skip("builds five binaries")
	}
	repository.Files(t) // Go's test cache does not see what `go build` reads
	all, err := budgets(repository.Read(t, "budgets.txt"))
	if err != nil {
		t.Fatalf("budgets: %v", err)
	}
	empty, ofEmpty := build(t, filepath.Join(repository.Root, "bench/testdata/empty"), runtime.GOOS, runtime.GOARCH), starts{}
	for _, dir := range triggerCommands(t) {
		limit, ok := all[repository.Short(dir)]
		if !ok {
			t.Errorf("%s has no line in budgets.txt", repository.Short(dir))
			continue
		}
		// The first is called five times for a sign-in (docs/adr/0053), the second once for a person (docs/adr/0054).
		most := map[string]float64{"challenge": mostOfChallenge, "usermigration": 2 * mostInit}[filepath.Base(dir)]
		if most = cmp.Or(most, mostInit); limit.bytes > 11<<20 || limit.init > most {
			t.Errorf("%s: the budget exceeds 11 MiB or %g times an empty function", repository.Short(dir), most)
		}
		binary := build(t, dir, "linux", "amd64")
		info, err := os.Stat(binary)
		if err != nil {
			t.Fatalf("os.Stat: %v", err)
		}
		if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
			binary = build(t, dir, runtime.GOOS, runtime.GOARCH)
		}
		ratio := initRatio(t, binary, empty, ofEmpty, limit.init)
		t.Logf("%s: %d bytes of %d, init %.2f of %.2f times that of an empty function, %v", repository.Short(dir), info.Size(), limit.bytes, ratio, limit.init, ofEmpty.sum())
		if info.Size() > limit.bytes {
			t.Errorf("%s: %d bytes, more than its budget of %d; see what it links", repository.Short(dir), info.Size(), limit.bytes)
		}
		if ratio > limit.init {
			t.Errorf("%s: %.2f times the package init of an empty function, more than its budget of %.2f", repository.Short(dir), ratio, limit.init)
		}
	}
}

func TestBudgetsAreRead(t *testing.T) {
	t.Parallel()
	got, err := budgets("# folder bytes times\nservices/a/cmd/b 100 2.5 # why\n\n")
	if err != nil || got["services/a/cmd/b"] != (budget{bytes: 100, init: 2.5}) || len(got) != 1 {
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
