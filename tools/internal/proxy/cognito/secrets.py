"""Gives an app client a second secret.

Gap: the emulator knows none of AddUserPoolClientSecret, DeleteUserPoolClientSecret and
ListUserPoolClientSecrets. Delete this file when it knows all three.

What AWS documents, in the API reference of the three: at most two secrets, the last one
cannot be deleted, no list has a value, and a value that Cognito generated is only in the
answer that created it. What was measured (floci-io/floci#345): DescribeUserPoolClient
shows the secret that the client was created with, and none once that one is deleted.
"""

import hmac
import time

from ministack.core.responses import error_response_json, json_response
from ministack.services import cognito

held: dict[str, list[dict]] = {}  # by client, once it was asked about; the first one is what it was created with


def client_of(data):
    pool = cognito._user_pools.get(data.get("UserPoolId")) or {}
    return pool.get("_clients", {}).get(data.get("ClientId"))


def secrets_of(client):
    created = client["CreationDate"]
    first = {"ClientSecretId": f"{client['ClientId']}--{int(created)}", "ClientSecretCreateDate": created, "value": client["ClientSecret"]}
    return held.setdefault(client["ClientId"], [first])


def described(secret):
    return {key: value for key, value in secret.items() if key != "value"}


def add(client, data):
    if len(secrets_of(client)) >= 2:
        return error_response_json("LimitExceededException", "The client has two secrets", 400)
    now, generated = time.time(), cognito._client_secret()
    secret = {
        "ClientSecretId": f"{client['ClientId']}--{int(now * 1000)}",
        "ClientSecretCreateDate": now,
        "value": data.get("ClientSecret") or generated,
    }
    secrets_of(client).append(secret)
    shown = {} if data.get("ClientSecret") else {"ClientSecretValue": generated}
    return json_response({"ClientSecretDescriptor": described(secret) | shown})


def delete(client, data):
    secrets = secrets_of(client)
    found = [s for s in secrets if s["ClientSecretId"] == data.get("ClientSecretId")]
    if not found:
        return error_response_json("ResourceNotFoundException", "There is no such secret", 400)
    if len(secrets) == 1:
        return error_response_json("InvalidParameterException", "The last secret cannot be deleted", 400)
    secrets.remove(found[0])
    return json_response({})


def listed(client, _):
    return json_response({"ClientSecrets": [described(s) for s in secrets_of(client)]})


actions = {"AddUserPoolClientSecret": add, "DeleteUserPoolClientSecret": delete, "ListUserPoolClientSecrets": listed}


def dispatching(dispatch):
    """The emulator's choice of what answers an action, with the three."""

    async def run(action, data):
        if action not in actions:
            return await dispatch(action, data)
        client = client_of(data)
        if client is None:
            return error_response_json("ResourceNotFoundException", "There is no such client", 400)
        if not client.get("ClientSecret"):
            return error_response_json("InvalidParameterException", "The client was created without a secret", 400)
        return actions[action](client, data)

    return run


def hiding(answer):
    """An answer with a client, which has no secret once the first one is deleted."""

    def run(data):
        client = client_of(data)
        if client is None or client["ClientId"] not in held:
            return answer(data)
        original = client["ClientSecret"]
        if all(s["value"] != original for s in held[client["ClientId"]]):
            client["ClientSecret"] = None
        try:
            return answer(data)
        finally:
            client["ClientSecret"] = original

    return run


def authenticating(authenticate):
    """The token endpoint's reading of a client and its secret: any secret it has counts as the first."""

    def run(headers, form):
        client_id, given = authenticate(headers, form)
        if client_id not in held:
            return client_id, given
        _, _, client = cognito._find_pool_by_client_id(client_id)
        right = any(hmac.compare_digest(s["value"].encode(), given.encode()) for s in held[client_id])
        return client_id, client["ClientSecret"] if client and right else ""

    return run


def install():
    """Changes the emulator in this process."""
    cognito._dispatch_idp = dispatching(cognito._dispatch_idp)
    cognito._describe_user_pool_client = hiding(cognito._describe_user_pool_client)
    cognito._update_user_pool_client = hiding(cognito._update_user_pool_client)
    cognito._authenticate_client = authenticating(cognito._authenticate_client)
