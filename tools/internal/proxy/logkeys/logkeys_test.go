package logkeys

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

const (
	logKeyARN    = "arn:aws:kms:us-east-1:000000000000:key/k"
	logKeyPolicy = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"logs.us-east-1.amazonaws.com"},"Action":["kms:Decrypt*","kms:GenerateDataKey*"],"Resource":"*",
		"Condition":{"ArnLike":{"kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:us-east-1:000000000000:log-group:*"}}}]}`
)

// groupsFake is the emulator with two groups and one key.
type groupsFake struct {
	mu      sync.Mutex
	groups  []map[string]any
	state   string
	policy  string
	refuses string // an error code for AssociateKmsKey
}

func newGroupsFake() *groupsFake {
	group := func(name string) map[string]any {
		return map[string]any{"logGroupName": name, "arn": "arn:aws:logs:us-east-1:000000000000:log-group:" + name + ":*", "creationTime": 1, "metricFilterCount": 3}
	}
	return &groupsFake{groups: []map[string]any{group("/a"), group("/b")}, state: "Enabled", policy: logKeyPolicy}
}

func (f *groupsFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch action {
	case "DescribeLogGroups":
		upstreamtest.WriteJSON(w, 200, map[string]any{"logGroups": f.groups, "nextToken": map[bool]any{true: "t"}[strings.Contains(string(body), "limit")]})
	case "DescribeKey":
		if !strings.Contains(string(body), logKeyARN) {
			upstreamtest.WriteJSON(w, 400, map[string]string{"__type": "NotFoundException"})
			return
		}
		upstreamtest.WriteJSON(w, 200, map[string]any{"KeyMetadata": map[string]string{"KeyState": f.state, "KeySpec": "SYMMETRIC_DEFAULT"}})
	case "GetKeyPolicy":
		upstreamtest.WriteJSON(w, 200, map[string]string{"Policy": f.policy})
	default:
		code := "InvalidOperationException"
		if f.refuses != "" {
			code = f.refuses
		}
		upstreamtest.WriteJSON(w, 400, map[string]string{"__type": code, "message": "Unknown action: " + action})
	}
}

// callLogs makes one call of CloudWatch Logs through the proxy.
func callLogs(t *testing.T, origin, action, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, origin, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", upstream.LogsTarget+action)
	status, _, text := upstreamtest.Do(t, req)
	return status, text
}

func start(t *testing.T, emulator http.Handler) (origin string) {
	t.Helper()
	server := httptest.NewServer(emulator)
	t.Cleanup(server.Close)
	up := upstreamtest.Upstream(t, server.URL)
	return upstreamtest.Serve(t, up, New(up, slog.New(slog.DiscardHandler)).Handler)
}

// shownKeys are the keys of the groups as a caller sees them.
func shownKeys(t *testing.T, origin string) map[string]string {
	t.Helper()
	status, text := callLogs(t, origin, "DescribeLogGroups", "{}")
	var out struct {
		LogGroups []struct {
			Name    string `json:"logGroupName"`
			Key     string `json:"kmsKeyId"`
			Filters int    `json:"metricFilterCount"`
		} `json:"logGroups"`
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil || status != 200 {
		t.Fatalf("DescribeLogGroups: %d %s, %v", status, text, err)
	}
	keys := map[string]string{}
	for _, g := range out.LogGroups {
		keys[g.Name] = g.Key
		if g.Filters != 3 {
			t.Errorf("the rest of %s was changed: %s", g.Name, text)
		}
	}
	return keys
}

func TestLogKeysComeAndGo(t *testing.T) {
	t.Parallel()
	f := newGroupsFake()
	origin := start(t, f)
	step := func(label, action, body string, want map[string]string) {
		t.Helper()
		if status, text := callLogs(t, origin, action, body); status != 200 || text != "" {
			t.Errorf("%s: %d %q", label, status, text)
		}
		if diff := cmp.Diff(want, shownKeys(t, origin)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", label, diff)
		}
	}
	step("associate", "AssociateKmsKey", `{"logGroupName":"/a","kmsKeyId":"`+logKeyARN+`"}`, map[string]string{"/a": logKeyARN, "/b": ""})
	step("by_arn", "AssociateKmsKey", `{"resourceIdentifier":"arn:aws:logs:us-east-1:000000000000:log-group:/b","kmsKeyId":"`+logKeyARN+`"}`, map[string]string{"/a": logKeyARN, "/b": logKeyARN})
	step("disassociate", "DisassociateKmsKey", `{"logGroupName":"/b"}`, map[string]string{"/a": logKeyARN, "/b": ""})

	f.groups[1]["kmsKeyId"] = "arn:template" // a stack update
	if got := shownKeys(t, origin)["/b"]; got != "arn:template" {
		t.Errorf("after a stack update: %q", got)
	}
	step("taken_from_a_template's", "DisassociateKmsKey", `{"logGroupName":"/b"}`, map[string]string{"/a": logKeyARN, "/b": ""})
	f.groups[0]["creationTime"] = 2 // deleted and made again
	if got := shownKeys(t, origin)["/a"]; got != "" {
		t.Errorf("a new group has the key of its predecessor: %q", got)
	}
}

func TestLogKeysRefuse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*groupsFake)
		body   string
		want   string
	}{
		"no_group":       {nil, `{"logGroupName":"/none","kmsKeyId":"` + logKeyARN + `"}`, "ResourceNotFoundException"},
		"no_key":         {nil, `{"logGroupName":"/a","kmsKeyId":"arn:other"}`, "could not be found. '/a'"},
		"disabled_key":   {func(f *groupsFake) { f.state = "Disabled" }, "", "InvalidParameterException"},
		"key_for_others": {func(f *groupsFake) { f.policy = strings.Replace(f.policy, "log-group:*", "log-group:/b", 1) }, "", "not allowed to be used with Arn 'arn:aws:logs:us-east-1:000000000000:log-group:/a'"},
		"other_region":   {func(f *groupsFake) { f.policy = strings.Replace(f.policy, "logs.us-east-1", "logs.eu-west-1", 1) }, "", "AccessDeniedException"},
		"no_permission":  {func(f *groupsFake) { f.refuses = "AccessDeniedException" }, "", "AccessDeniedException"},
		"no_json":        {nil, `{`, "InvalidOperationException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newGroupsFake()
			if tc.change != nil {
				tc.change(f)
			}
			if tc.body == "" {
				tc.body = `{"logGroupName":"/a","kmsKeyId":"` + logKeyARN + `"}`
			}
			origin := start(t, f)
			if status, text := callLogs(t, origin, "AssociateKmsKey", tc.body); status != 400 || !strings.Contains(text, tc.want) {
				t.Errorf("%d %s, want %s", status, text, tc.want)
			}
			if got := shownKeys(t, origin)["/a"]; got != "" {
				t.Errorf("the group got the key %q", got)
			}
		})
	}
}
