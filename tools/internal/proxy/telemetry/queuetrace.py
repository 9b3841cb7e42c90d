"""Carries traces through the emulator's topics and queues.

Gap: SNS and SQS pass the trace header of a call on to who receives the message, in its
system attribute AWSTraceHeader, and a topic with active tracing sends a segment. The
emulator keeps that attribute of a single SendMessage only, and passes nothing on. Delete
this file when it does all of it.

https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html: the header of the
HTTP request counts for all messages of a request, and a message's attribute overrides it.
https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sns.html: SNS passes the trace
context on to subscribers, and sends segments of what traced clients publish.
"""

import contextvars
import secrets
import socket
import time

from ministack.services import sns, sqs

from telemetry import lambdatrace

ATTRIBUTE = "AWSTraceHeader"

# The header of the call that is handled now.
CALLER = contextvars.ContextVar("caller", default="")
# The header that a topic passes on, while it delivers.
PASSED = contextvars.ContextVar("passed", default="")


def remembering(handle):
    """handle_request of a service, which remembers the trace header of the call.

    The proxy gives each request without a header one that has a root only. Callers that
    take part in a trace name the part that calls, so a header without one is left out.
    """

    async def run(method, path, headers, body, query_params):
        header = headers.get(lambdatrace.HEADER, "")
        CALLER.set(header if "Parent" in lambdatrace.parse(header) else "")
        return await handle(method, path, headers, body, query_params)

    return run


def attributed(build):
    """_build_send_sys_attrs, which adds the caller's trace."""

    def run(now, given):
        attributes = build(now, given)
        if CALLER.get():
            attributes.setdefault(ATTRIBUTE, CALLER.get())
        return attributes

    return run


def passing(ensure):
    """_ensure_msg_fields, which gives what a topic delivers the topic's trace."""

    def run(message):
        ensure(message)
        if PASSED.get():
            message["sys"].setdefault(ATTRIBUTE, PASSED.get())

    return run


def published(fanout, send):
    """_fanout of a message, which makes the topic a part of the publisher's trace."""

    def run(topic_arn, *message, **more):
        trace = lambdatrace.parse(CALLER.get())
        if not trace:
            return fanout(topic_arn, *message, **more)
        segment, started = secrets.token_hex(8), time.time()
        sampled = trace.get("Sampled", "1")
        parent = segment if sampled == "1" else trace["Parent"]
        token = PASSED.set(f"Root={trace['Root']};Parent={parent};Sampled={sampled}")
        try:
            return fanout(topic_arn, *message, **more)
        finally:
            PASSED.reset(token)
            if sampled == "1":
                send([{
                    "trace_id": trace["Root"], "id": segment, "parent_id": trace["Parent"],
                    "name": topic_arn.rsplit(":", 1)[-1], "origin": "AWS::SNS",
                    "start_time": started, "end_time": time.time(),
                    "resource_arn": topic_arn, "aws": {"operation": "Publish", "topic_arn": topic_arn},
                    "metadata": {"gatehouse": {"made_by": "proxy"}},
                }])

    return run


def install():
    """Changes the emulator in this process."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sqs._build_send_sys_attrs = attributed(sqs._build_send_sys_attrs)
    sqs._ensure_msg_fields = passing(sqs._ensure_msg_fields)
    sqs.handle_request = remembering(sqs.handle_request)
    sns.handle_request = remembering(sns.handle_request)
    sns._fanout = published(sns._fanout, lambdatrace.to_daemon(udp, lambdatrace.daemon()))
