package templates

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

const (
	// quota is Cognito's default for sign-ins in a second, category UserAuthentication
	// (https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html).
	quota = 120
	// perSignIn is how many events a sign-in publishes: attempted, and succeeded.
	perSignIn = 2
	// latency is the assumed time of one call to AWS.
	latency = 5 * time.Millisecond
	// perCore is how many events a consumer handles in a second of one core; `make load`
	// measures it, and fails below it.
	perCore = 5000
	// wholeCore is the memory in MB that has one vCPU
	// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
	wholeCore = 1769
	// batches is how many batches of a queue Lambda handles at once without MaximumConcurrency
	// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html).
	batches = 1000
)

// work says what a consumer does for a batch, and what else limits it.
type work struct {
	// rounds is how many calls in sequence a batch of n events takes.
	rounds func(n int) int
	// limit is the most events in a second, for the reason why; 0 is none.
	limit float64
	why   string
	// signIns is false if sign-ins send no event to its queue.
	signIns bool
}

// workOf knows every consumer. A test of each service holds the rounds to its code.
func workOf(function string, parameters map[string]string) (work, bool) {
	each := func(n int) int { return (n + consume.Parallel - 1) / consume.Parallel }
	appEvents, _ := strconv.ParseFloat(parameters["AppEventsPerMinute"], 64)
	w, ok := map[string]work{
		"account-records": {rounds: func(n int) int { return 4*each(n) + 1 }, why: ""},                                      // row, pool, row again, row of a deleted user, topic
		"announcer":       {rounds: func(n int) int { return 2 * each(n) }, limit: 30, why: "Cognito's quota of ListUsers"}, // user, topic
		"address-changed": {rounds: func(n int) int { return 2 * each(n) }, limit: 30, why: "Cognito's quota of ListUsers"}, // user, topic
		"bridge":          {rounds: func(n int) int { return (n + 9) / 10 }, signIns: true},                                 // PutEvents takes ten
		"client-events":   {rounds: func(int) int { return 2 }, limit: appEvents / 60, why: "`AppEventsPerMinute`"},
		"drain":           {rounds: func(n int) int { return (n + 9) / 10 }, signIns: true}, // PublishBatch takes ten
		"metrics":         {rounds: each, signIns: true},
		"notices":         {rounds: func(n int) int { return 4 * n }, limit: 14, why: "SES's usual rate for a new account"}, // user, claim, mail, claim
		"recorder":        {rounds: each, limit: 1000, why: "the index's partition of a day", signIns: true},
		"sender":          {rounds: func(n int) int { return 3 * each(n) }, limit: 14, why: "SES's rate of a new account"},                                               // key, mail, topic
		"signin-records":  {rounds: func(n int) int { return 2*each(n) + 1 }, limit: 1000, why: "the index's partition of a day, if every sign-in fails", signIns: true}, // mark, row, topic
	}[function]
	return w, ok
}

// consumerTable returns the table of a service's consumers, or "".
func consumerTable(t *template.Template) (string, error) {
	parameters := map[string]string{}
	for _, p := range t.Parameters() {
		if p.Default != nil {
			parameters[p.Name] = *p.Default
		}
	}
	var rows []string
	for _, m := range t.Resources("AWS::Lambda::EventSourceMapping") {
		for _, f := range t.Resources(repository.FunctionType) {
			if template.Text(m.Prop("FunctionName")) != "ref:"+f.ID+".Alias" {
				continue
			}
			row, err := consumerRow(m, f, parameters)
			if err != nil {
				return "", err
			}
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return "", nil
	}
	head := fmt.Sprintf("| queue of | batch × executions | a batch at %d ms a call | by calls | by CPU | sustained | %d sign-ins a second | %s |\n|---|---|---|---|---|---|---|---|\n",
		latency.Milliseconds(), quota, number(10*quota))
	return head + strings.Join(rows, ""), nil
}

func consumerRow(m, f template.Resource, parameters map[string]string) (string, error) {
	name := path.Base(template.Text(f.Prop("CodeUri")))
	w, known := workOf(name, parameters)
	if !known {
		return "", fmt.Errorf("%s: rules/templates/capacity_test.go does not know what %s does for a batch", f, name)
	}
	batch, err := strconv.Atoi(template.Text(m.Prop("BatchSize")))
	if err != nil {
		return "", fmt.Errorf("%s: no BatchSize", m)
	}
	executions, err := strconv.Atoi(template.Text(m.Prop("ScalingConfig", "MaximumConcurrency")))
	if err != nil {
		executions = batches
	}
	memory, err := strconv.Atoi(template.Text(setting(f, "MemorySize")))
	if err != nil {
		memory = 128 // Lambda's default
	}
	took := time.Duration(w.rounds(batch)) * latency
	calls := float64(executions*batch) / took.Seconds()
	cpu := float64(executions*perCore*memory) / wholeCore
	sustained, note := min(calls, cpu), ""
	if w.limit > 0 && w.limit < sustained {
		sustained, note = w.limit, ": "+w.why
	}
	label := name
	if strings.HasSuffix(m.ID, "GuestSource") {
		label += ", guests"
	} else if strings.HasSuffix(m.ID, "UserSource") {
		label += ", users"
	}
	loads := []string{"–", "–"}
	if w.signIns {
		loads = []string{share(quota*perSignIn, sustained), share(10*quota*perSignIn, sustained)}
	}
	return fmt.Sprintf("| %s | %d × %d | %d ms | %s | %s | **%s a second**%s | %s | %s |\n", label, batch, executions, took.Milliseconds(),
		number(calls), number(cpu), number(sustained), note, loads[0], loads[1]), nil
}

// share says how much of the capacity a load takes, or how fast events pile up.
func share(load, capacity float64) string {
	if load > capacity {
		return fmt.Sprintf("%s more wait each second", number(load-capacity))
	}
	return fmt.Sprintf("%.0f %%", 100*load/capacity)
}

// number writes a whole number with commas between thousands.
func number(n float64) string {
	digits := strconv.Itoa(int(n))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// marks are the lines around what this test writes into a page.
func marks(name string) (begin, end string) {
	return "<!-- " + name + ": written by UPDATE=capacity go test ./rules/templates -run TestCapacity -->\n\n", "\n<!-- end of " + name + " -->"
}

// withSection replaces a section of a page. It reports whether the page has one.
func withSection(page, name, text string) (string, bool) {
	begin, end := marks(name)
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return page, false
	}
	return before + begin + text + end + after, true
}

// TestCapacity: the READMEs say what the templates' consumers and triggers can do.
func TestCapacity(t *testing.T) {
	t.Parallel()
	for _, tmpl := range repository.Templates(t) {
		if path.Base(tmpl.Path) != "template.yaml" || !strings.HasPrefix(tmpl.Path, "services/") {
			continue
		}
		consumers, err := consumerTable(tmpl)
		if err != nil {
			t.Error(err)
			continue
		}
		file := filepath.Join(repository.Root, path.Dir(tmpl.Path), "README.md")
		page := repository.Read(t, file)
		want := page
		for name, text := range map[string]string{"consumers": consumers, "triggers": triggerTable(tmpl, heldByTrigger(t))} {
			if text == "" {
				continue
			}
			var found bool
			if want, found = withSection(want, name, text); !found {
				begin, end := marks(name)
				t.Errorf("%s has no section of its %s:\n%s…%s", repository.Short(file), name, begin, end)
			}
		}
		if want == page {
			continue
		}
		if os.Getenv("UPDATE") != "capacity" {
			t.Errorf("%s differs from the templates; run UPDATE=capacity go test ./rules/templates -run TestCapacity", repository.Short(file))
		} else if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Error(err)
		}
	}
}

func TestCapacityPlanted(t *testing.T) {
	t.Parallel()
	const function = "  MetricsFunction: {Type: AWS::Serverless::Function, Properties: {CodeUri: cmd/metrics, MemorySize: 128}}\n"
	const source = "  MetricsSource: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref MetricsFunction.Alias, BatchSize: 50, ScalingConfig: {MaximumConcurrency: 10}}}\n"
	table := func(text string) string {
		got, err := consumerTable(repository.MustParse(t, "services/x/template.yaml", "Resources:\n"+text))
		if err != nil {
			return err.Error()
		}
		return got
	}
	const good = "| metrics | 50 × 10 | 25 ms | 20,000 | 3,617 | **3,617 a second** | 7 % | 66 % |"
	if got := table(function + source); !strings.Contains(got, good) {
		t.Errorf("table:\n%s\nwant a line\n%s", got, good)
	}
	for name, c := range map[string][3]string{
		"fewer_executions": {"MaximumConcurrency: 10", "MaximumConcurrency: 2", "| 50 × 2 | 25 ms | 4,000 | 723 | **723 a second** | 33 % | 1,676 more wait each second |"},
		"no_limit":         {", ScalingConfig: {MaximumConcurrency: 10}", "", "| 50 × 1000 |"},
		"smaller_batch":    {"BatchSize: 50", "BatchSize: 5", "| 5 × 10 | 5 ms | 10,000 | 3,617 |"},
		"more_memory":      {"MemorySize: 128", "MemorySize: 1769", "| 20,000 | 50,000 | **20,000 a second** |"},
		"unknown_consumer": {"cmd/metrics", "cmd/other", "does not know what other does"},
	} {
		text := function + source
		if !strings.Contains(text, c[0]) {
			t.Fatalf("%s: the text to replace is missing", name)
		}
		if got := table(strings.Replace(text, c[0], c[1], 1)); !strings.Contains(got, c[2]) {
			t.Errorf("%s:\n%s\nwant %q", name, got, c[2])
		}
	}
	if _, found := withSection("no section", "consumers", "x"); found {
		t.Error("a page without a section has one")
	}
}
