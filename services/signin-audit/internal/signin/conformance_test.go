package signin

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/trigger"
)

// The payload files of this service have the keys of AWS's own fixtures, and
// the functions take those fixtures too.
func TestPayloadsConformToAWS(t *testing.T) {
	t.Parallel()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, tc := range []struct {
		fixture string
		ours    []string
		work    func(Publisher) trigger.Func
	}{
		{"preauthentication", []string{"preauthentication.json", "preauthentication-unknown-user.json"}, Attempted},
		{"postauthentication", []string{"postauthentication.json", "postauthentication-new-device.json"}, Succeeded},
	} {
		t.Run(tc.fixture, func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata", "cognito-event-userpools-"+tc.fixture+".json"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range tc.ours {
				if diff := cmp.Diff(keys(t, raw), keys(t, read(t, name))); diff != "" {
					t.Errorf("%s: keys (-AWS +ours):\n%s", name, diff)
				}
			}
			var p topic
			if _, _, err := invoke(t, &p, tc.work, raw); err != nil || len(p.sent) != 1 {
				t.Errorf("AWS's fixture: %d events, error %v", len(p.sent), err)
			}
		})
	}
}

// keys lists the keys of a payload, nested ones with their path. The keys
// of the three free-form maps differ from call to call.
func keys(t *testing.T, raw []byte) []string {
	t.Helper()
	var top struct {
		Top     map[string]json.RawMessage
		Caller  map[string]json.RawMessage `json:"callerContext"`
		Request map[string]json.RawMessage `json:"request"`
	}
	if err := json.Unmarshal(raw, &top); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &top.Top); err != nil {
		t.Fatal(err)
	}
	var all []string
	for prefix, m := range map[string]map[string]json.RawMessage{"": top.Top, "callerContext.": top.Caller, "request.": top.Request} {
		for k := range m {
			all = append(all, prefix+k)
		}
	}
	slices.Sort(all)
	return all
}
