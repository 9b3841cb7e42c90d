"""A sign-in trigger that does what the predecessor of 2019 did: it sends the event to an SNS topic with boto3. It logs
three lines."""
import json
import os
from copy import deepcopy

import boto3

import common

SNS = boto3.client("sns")


def handler(event, context):
    """The trigger, before or after authentication."""
    user_event = deepcopy(event)
    log = common.begin(user_event, context)
    try:
        log.info("event %s", json.dumps(event))
        user_event["result"] = "SUCCESS"
    finally:
        SNS.publish(
            TopicArn=os.environ["TOPIC_ARN"],
            Message=json.dumps({"default": json.dumps(user_event)}),
            MessageStructure="json",
            Subject=event["triggerSource"] + "." + user_event["result"],
        )
        common.end(log)
    return event
