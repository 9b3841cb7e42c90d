"""Says who signed a call of the Cognito API, for the record that the proxy makes of it.

Gap: the proxy sees the id of an access key and cannot ask whose it is; sessions of roles
are known inside the emulator's process only. Delete this file when the emulator records
who called.

The note is a header of the answer. The proxy takes it out.
"""

import json
import re

from ministack import app
from ministack.core import iam_evaluator
from ministack.services import iam

NOTE = "x-gatehouse-caller"
SESSION = re.compile(r"arn:[a-z-]+:sts::\d+:assumed-role/([^/]+)/")


def note(arn):
    """The caller with the ids that the ARN does not show."""
    if session := SESSION.match(arn):
        role = iam._roles.get(session[1]) or {}
        return {"arn": arn, "id": role.get("RoleId", ""), "role": role.get("Arn", "")}
    user = iam._users.get(arn.rsplit("/", 1)[-1]) or {} if ":user/" in arn else {}
    return {"arn": arn, "id": user.get("UserId", "")}


def noted(handle):
    """The handler of Cognito's API, whose answers name the caller."""

    async def run(*call):
        status, headers, body = await handle(*call)
        return status, dict(headers) | {NOTE: json.dumps(note(iam_evaluator.caller_arn()))}, body

    return run


def install():
    """Changes the emulator in this process."""
    app.SERVICE_HANDLERS["cognito-idp"] = noted(app.SERVICE_HANDLERS["cognito-idp"])
