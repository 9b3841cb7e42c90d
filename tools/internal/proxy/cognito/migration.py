"""Creates the users that the UserMigration trigger lets in.

Gap: the emulator fires no UserMigration. Package triggers fires it, and hands over here what
came of it. Delete this file when the emulator fires it.

MigrateUser is an operation of the proxy's own, with the root key. It sets what a call of
AdminCreateUser cannot: a password that the pool's policy was not asked about, and the status.
"""

import secrets

from ministack.core.responses import json_response
from ministack.services import cognito


def migrate(data):
    pool, err = cognito._resolve_pool(data["UserPoolId"])
    if err:
        return err
    user, err = cognito._resolve_user(pool, data["Username"])
    if err:
        return err
    user["UserStatus"] = data["Status"]
    user["_password"] = data.get("Password") or secrets.token_urlsafe(48)
    return json_response({})


def dispatching(dispatch):
    """The emulator's choice of what answers an action, with MigrateUser."""

    async def run(action, data):
        return migrate(data) if action == "MigrateUser" else await dispatch(action, data)

    return run


def install():
    cognito._dispatch_idp = dispatching(cognito._dispatch_idp)
