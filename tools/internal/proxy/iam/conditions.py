"""Gives policies the condition keys of an upload to S3, of a subscription to SNS and of a mail.

Gaps: the emulator evaluates conditions on s3:if-none-match and s3:ObjectCreationOperation,
sns:Protocol and sns:Endpoint as if no call had these keys. So a policy that requires a
conditional upload denies every upload, and one that restricts subscriptions denies every
subscription. Of a mail it knows neither the identity that sends it, which AWS needs as the
resource, nor ses:FromAddress
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonses.html).
Delete each part when the emulator knows its keys.
"""

import json
from email.utils import parseaddr
from urllib.parse import parse_qs

from ministack.core import iam_actions, iam_evaluator


def uploads(context):
    """s3_service_context with the keys of uploads."""

    def run(iam_action, query_params, path="", headers=None):
        found = context(iam_action, query_params, path, headers)
        if iam_action != "s3:PutObject":
            return found
        query = query_params or {}
        # The parts of an upload and its start create no object, and have no conditions.
        creates = "uploads" not in query and "partNumber" not in query
        found = found | {"s3:ObjectCreationOperation": "true" if creates else "false"}
        if condition := (headers or {}).get("if-none-match"):
            found |= {"s3:if-none-match": condition}
        return found

    return run


def subscriptions(context):
    """request_tag_context with the keys of subscriptions."""

    def run(service, iam_action, body, *more):
        found = context(service, iam_action, body, *more)
        if iam_action != "sns:Subscribe":
            return found
        form = parse_qs((body or b"").decode(errors="replace"))
        named = {f"sns:{name}": form[name][0] for name in ("Protocol", "Endpoint") if name in form}
        return (found or {}) | named

    return run


class Sender(str):
    """The ARN of the identity of a mail's sender, with the address."""

    def __new__(cls, arn, address):
        one = super().__new__(cls, arn)
        one.address = address
        return one


def senders(extract):
    """extract_resource_arn, for which a mail is about the domain of its sender."""

    def run(service, method, path, headers, body, query_params, region, account_id):
        found = extract(service, method, path, headers, body, query_params, region, account_id)
        if service != "ses" or method != "POST" or not path.endswith("/outbound-emails"):
            return found
        try:
            address = parseaddr(json.loads(body)["FromEmailAddress"])[1]
        except (ValueError, TypeError, KeyError):
            return found  # the service itself refuses such a call
        return Sender(f"arn:aws:ses:{region}:{account_id}:identity/{address.partition('@')[2]}", address)

    return run


def mails(enforce):
    """enforce, which knows the sender of a mail."""

    def run(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        if isinstance(resource_arn, Sender):
            service_context = (service_context or {}) | {"ses:FromAddress": resource_arn.address}
        return enforce(access_key_id, iam_action, service, region, resource_arn, service_context)

    return run


def install():
    """Changes the emulator in this process."""
    iam_actions.s3_service_context = uploads(iam_actions.s3_service_context)
    iam_actions.request_tag_context = subscriptions(iam_actions.request_tag_context)
    iam_actions.extract_resource_arn = senders(iam_actions.extract_resource_arn)
    iam_evaluator.enforce = mails(iam_evaluator.enforce)
