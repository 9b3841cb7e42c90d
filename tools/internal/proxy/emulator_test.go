package proxy

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// gapImport is a line of emulator.py that imports gaps of this folder.
var gapImport = regexp.MustCompile(`(?m)^from ([a-z]+) import ([a-z, ]+)$`)

// emulator.py imports and installs each Python file below this folder.
func TestEmulatorInstallsEveryPythonFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("emulator.py")
	if err != nil {
		t.Fatal(err)
	}
	imported := map[string]bool{}
	for _, m := range gapImport.FindAllStringSubmatch(string(text), -1) {
		for name := range strings.SplitSeq(m[2], ", ") {
			imported[filepath.Join(m[1], name+".py")] = true
			if !strings.Contains(string(text), "    "+name+".install(") {
				t.Errorf("emulator.py does not install %s", name)
			}
		}
	}
	files, err := filepath.Glob("*/*.py")
	if err != nil || len(files) == 0 {
		t.Fatalf("no Python files: %v", err)
	}
	for _, file := range files {
		if !imported[file] {
			t.Errorf("emulator.py does not import %s", file)
		}
		delete(imported, file)
	}
	for file := range imported {
		t.Errorf("emulator.py imports %s, which does not exist", file)
	}
}

// judge runs iam/batches.py with a stand-in for the emulator, whose policies allow two
// parameters. It prints what a call of GetParameters is denied, or null.
const judge = `
import json, sys, types
def enforce(key, action, service, region, arn="*", context=None):
    return None if arn in ("arn:aws:ssm:r:1:parameter/a", "arn:aws:ssm:r:1:parameter/b/c") else arn
core = types.ModuleType("ministack.core")
core.iam_actions = types.SimpleNamespace(extract_iam_action=lambda action: action, extract_resource_arn=lambda *call: "*")
core.iam_evaluator = types.SimpleNamespace(enforce=enforce)
sys.modules |= {"ministack": types.ModuleType("ministack"), "ministack.core": core}
from iam import batches
batches.install()
headers = {"x-amz-target": "AmazonSSM.GetParameters"}
arn = core.iam_actions.extract_resource_arn("ssm", "POST", "/", headers, sys.argv[1].encode(), {}, "r", "1")
denied = core.iam_evaluator.enforce("k", "ssm:GetParameters", "ssm", "r", resource_arn=arn)
print(json.dumps([denied, f"{arn}", core.iam_actions.extract_iam_action("sqs:SendMessageBatch")]))
`

func TestGetParametersIsJudgedOnEachParameter(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	const prefix = "arn:aws:ssm:r:1:parameter/"
	for name, tc := range map[string]struct {
		body   string
		denied any
		named  string // in the text of an error
	}{
		"allowed":  {`{"Names":["/a","/b/c"]}`, nil, prefix + "a"},
		"version":  {`{"Names":["a:3"]}`, nil, prefix + "a"},
		"arn":      {`{"Names":["arn:aws:ssm:r:1:parameter/b/c"]}`, nil, prefix + "b/c"},
		"second":   {`{"Names":["/a","/x"]}`, prefix + "x", prefix + "x"},
		"no_names": {`{"Names":[]}`, "*", "*"},
		"no_list":  {`{"Names":1}`, "*", "*"},
		"no_json":  {`{`, "*", "*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), python, "-B", "-c", judge, tc.body).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got []any
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if diff := cmp.Diff([]any{tc.denied, tc.named, "sqs:SendMessage"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// contexts runs iam/conditions.py with a stand-in for the emulator, which knows one key of
// every call. It prints the keys of an upload and of a call to SNS, and the resource of a mail
// and its keys.
const contexts = `
import json, sys, types
core = types.ModuleType("ministack.core")
core.iam_actions = types.SimpleNamespace(s3_service_context=lambda *call: {"k": "v"}, request_tag_context=lambda *call: {"k": "v"},
                                         extract_resource_arn=lambda *call: "*")
core.iam_evaluator = types.SimpleNamespace(enforce=lambda key, action, service, region, arn, context: context)
sys.modules |= {"ministack": types.ModuleType("ministack"), "ministack.core": core}
from iam import conditions
conditions.install()
call = json.loads(sys.argv[1])
arn = core.iam_actions.extract_resource_arn("ses", "POST", "/v2/email/outbound-emails", {}, call.get("mail", "").encode(), {}, "r", "1")
print(json.dumps([
    core.iam_actions.s3_service_context(call["s3"], call.get("query"), "/bucket/key", call.get("headers")),
    core.iam_actions.request_tag_context("sns", call["sns"], call.get("body", "").encode(), {}),
    core.iam_evaluator.enforce("k", "ses:SendEmail", "ses", "r", arn, {"k": "v"}) | {"resource": arn},
]))
`

func TestConditionKeysOfCalls(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	known := map[string]any{"k": "v"}
	with := func(more map[string]any) map[string]any {
		all := maps.Clone(known)
		maps.Copy(all, more)
		return all
	}
	other := with(map[string]any{"resource": "*"})
	for name, tc := range map[string]struct {
		call          string
		s3, sns, mail map[string]any
	}{
		"upload":       {`{"s3": "s3:PutObject", "sns": "sns:Publish"}`, with(map[string]any{"s3:ObjectCreationOperation": "true"}), known, other},
		"conditional":  {`{"s3": "s3:PutObject", "headers": {"if-none-match": "*"}, "sns": ""}`, with(map[string]any{"s3:ObjectCreationOperation": "true", "s3:if-none-match": "*"}), known, other},
		"part":         {`{"s3": "s3:PutObject", "query": {"partNumber": ["1"], "uploadId": ["a"]}, "sns": ""}`, with(map[string]any{"s3:ObjectCreationOperation": "false"}), known, other},
		"start":        {`{"s3": "s3:PutObject", "query": {"uploads": [""]}, "sns": ""}`, with(map[string]any{"s3:ObjectCreationOperation": "false"}), known, other},
		"completion":   {`{"s3": "s3:PutObject", "query": {"uploadId": ["a"]}, "sns": ""}`, with(map[string]any{"s3:ObjectCreationOperation": "true"}), known, other},
		"subscription": {`{"s3": "s3:GetObject", "headers": {"if-none-match": "*"}, "sns": "sns:Subscribe", "body": "Action=Subscribe&Protocol=sqs&Endpoint=arn%3Aaws%3Asqs%3Ar%3A1%3Aq"}`, known, with(map[string]any{"sns:Protocol": "sqs", "sns:Endpoint": "arn:aws:sqs:r:1:q"}), other},
		"mail": {`{"s3": "", "sns": "", "mail": "{\"FromEmailAddress\": \"Example <no-reply@example.com>\"}"}`, known, known, with(map[string]any{
			"resource": "arn:aws:ses:r:1:identity/example.com", "ses:FromAddress": "no-reply@example.com",
		})},
		"no_endpoint": {`{"s3": "", "sns": "sns:Subscribe", "body": "Protocol=sqs"}`, known, with(map[string]any{"sns:Protocol": "sqs"}), other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), python, "-B", "-c", contexts, tc.call).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got []map[string]any
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if diff := cmp.Diff([]map[string]any{tc.s3, tc.sns, tc.mail}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// runtime runs origins/listeners.py with a stand-in for hypercorn, and a server of
// Python's own, as the emulator starts one for each function. It prints where the
// emulator listens, and how the server answers the requests of the arguments.
const runtime = `
import http.client, http.server, json, sys, threading, types
served = []
asyncio = types.ModuleType("hypercorn.asyncio")
asyncio.serve = lambda app, config, **more: served.append([config.bind, config.umask])
hypercorn = types.ModuleType("hypercorn")
hypercorn.asyncio = asyncio
sys.modules |= {"hypercorn": hypercorn, "hypercorn.asyncio": asyncio}
from origins import listeners
listeners.install("/dir/socket")
asyncio.serve(None, types.SimpleNamespace(bind=["127.0.0.1:4567"], umask=None))
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args): pass
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
statuses = []
for headers in json.loads(sys.argv[1]):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    connection.request("GET", "/2018-06-01/runtime/invocation/next", headers=headers)
    statuses.append(connection.getresponse().status)
print(json.dumps([served, statuses]))
`

func TestEmulatorListensToNoBrowser(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	requests := `[{}, {"Host": "localhost:1"}, {"Host": "evil.example:1"}, {"Host": ""}, {"Origin": "http://evil.example"},
		{"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"sec-fetch-site": "none"}]`
	out, err := exec.CommandContext(t.Context(), python, "-B", "-c", runtime, requests).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const want = `[[[["unix:/dir/socket"], 63]], [200, 200, 403, 403, 403, 403, 403, 403]]`
	if got := strings.TrimSpace(string(out)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// served runs trail/services.py and trail/callers.py with a stand-in for the emulator, whose
// queue admits one rule. It prints whether a message was taken, and the note of the caller.
const served = `
import asyncio, json, sys, types
class Err(Exception):
    pass
def enforce(queue, action):
    raise Err("as root")
def allows(arn, service, source, account):
    return (arn, service, source, account) == ("q", "events.amazonaws.com", "arn:aws:events:r:1:rule/a", "1")
async def answer(*call):
    return 200, {"a": "b"}, b""
call = json.loads(sys.argv[1])
names = ["ministack", "ministack.app", "ministack.core", "ministack.services"]
sys.modules |= {name: types.ModuleType(name) for name in names}
app, core, services = (sys.modules[name] for name in names[1:])
sys.modules["ministack"].app = app
app.SERVICE_HANDLERS = {"cognito-idp": answer}
core.iam_evaluator = types.SimpleNamespace(pin_request_caller=lambda *headers: None, caller_arn=lambda: call["arn"])
services.iam = types.SimpleNamespace(_roles={"Support": {"RoleId": "AROA", "Arn": "arn:aws:iam::1:role/p/Support"}}, _users={"ada": {"UserId": "AIDA"}})
services.sqs = types.SimpleNamespace(_enforce_queue_policy=enforce, queue_policy_allows=allows, _Err=lambda *error: Err(error[0]))
from trail import callers, services
services.install()
callers.install()
core.iam_evaluator.pin_request_caller(call.get("headers", {}), {})
taken = "taken"
try:
    sys.modules["ministack.services"].sqs._enforce_queue_policy({"attributes": {"QueueArn": "q"}}, call.get("action", "sqs:SendMessage"))
except Err as error:
    taken = str(error)
status, headers, _ = asyncio.run(app.SERVICE_HANDLERS["cognito-idp"]())
print(json.dumps([taken, headers["a"], json.loads(headers["x-gatehouse-caller"])]))
`

func TestWhoSendsAndWhoCalls(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	const root = "arn:aws:iam::1:root"
	header := func(value string) string { return `"headers":{"x-gatehouse-service":"` + value + `"}` }
	for name, tc := range map[string]struct {
		arn, call, taken string
		note             map[string]any
	}{
		"root":           {root, `"a":1`, "as root", map[string]any{"id": ""}},
		"rule":           {root, header("events.amazonaws.com arn:aws:events:r:1:rule/a"), "taken", map[string]any{"id": ""}},
		"another_rule":   {root, header("events.amazonaws.com arn:aws:events:r:1:rule/b"), "AccessDenied", map[string]any{"id": ""}},
		"another_action": {root, `"action":"sqs:DeleteMessage",` + header("events.amazonaws.com arn:aws:events:r:1:rule/a"), "AccessDenied", map[string]any{"id": ""}},
		"role": {
			"arn:aws:sts::1:assumed-role/Support/desk", header("events.amazonaws.com arn:aws:events:r:1:rule/a"), "as root",
			map[string]any{"id": "AROA", "role": "arn:aws:iam::1:role/p/Support"},
		},
		"user": {"arn:aws:iam::1:user/p/ada", `"a":1`, "as root", map[string]any{"id": "AIDA"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), python, "-B", "-c", served, `{"arn":"`+tc.arn+`",`+tc.call+`}`).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got []any
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			tc.note["arn"] = tc.arn
			if diff := cmp.Diff([]any{tc.taken, "b", tc.note}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
