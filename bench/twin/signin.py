"""A sign-in trigger that does what the predecessor of 2019 did: it sends the event to an SNS topic with boto3."""
import json
import os

import boto3

import common

LOG = common.logger()
SNS = boto3.client("sns")


def handler(event, context):
    """The trigger, before or after authentication."""
    LOG.info("event", extra={"event": common.redacted(event), "request": context.aws_request_id})
    answer = SNS.publish(
        TopicArn=os.environ["TOPIC_ARN"],
        Message=json.dumps(event),
        MessageAttributes={"triggerSource": {"DataType": "String", "StringValue": event["triggerSource"]}},
    )
    LOG.info("published", extra={"messageId": answer["MessageId"]})
    return event
