"""A service of your own: it would send a mail to everybody who has an account at last,
and here it logs that it would.

It uses nothing of Gatehouse and no library: an event is a JSON object, whose attributes are
those of CloudEvents 1.0, and what a type contains is in its JSON Schema.
"""

import json
import time

# What every CloudEvent has: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
REQUIRED = ("specversion", "id", "source", "type")


class NotAnEvent(Exception):
    """The message is not an event. The text does not quote it: it may contain anything."""


def handle(event):
    """Gets every event that the subscription's filter lets through, at least once and in no
    order. An exception brings the event back a minute later. A second copy has the same id:
    what must happen once, such as a mail, needs a conditional write on the id.
    """
    about = {key: event.get(key) for key in ("type", "id", "subject")}
    if event["type"] == "gatehouse.user.created.v1":
        # Later versions may have other values and fields.
        log("INFO", "here a mail would be sent", **about, via=event["data"]["via"])
    elif event["type"] == "gatehouse.user.signin.succeeded.v1":
        log("INFO", "a sign-in", **about)
    else:
        log("WARN", "not for this function; change the subscription's filter", **about)


def parse(body):
    """Returns the event in a message."""
    try:
        event = json.loads(body)
    except ValueError:
        raise NotAnEvent("not JSON") from None
    if not isinstance(event, dict) or not all(isinstance(event.get(key), str) and event[key] for key in REQUIRED):
        raise NotAnEvent("not a CloudEvent")
    return event


def handler(batch, context):
    """Handles what SQS delivers together, and names the messages that failed: only those
    come back.
    """
    failed = []
    for message in batch["Records"]:
        try:
            handle(parse(message["body"]))
        except Exception as error:  # whatever it is, the other messages are handled
            why = str(error) if isinstance(error, NotAnEvent) else type(error).__name__
            log("ERROR", "not handled; it comes back in a minute", messageId=message["messageId"], error=why)
            failed.append({"itemIdentifier": message["messageId"]})
    if failed:
        count(len(failed), context.function_name)
    return {"batchItemFailures": failed}


def log(level, message, **more):
    """Writes a log line, which can be searched by its fields."""
    print(json.dumps({"level": level, "msg": message, **more}))


def count(failed, function):
    """Writes the metric EventsFailed, which an alarm of the template watches: a failure of one
    message is not an error of the function. It is a log line in embedded metric format.
    """
    metric = {"Namespace": "Subscribers", "Dimensions": [["FunctionName"]], "Metrics": [{"Name": "EventsFailed", "Unit": "Count"}]}
    print(json.dumps({
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metric]},
        "FunctionName": function,
        "EventsFailed": failed,
    }))
