"""Has the policy of a queue judge a service, when the proxy sends as one.

Gap: the proxy delivers records in EventBridge's place, with the root key. Queues here deny
everybody but the service, so their policy must be asked about the service and its rule.
Delete this file when the emulator delivers records.

The proxy says which service it stands for, and for which resource, in a header that only
the account's root is believed in.
"""

import contextvars

from ministack.core import iam_evaluator
from ministack.services import sqs

HEADER = "x-gatehouse-service"
stands = contextvars.ContextVar("gatehouse_service", default="")


def pinned(pin):
    """pin_request_caller, which also remembers the service that root stands for."""

    def run(headers, *more):
        pin(headers, *more)
        root = iam_evaluator.caller_arn().endswith(":root")
        stands.set(headers.get(HEADER, "") if root else "")

    return run


def judged(enforce):
    """_enforce_queue_policy, which asks about the service instead of root."""

    def run(queue, action):
        service, _, source = stands.get().partition(" ")
        if not service:
            return enforce(queue, action)
        account = source.split(":")[4] if source.count(":") >= 5 else ""
        if action != "sqs:SendMessage" or not sqs.queue_policy_allows(queue["attributes"].get("QueueArn", ""), service, source, account):
            raise sqs._Err("AccessDenied", "The queue does not admit the service.", 403)

    return run


def install():
    """Changes the emulator in this process."""
    iam_evaluator.pin_request_caller = pinned(iam_evaluator.pin_request_caller)
    sqs._enforce_queue_policy = judged(sqs._enforce_queue_policy)
