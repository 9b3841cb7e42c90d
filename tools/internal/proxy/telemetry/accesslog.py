"""Writes the access log of a REST API's stage.

Gap: the emulator drops the stage's AccessLogSetting and writes no log. Delete this file
when it writes one.

A variable without a value is a dash, as in AWS's examples:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html.
The emulator does not say why a function's answer is missing, so that error.responseType is
there only for what API Gateway refuses itself, or cannot find.
"""

import contextvars
import re
import time

from ministack.services import apigateway_v1 as gateway
from ministack.services import cloudwatch_logs as logs
from ministack.services.cloudformation import provisioners

TYPE = "AWS::ApiGateway::Stage"
STREAM = "proxy"
VARIABLE = re.compile(r"\$context((?:\.\w+)+)")

# What the parts of one call say about it.
current = contextvars.ContextVar("current")


def keeping(make):
    """Creates or updates a stage of a stack, with the setting."""

    def run(*arguments):
        made = make(*arguments)
        props = arguments[-2]  # before the name of the stack
        stage = gateway._stages_v1.get(props.get("RestApiId", ""), {}).get(props.get("StageName", ""))
        if stage is not None:
            setting = props.get("AccessLogSetting") or {}
            stage["accessLogSettings"] = {"destinationArn": setting.get("DestinationArn", ""), "format": setting.get("Format", "")}
        return made

    return run


def authorized(authorize):
    async def run(*arguments):
        error, context = await authorize(*arguments)
        for name, claim in ((context or {}).get("claims") or {}).items():
            current.get({})["authorizer.claims." + name] = claim
        return error, context

    return run


def timed(call):
    async def run(*arguments, **more):
        began = time.monotonic()
        try:
            return await call(*arguments, **more)
        finally:
            current.get({})["integrationLatency"] = milliseconds(began)

    return run


def milliseconds(began):
    return round((time.monotonic() - began) * 1000)


def trace(headers):
    for field in gateway._header_ci(headers or {}, "x-amzn-trace-id").split(";"):
        if field.startswith("Root="):
            return field.removeprefix("Root=")
    return ""


def logged(execute):
    """_execute_in_scope, which writes a line for each answer of a stage."""

    async def run(request, api_id, stage_name, method, path, headers, *more):
        about, began = {}, time.monotonic()
        token = current.set(about)
        try:
            answer = await execute(request, api_id, stage_name, method, path, headers, *more)
        finally:
            current.reset(token)
        if isinstance(answer, gateway._GatewayError):
            about["error.responseType"] = answer.response_type
            answer = gateway._gateway_error_response(answer, request)
        about |= {
            "httpMethod": method,
            "requestId": request["request_id"],
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
            "resourcePath": request["resource_path"],
            "responseLatency": milliseconds(began),
            "responseLength": len(answer[2] or b""),
            "stage": stage_name,
            "status": answer[0],
            "xrayTraceId": trace(headers),
        }
        write((request["stage"] or {}).get("accessLogSettings") or {}, about)
        return answer

    return run


def write(setting, about):
    group = setting.get("destinationArn", "").partition(":log-group:")[2].removesuffix(":*")
    if not group or group not in logs._log_groups:
        return
    line = VARIABLE.sub(lambda name: str(about.get(name[1][1:], "")) or "-", setting.get("format", ""))
    if STREAM not in logs._log_groups[group]["streams"]:
        logs._create_log_stream({"logGroupName": group, "logStreamName": STREAM})
    logs._put_log_events({"logGroupName": group, "logStreamName": STREAM, "logEvents": [{"message": line, "timestamp": int(time.time() * 1000)}]})


def install():
    """Changes the emulator in this process."""
    handlers = provisioners._RESOURCE_HANDLERS[TYPE]
    handlers["create"], handlers["update"] = keeping(handlers["create"]), keeping(handlers["update"])
    gateway._authorize_request_v1 = authorized(gateway._authorize_request_v1)
    gateway._call_lambda_raw = timed(gateway._call_lambda_raw)
    gateway._execute_in_scope = logged(gateway._execute_in_scope)
