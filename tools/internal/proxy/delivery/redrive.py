"""Moves what SNS cannot deliver to the subscription's dead-letter queue, and counts it.

Gap: the emulator drops a notification whose queue is gone or does not admit the topic. It
stores a subscription's RedrivePolicy without using it, and has no metrics of AWS/SNS. So
neither the dead-letter queues of subscriptions nor the alarms on lost notifications work.
Delete this file when it does both.

What AWS documents (Amazon SNS dead-letter queues, Monitoring Amazon SNS topics using
CloudWatch): a client-side error such as a missing permission is not tried again; the
message goes to the dead-letter queue, whose policy must admit the topic, or is discarded.
"""

import json

from ministack.services import cloudwatch, sns, sqs


def admitted(arn, topic_arn):
    """Whether a queue exists and its policy lets the topic send to it."""
    account = topic_arn.split(":")[4] if topic_arn.count(":") >= 5 else ""
    return bool(sqs._queue_by_arn(arn)) and sqs.queue_policy_allows(arn, "sns.amazonaws.com", topic_arn, account)


def target(topic_arn, endpoint):
    """The dead-letter queue of the subscription of an endpoint, or nothing."""
    topic = sns._topic_by_arn_any_scope(topic_arn) or {"subscriptions": []}
    for subscription in topic["subscriptions"]:
        if subscription.get("endpoint") == endpoint:
            policy = subscription.get("attributes", {}).get("RedrivePolicy") or "{}"
            try:
                return (json.loads(policy) if isinstance(policy, str) else policy).get("deadLetterTargetArn", "")
            except ValueError:
                return ""
    return ""


def count(metric, topic_arn):
    cloudwatch.record_metric("AWS/SNS", metric, 1, "Count", {"TopicName": topic_arn.rsplit(":", 1)[-1]})


def redriving(deliver):
    """_deliver_to_sqs, which redrives what the queue does not admit."""

    def run(endpoint, *content, topic_arn="", **more):
        if not topic_arn or admitted(endpoint, topic_arn):
            return deliver(endpoint, *content, topic_arn=topic_arn, **more)
        count("NumberOfNotificationsFailed", topic_arn)
        dead = target(topic_arn, endpoint)
        if dead and admitted(dead, topic_arn):
            deliver(dead, *content, topic_arn=topic_arn, **more)
            count("NumberOfNotificationsRedrivenToDlq", topic_arn)
        elif dead:
            count("NumberOfNotificationsFailedToRedriveToDlq", topic_arn)
        cloudwatch._evaluate_all_alarms()

    return run


def install():
    """Changes the emulator in this process."""
    sns._deliver_to_sqs = redriving(sns._deliver_to_sqs)
