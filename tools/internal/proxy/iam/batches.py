"""Judges a call for several things at once as IAM does.

Gaps: the emulator asks for an action of its own for what SQS and SNS do with several
messages at once, such as sqs:SendMessageBatch, which IAM does not know. And it reads
the parameter of an SSM call from the field Name only, so that GetParameters, which
has Names, needs a permission for every resource. On AWS it needs ssm:GetParameters
on the ARN of each parameter. Delete each part when the emulator does the same.
"""

import json

from ministack.core import iam_actions, iam_evaluator

SEVERAL = ("AmazonSSM.GetParameters", "AmazonSSM.DeleteParameters")


class Parameters(str):
    """The ARNs of all parameters of a call; as a string, that of the first."""

    def __new__(cls, arns):
        one = super().__new__(cls, arns[0])
        one.arns, one.denied = arns, arns[0]
        return one

    def __format__(self, _):
        return self.denied  # in the text of the error


def one_by_one(extract):
    """extract_iam_action, for which a batch of messages needs the same as one message."""

    def run(*args, **named):
        action = extract(*args, **named)
        if action and action.startswith(("sqs:", "sns:")):
            return action.removesuffix("Batch")
        return action

    return run


def parameter(name, region, account):
    """The ARN of a parameter, which a caller names with or without version, or by its ARN."""
    if name.startswith("arn:"):
        return ":".join(name.split(":")[:6])
    return f"arn:aws:ssm:{region}:{account}:parameter/{name.split(':')[0].lstrip('/')}"


def all_parameters(extract):
    """extract_resource_arn, which finds every parameter in Names."""

    def run(service, method, path, headers, body, query_params, region, account_id):
        found = extract(service, method, path, headers, body, query_params, region, account_id)
        if service != "ssm" or headers.get("x-amz-target") not in SEVERAL:
            return found
        try:
            names = json.loads(body)["Names"]
            return Parameters([parameter(name, region, account_id) for name in names])
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            return found  # the service itself refuses such a call

    return run


def each(enforce):
    """enforce, which asks for each parameter and stops at the first that is denied."""

    def run(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        for arn in getattr(resource_arn, "arns", [resource_arn]):
            if denied := enforce(access_key_id, iam_action, service, region, arn, service_context):
                if isinstance(resource_arn, Parameters):
                    resource_arn.denied = arn
                return denied
        return None

    return run


def install():
    """Changes the emulator in this process."""
    iam_actions.extract_iam_action = one_by_one(iam_actions.extract_iam_action)
    iam_actions.extract_resource_arn = all_parameters(iam_actions.extract_resource_arn)
    iam_evaluator.enforce = each(iam_evaluator.enforce)
