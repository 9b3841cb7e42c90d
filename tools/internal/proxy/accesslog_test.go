package proxy

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// accessed runs telemetry/accesslog.py with a stand-in for the emulator, which makes a
// stage, calls it, and makes the stage again without the setting. It prints the lines and
// the answers.
const accessed = `
import asyncio, json, sys, types
call, lines, groups = json.loads(sys.argv[1]), [], {"/g": {"streams": {}}}
stages = {"a": {"live": {}}}
class Error:
    response_type = "THROTTLED"
async def authorize(*call):
    return None, {"claims": {"aud": "web"}}
async def invoke(*call, **more):
    return {}, None
async def execute(request, *more):
    if call["stage"]:
        request["stage"] = stages["a"]["live"]
    request["resource_path"] = "/user"
    await gateway._authorize_request_v1()
    if call.get("refused"):
        return Error()
    await gateway._call_lambda_raw()
    return 200, {}, b"four"
services, cloudformation = types.ModuleType("ministack.services"), types.ModuleType("ministack.services.cloudformation")
gateway = services.apigateway_v1 = types.SimpleNamespace(
    _GatewayError=Error, _gateway_error_response=lambda error, request: (429, {}, b""), _stages_v1=stages,
    _header_ci=lambda headers, name: headers.get(name, ""),
    _authorize_request_v1=authorize, _call_lambda_raw=invoke, _execute_in_scope=execute)
services.cloudwatch_logs = types.SimpleNamespace(
    _log_groups=groups, _create_log_stream=lambda data: groups["/g"]["streams"].update({data["logStreamName"]: {}}),
    _put_log_events=lambda data: lines.extend(event["message"] for event in data["logEvents"]))
handlers = {"create": lambda *given: ("live", {}), "update": lambda *given: ("live", {})}
cloudformation.provisioners = types.SimpleNamespace(_RESOURCE_HANDLERS={"AWS::ApiGateway::Stage": handlers})
sys.modules |= {"ministack": types.ModuleType("ministack"), "ministack.services": services, "ministack.services.cloudformation": cloudformation}
from telemetry import accesslog
accesslog.install()
stage = {"RestApiId": "a", "StageName": "live"}
handlers["create"]("Stage", stage | {"AccessLogSetting": {"DestinationArn": call["group"], "Format": call["format"]}}, "stack")
def ask():
    request = {"stage": None, "resource_path": "", "request_id": "r1"}
    return asyncio.run(gateway._execute_in_scope(request, "a", "live", "GET", "/user", {"x-amzn-trace-id": "Self=1;Root=1-2-3;Sampled=1"}, b"", {}))[0]
status = ask()
handlers["update"]("live", {}, stage, "stack")
ask()
print(json.dumps([status, lines]))
`

func TestAccessLog(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	const group = `"group":"arn:aws:logs:r:1:log-group:/g:*"`
	for name, tc := range map[string]struct {
		call   string
		status float64
		lines  []any
	}{
		"answered": {
			`{"stage":true,` + group + `,"format":"$context.httpMethod $context.resourcePath $context.status $context.responseLength $context.error.responseType $context.authorizer.claims.aud $context.xrayTraceId $context.requestId $context.other"}`,
			200,
			[]any{"GET /user 200 4 - web 1-2-3 r1 -"},
		},
		"refused":         {`{"stage":true,"refused":true,` + group + `,"format":"$context.status $context.integrationLatency $context.error.responseType"}`, 429, []any{"429 - THROTTLED"}},
		"function_called": {`{"stage":true,` + group + `,"format":"$context.integrationLatency"}`, 200, []any{"0"}},
		"no_group":        {`{"stage":true,"group":"","format":"x"}`, 200, []any{}},
		"unknown_group":   {`{"stage":true,"group":"arn:aws:logs:r:1:log-group:/h","format":"x"}`, 200, []any{}},
		"no_stage":        {`{"stage":false,` + group + `,"format":"x"}`, 200, []any{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), python, "-B", "-c", accessed, tc.call).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got []any
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if diff := cmp.Diff([]any{tc.status, tc.lines}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
