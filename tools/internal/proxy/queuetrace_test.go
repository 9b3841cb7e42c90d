package proxy

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// carried runs telemetry/queuetrace.py and lambdatrace.py with a stand-in for the emulator. An
// event is published, and a message sent, by a call with the trace header of the first
// argument; then a function is called with a batch of both. It prints the attributes of both
// messages and the segments, with the names of new ids: a for the topic's.
const carried = `
import asyncio, json, os, secrets, socket, sys, types
os.environ["AWS_XRAY_DAEMON_ADDRESS"] = "127.0.0.1:1"
drawn = iter("abcdef")
secrets.token_hex = lambda n: next(drawn) * 2 * n
queued, segments = [], []
sqs = types.SimpleNamespace(
    _build_send_sys_attrs=lambda now, given: dict(given),
    _ensure_msg_fields=lambda message: message.setdefault("sys", {}))
async def send(method, path, headers, body, query):
    queued.append(sqs._build_send_sys_attrs(0, body))
sqs.handle_request = send
def fanout(topic, *message, **more):
    delivered = {}
    sqs._ensure_msg_fields(delivered)
    queued.append(delivered["sys"])
sns = types.SimpleNamespace(_fanout=fanout)
async def publish(method, path, headers, body, query):
    sns._fanout("arn:aws:sns:r:1:topic", "id", "message")
sns.handle_request = publish
services = types.ModuleType("ministack.services")
services.sns, services.sqs = sns, sqs
runtime = types.ModuleType("ministack.core.lambda_runtime")
class ProvidedWorker:
    config = {}
    def invoke(self, event, request_id, *, trace_id=None, invoked_function_arn=None):
        return {"status": "ok"}
runtime.ProvidedWorker = ProvidedWorker
sys.modules |= {"ministack": types.ModuleType("ministack"), "ministack.core": types.ModuleType("ministack.core"),
                "ministack.services": services, "ministack.core.lambda_runtime": runtime}
from telemetry import lambdatrace, queuetrace
lambdatrace.to_daemon = lambda sender, address: segments.extend
lambdatrace.install()
queuetrace.install()
headers, own = {lambdatrace.HEADER: sys.argv[1]}, json.loads(sys.argv[2])
asyncio.run(sns.handle_request("POST", "/", headers, b"", {}))
asyncio.run(sqs.handle_request("POST", "/", headers, own, {}))
sqs._ensure_msg_fields(later := {})
batch = {"Records": [{"attributes": attributes} for attributes in queued + queued]}
ProvidedWorker().invoke(batch, "request", trace_id="Root=1-00000000-000000000000000000000001", invoked_function_arn="arn:aws:lambda:r:1:function:f")
print(json.dumps({
    "Queued": [attributes.get("AWSTraceHeader", "") for attributes in queued], "Later": later["sys"],
    "Segments": [" ".join([s["trace_id"][-1], s.get("parent_id", "-")[:2], s["origin"], s["name"]]) for s in segments],
    "Links": [" ".join([l["trace_id"], l["id"][:2], l["attributes"]["aws.xray.reserved.reference_type"]]) for s in segments for l in s.get("links", [])],
}))
`

func TestTracesPassTopicsAndQueues(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	const root, other = "1-67891233-abcdef012345678912345678", "1-67891233-000000000000000000000009"
	const parent, topic = "53995c3f42cd8ad8", "aaaaaaaaaaaaaaaa"
	type outcome struct {
		Queued   []string
		Later    map[string]string
		Segments []string
		Links    []string
	}
	run := []string{"1 - AWS::Lambda f"}
	for name, tc := range map[string]struct {
		header, attributes string
		want               outcome
	}{
		"sampled": {"Root=" + root + ";Parent=" + parent + ";Sampled=1", `{}`, outcome{
			Queued:   []string{"Root=" + root + ";Parent=" + topic + ";Sampled=1", "Root=" + root + ";Parent=" + parent + ";Sampled=1"},
			Segments: append([]string{"8 53 AWS::SNS topic"}, append(run, "1 bb AWS::Lambda::Function f")...),
			Links:    []string{root + " aa parent", root + " 53 parent"},
		}},
		"not_sampled": {"Root=" + root + ";Parent=" + parent + ";Sampled=0", `{}`, outcome{
			Queued:   []string{"Root=" + root + ";Parent=" + parent + ";Sampled=0", "Root=" + root + ";Parent=" + parent + ";Sampled=0"},
			Segments: append(run, "1 bb AWS::Lambda::Function f"),
		}},
		"attribute_counts": {"Root=" + root + ";Parent=" + parent + ";Sampled=1", `{"AWSTraceHeader":"Root=` + other + `;Parent=` + parent + `;Sampled=1"}`, outcome{
			Queued:   []string{"Root=" + root + ";Parent=" + topic + ";Sampled=1", "Root=" + other + ";Parent=" + parent + ";Sampled=1"},
			Segments: append([]string{"8 53 AWS::SNS topic"}, append(run, "1 bb AWS::Lambda::Function f")...),
			Links:    []string{root + " aa parent", other + " 53 parent"},
		}},
		"made_by_the_proxy": {"Root=" + root + ";Sampled=1", `{}`, outcome{
			Queued: []string{"", ""}, Segments: append(run, "1 aa AWS::Lambda::Function f"),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), python, "-B", "-c", carried, tc.header, tc.attributes).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got outcome
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			tc.want.Later = map[string]string{} // what no topic delivers has no topic's trace
			if tc.want.Links == nil {
				tc.want.Links = []string{}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("carried (-want +got):\n%s", diff)
			}
		})
	}
}
