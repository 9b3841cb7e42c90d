package history

import (
	"strings"
	"testing"
	"time"
)

func TestPrint(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	e := Execution{
		ID: "0123456789", Pipeline: "gatehouse-api", Structure: "abcdefghij", Source: "commit 1", Status: Failed, Rollback: "9876543210",
		Stages: []Stage{
			{Name: "Test", Actions: []Action{
				{Name: "ChangeSet", Started: at, Took: 1234 * time.Millisecond, Status: Succeeded, Note: "1 to add", Simulated: []string{"OnAws=false"}},
				{Name: "Execute", Started: at, Status: Failed, Error: "first\nsecond"},
			}},
			{Name: "Production"},
		},
	}
	var out strings.Builder
	Print(&out, e)
	for _, want := range []string{
		"gatehouse-api, execution 01234567, a rollback to execution 98765432: Failed", "version abcdefgh of",
		"1.2s  succeeded", "1 to add", "not reached", "failed     Test/Execute: first\n             second", "simulated  Test/ChangeSet: OnAws=false",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
