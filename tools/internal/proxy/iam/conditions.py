"""Gives policies the condition keys of an upload to S3 and of a subscription to SNS.

Gaps: the emulator evaluates conditions on s3:if-none-match and s3:ObjectCreationOperation,
sns:Protocol and sns:Endpoint as if no call had these keys. So a policy that requires a
conditional upload denies every upload, and one that restricts subscriptions denies every
subscription. Delete each part when the emulator knows its keys.
"""

from urllib.parse import parse_qs

from ministack.core import iam_actions


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


def install():
    """Changes the emulator in this process."""
    iam_actions.s3_service_context = uploads(iam_actions.s3_service_context)
    iam_actions.request_tag_context = subscriptions(iam_actions.request_tag_context)
