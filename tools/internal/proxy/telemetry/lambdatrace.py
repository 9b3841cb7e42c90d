"""Lets the emulator's functions take part in traces.

Gap: the emulator gives each run of a function a trace of its own, whatever header
the call came with, and sends no segments for it. Delete this file when it does both.

On AWS, the service Lambda writes two segments for a run, AWS::Lambda and
AWS::Lambda::Function below it, and the function's own hang below the second
(https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html). A run for a batch of an
SQS queue is a trace of its own, whose first segment has links to the traces of the messages
(https://docs.aws.amazon.com/xray/latest/devguide/xray-tracelinking.html).
"""

import json
import os
import secrets
import socket
import time

from ministack.core.lambda_runtime import ProvidedWorker

HEADER = "x-amzn-trace-id"
FIELDS = ("Root", "Parent", "Sampled")

# X-Ray's limit for one segment, in the page on trace linking.
MOST_LINKS = 20


def daemon():
    """The address of the X-Ray daemon, which the functions are given too."""
    host, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].rsplit(":", 1)
    return host, int(port)


def parse(header):
    """The fields of a trace header that concern a run."""
    pairs = (field.partition("=") for field in (header or "").split(";"))
    return {name.strip(): value for name, _, value in pairs if name.strip() in FIELDS}


def inbound(event):
    """The header of the HTTP request that the event stands for, if it is one."""
    headers = event.get("headers") if isinstance(event, dict) and "requestContext" in event else None
    if not isinstance(headers, dict):
        return None
    return next((value for name, value in headers.items() if name.lower() == HEADER), None)


def links(event):
    """The links of a run for a batch of SQS: to the part of each trace that sent a message."""
    records = event.get("Records") if isinstance(event, dict) else None
    found = []
    for record in records if isinstance(records, list) else []:
        attributes = record.get("attributes") if isinstance(record, dict) else None
        sender = parse(attributes.get("AWSTraceHeader")) if isinstance(attributes, dict) else {}
        if "Root" not in sender or "Parent" not in sender or sender.get("Sampled") == "0":
            continue
        link = {"trace_id": sender["Root"], "id": sender["Parent"],
                "attributes": {"aws.xray.reserved.reference_type": "parent"}}
        if link not in found:
            found.append(link)
    return found[:MOST_LINKS]


def documents(trace, ids, arn, request_id, times, result, linked=()):
    """The two segments of one run."""
    service, function = ids
    name = arn.split(":function:")[-1].split(":")[0]
    common = {
        "trace_id": trace["Root"], "name": name, "start_time": times[0], "end_time": times[1],
        "metadata": {"gatehouse": {"made_by": "proxy"}},
    }
    outer = common | {
        "id": service, "origin": "AWS::Lambda", "resource_arn": arn,
        "http": {"response": {"status": 200}}, "aws": {"request_id": request_id},
    }
    if "Parent" in trace:
        outer["parent_id"] = trace["Parent"]
    if linked:
        outer["links"] = list(linked)
    inner = common | {
        "id": function, "parent_id": service, "origin": "AWS::Lambda::Function",
        "aws": {"function_arn": arn, "resource_names": [name]},
    }
    if result.get("status") != "ok":
        failure = result.get("error_payload")
        kind = failure.get("errorType") if isinstance(failure, dict) else None
        exception = {"id": secrets.token_hex(8), "type": kind or "Unhandled", "message": str(result.get("error"))[:1000]}
        outer["fault"] = inner["fault"] = True
        inner["cause"] = {"exceptions": [exception]}
    return outer, inner


def to_daemon(sender, address):
    """Sends documents as a tracing SDK does. A trace must never cost a run."""

    def send(segments):
        for segment in segments:
            try:
                sender.sendto(b'{"format": "json", "version": 1}\n' + json.dumps(segment).encode(), address)
            except OSError as error:
                print(f"segment not sent: {error}", flush=True)

    return send


def traced(invoke, send):
    """ProvidedWorker.invoke as a part of the caller's trace, or of a new one."""

    def run(self, event, request_id, *, trace_id=None, invoked_function_arn=None, **named):
        called_with = inbound(event)
        # Without a caller's header, the id is the emulator's, and its parent does not exist.
        trace = parse(called_with) if called_with else {"Root": parse(trace_id).get("Root")}
        if trace_id is None or not trace.get("Root"):  # the function does not trace
            return invoke(self, event, request_id, trace_id=trace_id,
                          invoked_function_arn=invoked_function_arn, **named)
        ids = secrets.token_hex(8), secrets.token_hex(8)
        sampled = trace.get("Sampled", "1")
        started, result = time.time(), {}
        try:
            result = invoke(self, event, request_id, invoked_function_arn=invoked_function_arn,
                            trace_id=f"Root={trace['Root']};Parent={ids[1]};Sampled={sampled}", **named)
            return result
        finally:
            if sampled == "1":
                arn = invoked_function_arn or self.config.get("FunctionArn", "")
                send(documents(trace, ids, arn, request_id, (started, time.time()), result, links(event)))

    return run


def install():
    """Changes the emulator in this process."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ProvidedWorker.invoke = traced(ProvidedWorker.invoke, to_daemon(udp, daemon()))
