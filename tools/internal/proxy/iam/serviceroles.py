"""Lets AWS services assume their roles, and says what such a role may do.

Gaps: the emulator has no CodePipeline, and its CodeBuild and CloudFormation act
without their roles. Whoever plays their part assumes the role as the service would.
There the emulator accepts the account's root in place of every service, and knows
neither aws:SourceAccount nor aws:SourceArn. Its policy simulation looks for a role by
name and path together, so it finds none below a path, and it takes no context. And
CloudFormation drops the permissions boundary of a role. Delete each part when the
emulator does it.

A caller says which service it stands for by the session's name, SERVICE@anything, and
for which resource by the external id. Only the account's root is believed.
"""

import dataclasses
import json
import re

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam
from ministack.services.cloudformation import provisioners

SERVICE = re.compile(r"([a-z-]+\.amazonaws\.com)@")


def listed(value):
    """A policy's member, which may be one or a list of them."""
    return value if isinstance(value, list) else [value]


def naming(trust, service):
    """The statements of a trust policy that name the service, as if for everybody."""
    document = json.loads(trust) if isinstance(trust, str) else trust
    named = []
    for statement in listed(document.get("Statement", [])):
        principal = statement.get("Principal")
        if isinstance(principal, dict) and service in listed(principal.get("Service", [])):
            named.append(statement | {"Principal": "*"})
    return {"Statement": named}


def as_service(judge):
    """evaluate_trust_policy for callers that stand for a service."""

    def run(trust, caller, ctx=None):
        context = ctx.service_context if ctx else {}
        stands = SERVICE.match(context.get("sts:rolesessionname") or "")
        if not stands or not caller.endswith(":root"):
            return judge(trust, caller, ctx)
        service = stands[1]
        known = {
            "aws:sourceaccount": ctx.principal_account,
            "aws:sourcearn": context.get("sts:externalid"),
            "aws:principalservicename": service,
            "aws:principalisawsservice": "true",
        }
        return judge(naming(trust, service), caller, dataclasses.replace(ctx, service_context=known))

    return run


def context_entries(params):
    """What the caller of a simulation says about the request."""
    known, at = {}, 1
    while name := iam._p(params, f"ContextEntries.member.{at}.ContextKeyName"):
        known[name.lower()] = iam._p(params, f"ContextEntries.member.{at}.ContextKeyValues.member.1")
        at += 1
    return known


def simulate(params):
    """SimulatePrincipalPolicy of a role: its policies within its boundary."""
    arn = iam._p(params, "PolicySourceArn")
    account, name = get_account_id(), arn.rsplit("/", 1)[-1]
    policies = iam_evaluator._gather_role_policies(name, account)
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    actions, resource = iam._extract_simulate_params(params)
    members = ""
    for action in actions:
        ctx = iam_evaluator.EvalContext(
            principal_arn=arn, principal_type="AssumedRole", principal_account=account, action=action,
            resource_arn=resource, region=get_region(), service_context=context_entries(params),
        )
        decision = iam_evaluator.evaluate(ctx, policies, *limits).decision
        answer = {"Allow": "allowed", "Deny": "explicitDeny"}.get(decision, "implicitDeny")
        members += (f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>"
                    f"<EvalDecision>{answer}</EvalDecision></member>")
    return iam._xml(200, "SimulatePrincipalPolicyResponse",
                    f"<SimulatePrincipalPolicyResult><EvaluationResults>{members}</EvaluationResults>"
                    f"<IsTruncated>false</IsTruncated></SimulatePrincipalPolicyResult>", ns="iam")


def of_roles(simulation):
    """The emulator's own simulation stays for users."""

    def run(params):
        return simulate(params) if ":role/" in iam._p(params, "PolicySourceArn") else simulation(params)

    return run


def bounded(handler, properties):
    """CloudFormation's handler of roles, which keeps the boundary; properties is its place among the arguments."""

    def run(*args, **named):
        made = handler(*args, **named)
        role = iam._roles.get(made[0] if isinstance(made, tuple) else made)
        if role is not None:
            role["PermissionsBoundary"] = args[properties].get("PermissionsBoundary")
        return made

    return run


def install():
    """Changes the emulator in this process."""
    iam_evaluator.evaluate_trust_policy = as_service(iam_evaluator.evaluate_trust_policy)
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = of_roles(iam._simulate_principal_policy)
    roles = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]
    roles["create"] = bounded(roles["create"], 1)
    roles["update"] = bounded(roles["update"], 2)
