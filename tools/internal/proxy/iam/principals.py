"""Tells a resource's policy who calls as IAM does.

Gaps: for the session of a role, the emulator's aws:PrincipalArn is the session's ARN,
which does not have the role's path; on AWS it is the role's. And the emulator does not
know aws:PrincipalIsAWSService, so that a policy cannot tell SNS from a role. Delete
each part when the emulator does the same:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

import re

from ministack.core import iam_evaluator
from ministack.services import iam

SESSION = re.compile(r"arn:[a-z-]+:sts::\d+:assumed-role/([^/]+)/")


def role_of(arn):
    """The ARN of a session's role; of every other caller, its own."""
    session = SESSION.match(arn)
    role = iam._roles.get(session[1]) if session else None
    return role["Arn"] if role else arn


def as_iam(resolve):
    """_resolve_condition_key for the two keys."""

    def run(key, ctx):
        match key.lower():
            case "aws:principalarn":
                return role_of(ctx.principal_arn)
            case "aws:principalisawsservice" if "aws:principalisawsservice" not in ctx.service_context:
                return "true" if ctx.principal_type == "Service" else "false"
        return resolve(key, ctx)

    return run


def install():
    """Changes the emulator in this process."""
    iam_evaluator._resolve_condition_key = as_iam(iam_evaluator._resolve_condition_key)
