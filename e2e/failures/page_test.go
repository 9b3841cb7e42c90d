package failures

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const page = "../../docs/failures.md"

// TestFailures causes every fault of every function, and compares the outcomes with
// docs/failures.md. UPDATE=failures.md writes the page.
func TestFailures(t *testing.T) {
	t.Parallel()
	bin, all := build(t), alarms(t)
	var mu sync.Mutex
	found := map[string]map[string]outcome{}
	t.Run("each", func(t *testing.T) {
		for _, s := range subjects() {
			found[s.name] = map[string]outcome{}
			for _, f := range faults() {
				t.Run(s.name+"/"+strings.ReplaceAll(f.name, " ", "_"), func(t *testing.T) {
					t.Parallel()
					o, raised := cause(t, bin, s, f)
					o.alarms = strings.Join(telling(all, raised), ", ")
					mu.Lock()
					defer mu.Unlock()
					found[s.name][f.name] = o
				})
			}
		}
	})
	if t.Failed() {
		return
	}
	want := write(found)
	raw, err := os.ReadFile(page)
	if err != nil && os.Getenv("UPDATE") == "" {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE") == "failures.md" {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("docs/failures.md is not what the faults did; UPDATE=failures.md go test ./e2e/failures writes it (-want +got):\n%s", diff)
	}
}

// head explains the tables. `TestFailureImpact` in rules/templates reads them.
const head = `# What fails, and what follows

` + "`TestFailures` in [e2e/failures](../e2e/failures) causes every fault below with the real binaries and writes this page." + `
Lambda, SNS, SQS, DynamoDB and EventBridge are simulated there as AWS documents them; nothing of this was seen on AWS.
A panic in a handler is not in the tables: it is recovered and logged, and the request goes on.

- *Permission gone*: a consumer may not read its queue; anything else may not be called. *Throttle*: Lambda does not run
  the function. *Key disabled*: every key of the services.
- *Event*: where it is while the fault lasts. *Nowhere*: it was not made; a person who tries again makes one. *None*: no
  event belongs to the call. Events are in their queue for hours before they are dead letters
  ([0031](adr/0031-outages-of-consumers.md)).
- *Alarm*: those that watch a metric which the fault raises, without ` + "`gatehouse-{environment}-`" + `; on AWS composite alarms
  notify for them. Each alarm's description names its [playbook](playbooks/).

Lambda does not count calls that are not permitted. That Cognito may not call a trigger, the platform's alarms tell by
Cognito's own counts, which are not simulated here; ` + "`gatehouse status` and `gatehouse canary`" + ` notice it without people
([playbook](playbooks/triggers-not-called.md)).

[A switch of the platform](../platform/README.md#switching-a-trigger-off) takes a failing trigger out of the pool.
`

// write is the page. Faults with the same outcome share a row.
func write(found map[string]map[string]outcome) string {
	var b strings.Builder
	b.WriteString(head)
	for _, s := range subjects() {
		b.WriteString("\n## " + s.name + "\n\n| fault | people | event | alarm |\n|---|---|---|---|\n")
		var order []outcome
		names := map[outcome][]string{}
		for _, f := range faults() {
			o := found[s.name][f.name]
			if _, ok := names[o]; !ok {
				order = append(order, o)
			}
			names[o] = append(names[o], f.name)
		}
		for _, o := range order {
			alarm := o.alarms
			if alarm == "" {
				alarm = "none"
			}
			b.WriteString("| " + strings.Join(names[o], ", ") + " | " + o.person + " | " + o.event + " | " + alarm + " |\n")
		}
	}
	return b.String()
}
